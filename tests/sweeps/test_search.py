"""Trials that a sampler chooses: of programs that pretend to train, and of real runs."""

import json
import math
import os
import pathlib
import subprocess
import sys

import pytest

from gan_jax import sweep as command
from gan_jax.errors import InputError
from gan_jax.sweeps import book, results, search, trials
from gan_jax.sweeps.search import searched

optuna = pytest.importorskip('optuna')
ROOT = pathlib.Path(__file__).parents[2]
RATE = 'players.D.tx.learning_rate'
SPACE = {RATE: trials.log_uniform(1e-6, 1.0), 'batch': trials.choice(8, 64)}

# The best rate is 1e-3 with batches of 64; with one above 0.1 it diverges.
PRETENDS = """
import json, math, pathlib, sys
flags = dict(word[2:].split('=', 1) for word in sys.argv[1:])
rate, batch = float(flags['config.players.D.tx.learning_rate']), int(flags['config.batch'])
if rate > 0.1:
  sys.exit('gan_jax: round 1: D/loss is nan')
value = (math.log10(rate) + 3) ** 2 + (batch == 8)
with (pathlib.Path(flags['workdir']) / 'log.jsonl').open('w') as log:
  log.write(json.dumps({'step': 4, 'D/loss': value}) + chr(10))
"""


def read(n, space=SPACE, **options):
  config = 'experiments/gan_digits.py'
  return book.read(dict(config=config, trials=searched(n, space, **options), metric='D/loss'))


@pytest.fixture
def play(tmp_path, monkeypatch):
  """Plays the sweep in a folder, as the same command would, whenever it is called."""
  monkeypatch.chdir(ROOT)
  program = tmp_path / 'pretends.py'
  program.write_text(PRETENDS)

  def played(sweep, executor='local(slots=2)'):
    workdir = tmp_path / 'sweep'
    book.claim(workdir, sweep)
    command.play(workdir, sweep, executor, program=(sys.executable, str(program)))
    return workdir

  return played


def loaded(workdir):
  from optuna.storages import JournalStorage
  from optuna.storages.journal import JournalFileBackend

  storage = JournalStorage(JournalFileBackend(str(workdir / search.FILE)))
  return optuna.load_study(study_name='sweep', storage=storage)


def test_it_learns_from_what_came_out_goes_on_and_is_told_of_failures(play):
  workdir = play(read(12))
  assert len(loaded(workdir).trials) == 12
  sweep = read(30)  # more of the same, by the same command
  workdir = play(sweep)
  study = loaded(workdir)
  states = [trial.state.name for trial in study.trials]
  assert len(sweep.trials) == 30
  assert states.count('RUNNING') == 0
  standing = [book.standing(workdir, name)['state'] for name in sweep.trials]
  assert standing.count('failed') == states.count('FAIL') > 0
  assert standing.count('done') == states.count('COMPLETE') == 30 - states.count('FAIL')
  assert study.best_value < 0.5
  assert study.best_params['batch'] == 1  # of the choice: 64
  done = [one[RATE] for one in sweep.trials.values() if one[RATE] <= 0.1]
  far = lambda rates: sum(abs(math.log10(rate) + 3) for rate in rates) / len(rates)
  assert far(done[-8:]) < far(done[:8])  # it looks ever nearer to the best
  told = '\n'.join(results.close(workdir, sweep))
  assert told.splitlines()[1].split()[1] == '64'


def test_what_was_tried_is_not_tried_twice_and_a_space_comes_to_its_end(play):
  sweep = read(9, {RATE: trials.choice(1e-3, 1e-4), 'batch': trials.choice(8, 64)}, at_once=3)
  play(sweep)
  assert len(sweep.trials) == 4


def test_one_that_was_stopped_is_played_and_one_never_written_down_is_forgotten(play, tmp_path):
  sweep = read(3)
  workdir = tmp_path / 'sweep'
  book.claim(workdir, sweep)
  name = search.study(workdir, sweep).ask()  # and then a kill
  loaded(workdir).ask()
  play(sweep)
  assert next(iter(sweep.trials)) == name
  states = [trial.state.name for trial in loaded(workdir).trials]
  assert states.count('RUNNING') == 0
  assert len(sweep.trials) == 3


@pytest.mark.parametrize(
  ('make', 'message'),
  [(lambda: searched(0, SPACE), 'tries nothing'),
   (lambda: searched(3, {'batch': (8, 64)}), 'batch is to be uniform, log_uniform'),
   (lambda: search.sampler(searched(3, SPACE, sampler='TPE')), "no sampler 'TPE'; it has .*TPE"),
   (lambda: search.sampler(searched(3, SPACE, depth=3)), 'TPESampler: .*depth'),
   (lambda: read(3, {'bach': trials.choice(8, 64)}), 'bach'),
   (lambda: book.read(dict(config='x', trials=searched(3, SPACE))), 'must say the metric')],
)  # fmt: skip
def test_what_cannot_be_searched_is_refused(make, message, monkeypatch):
  monkeypatch.chdir(ROOT)
  with pytest.raises(InputError, match=message):
    make()


def test_without_optuna_it_says_what_to_install(monkeypatch):
  monkeypatch.setitem(sys.modules, 'optuna', None)
  with pytest.raises(InputError, match=r"pip install 'gan_jax\[optuna\]'"):
    search.library()


def test_real_runs_are_searched_by_the_command(tmp_path):
  file = tmp_path / 'rates.py'
  file.write_text(
    'from gan_jax.sweeps.search import searched\nfrom gan_jax.sweeps.trials import log_uniform\n'
    "def get_sweep():\n  space = {'players.D.tx.learning_rate': log_uniform(1e-5, 1e-2)}\n"
    "  return dict(config='experiments/gan_digits.py:tiny', metric='D/loss', "
    'trials=searched(1, space, sampler="RandomSampler"))\n'
  )
  words = [sys.executable, '-m', 'gan_jax.sweep', f'--sweep={file}', f'--workdir={tmp_path}/sweep']
  environment = {**os.environ, 'JAX_PLATFORMS': 'cpu'}
  run = lambda *more: subprocess.run(
    [*words, *more], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
  )
  dry = run('--dry_run')
  assert dry.stdout == '1 trials by RandomSampler, of players.D.tx.learning_rate\n', dry.stderr
  done = run()
  assert done.returncode == 0, done.stdout + done.stderr
  assert 'trials   1 done' in done.stdout
  assert json.loads((tmp_path / 'sweep' / book.FILE).read_text())['search']['n'] == 1
