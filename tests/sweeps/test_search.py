"""Trials that a sampler chooses: of programs that pretend to train, and of real runs."""

import json
import math
import pathlib
import sys

import pytest

from gan_jax import sweep as command
from gan_jax.sweeps import book, results, search, trials
from gan_jax.sweeps.search import searched
from tests import commands
from tests.messages import refused, says

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


def test_searched_learns_from_what_came_out_and_goes_on(play):
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


def test_searched_tries_nothing_twice_and_knows_the_end_of_a_space(play):
  sweep = read(9, {RATE: trials.choice(1e-3, 1e-4), 'batch': trials.choice(8, 64)}, at_once=3)
  play(sweep, 'local(slots=1)')  # else which of two ends first would be what is learnt from
  assert len(sweep.trials) == 4


def test_study_plays_what_was_stopped_and_forgets_what_is_in_no_book(play, tmp_path):
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
  ('make', 'facts'),
  [(lambda: searched(0, SPACE), ('searched(0', RATE)),
   (lambda: searched(3, {'batch': (8, 64)}), ('batch', 'uniform', 'log_uniform', 'choice')),
   (lambda: search.sampler(searched(3, SPACE, sampler='TPE')), ("'TPE'", 'TPESampler')),
   (lambda: search.sampler(searched(3, SPACE, depth=3)), ('TPESampler', 'depth')),
   (lambda: read(3, {'bach': trials.choice(8, 64)}), ('bach',)),
   (lambda: book.read(dict(config='x', trials=searched(3, SPACE))), ('metric',))],
)  # fmt: skip
def test_searched_refuses_what_cannot_be_searched(make, facts, monkeypatch):
  monkeypatch.chdir(ROOT)
  with refused(*facts):
    make()


def test_library_says_what_to_install_without_optuna(monkeypatch):
  monkeypatch.setitem(sys.modules, 'optuna', None)
  with refused("pip install 'gan_jax[optuna]'"):
    search.library()


@pytest.fixture
def sweep_of_rates(tmp_path):
  """(more flags) -> how the command ended, for a search of one run of which a file tells."""
  (tmp_path / 'config.py').write_text(
    'from gan_jax.config import experiment\nfrom tests.configs import perceptrons\n'
    "get_config = lambda arg='': experiment(perceptrons(rounds=4))\n"
  )
  file = tmp_path / 'rates.py'
  file.write_text(
    'from gan_jax.sweeps.search import searched\nfrom gan_jax.sweeps.trials import log_uniform\n'
    f'def get_sweep():\n  space = {{{RATE!r}: log_uniform(1e-5, 1e-2)}}\n'
    f"  return dict(config='{tmp_path}/config.py', metric='D/loss', "
    'trials=searched(1, space, sampler="RandomSampler"))\n'
  )
  words = f'--sweep={file}', f'--workdir={tmp_path}/sweep'
  return lambda *more: commands.run('gan_jax.sweep', *words, *more)


def test_sweep_tells_of_a_search_without_playing(sweep_of_rates, tmp_path):
  dry = sweep_of_rates('--dry_run')
  assert dry.status == 0, dry
  says(dry.out, '1 ', 'RandomSampler', RATE)
  assert not (tmp_path / 'sweep').exists()


@pytest.mark.slow  # a real run, in a process of its own
def test_sweep_searches_by_real_runs(sweep_of_rates, tmp_path):
  done = sweep_of_rates()
  assert done.status == 0, done
  says(done.out, '1 done')
  assert json.loads((tmp_path / 'sweep' / book.FILE).read_text())['search']['n'] == 1
