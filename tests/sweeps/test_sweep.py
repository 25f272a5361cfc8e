"""A sweep from its file to its table: of a program that only pretends to train.

Covers: sweep.py, sweeps/book.py, sweeps/plots.py, sweeps/results.py.
"""

import csv
import json
import pathlib
import signal
import subprocess
import sys

import pytest

from gan_jax import log
from gan_jax import sweep as command
from gan_jax.executors.job import OUTPUT, Ended, Started
from gan_jax.sweeps import book, results
from gan_jax.sweeps.trials import product
from tests import commands
from tests.configs import file_of
from tests.messages import refused, says
from tests.runs import rounds_saved

ROOT = pathlib.Path(__file__).parents[2]
DIGITS = 'experiments/gan_digits.py'

# It logs one round; seed 2 is killed once, seed 3 says that it diverged, seed 4 dies every time.
PRETENDS = """
import json, os, pathlib, sys
flags = dict(word[2:].split('=', 1) for word in sys.argv[1:])
folder, seed = pathlib.Path(flags['workdir']), int(flags['config.seed'])
tried = folder / 'tried'
count = len(tried.read_text()) if tried.exists() else 0
tried.write_text('x' * (count + 1))
if seed == 2 and not count or seed == 4:
  print('about to go', flush=True)
  os.kill(os.getpid(), 9)
if seed == 3:
  print('gan_jax: round 7: D/loss is nan.', file=sys.stderr)
  sys.exit(1)
rate = 5.0 if 'pair=hinge' in flags['config'] else 9.0
(folder / 'config.json').write_text(json.dumps(dict(rounds=4, batch=10, play='simultaneous')))
with (folder / 'log.jsonl').open('w') as log:
  for step in (2, 4):
    log.write(json.dumps({'step': step, 'images_per_second': 20.0, 'D/loss': 0.1}) + chr(10))
  log.write(json.dumps({'step': 4, 'samples': rate + seed}) + chr(10))
"""


@pytest.fixture
def program(tmp_path):
  path = tmp_path / 'pretends.py'
  path.write_text(PRETENDS)
  return sys.executable, str(path)


def read(seeds, pairs=('hinge', 'minimax'), **changes):
  trials = product({':pair': pairs, 'seed': seeds})
  return book.read(dict(config=DIGITS, trials=trials, metric='samples', rows=':pair', **changes))


def states(workdir, sweep):
  return {name: book.standing(workdir, name)['state'] for name in sweep.trials}


def test_play_tries_bad_luck_again_and_takes_an_answer(tmp_path, program, capsys):
  sweep, workdir = read(range(5), pairs=('hinge',)), tmp_path / 'sweep'
  book.claim(workdir, sweep)
  command.play(workdir, sweep, 'local(slots=2)', program=program)
  assert states(workdir, sweep) == {
    'pair=hinge-seed=0': 'done', 'pair=hinge-seed=1': 'done', 'pair=hinge-seed=2': 'done',
    'pair=hinge-seed=3': 'failed', 'pair=hinge-seed=4': 'failed',
  }  # fmt: skip
  standing = [book.standing(workdir, name) for name in sweep.trials]
  assert [len(one['attempts']) for one in standing] == [1, 1, 2, 1, 2]
  assert standing[3]['attempts'][0]['said'] == 'round 7: D/loss is nan.'
  says(standing[4]['attempts'][-1]['said'], 'signal 9', '2 times', 'about to go')
  told = '\n'.join(results.close(workdir, sweep))
  # hinge's 5 + seeds 0, 1 and 2
  says(told, '3 done', '2 failed', 'pair=hinge-seed=3: round 7: D/loss is nan.', '6 ± 1')
  (again,) = [li for li in capsys.readouterr().out.splitlines() if 'again' in li and 'seed=2' in li]
  says(again, 'signal 9', 'about to go')


def test_claim_keeps_what_is_done_and_adds_what_is_new(tmp_path, program):
  workdir, first, more = tmp_path / 'sweep', read(range(1)), read(range(2))
  for sweep in (first, more, more):
    book.claim(workdir, sweep)
    command.play(workdir, sweep, program=program)
  tried = [(workdir / book.FOLDER / n / 'tried').read_text() for n in more.trials]
  assert tried == ['x'] * 4
  with refused(workdir, DIGITS, 'experiments/gan_mnist.py', '--workdir'):
    book.claim(workdir, more._replace(config='experiments/gan_mnist.py'))


def test_play_tries_failed_ones_again_when_that_is_asked_for(tmp_path, program):
  workdir, sweep = tmp_path / 'sweep', read((4,), pairs=('hinge',), retries=0)
  book.claim(workdir, sweep)
  for again, attempts in ((False, 1), (False, 1), (True, 2)):
    command.play(workdir, sweep, program=program, again=again)
    (name,) = sweep.trials
    assert len(book.standing(workdir, name)['attempts']) == attempts


def test_close_has_the_best_first_and_writes_all_into_files(tmp_path, program):
  workdir, sweep = tmp_path / 'sweep', read(range(2))
  book.claim(workdir, sweep)
  command.play(workdir, sweep, program=program)
  head, *lines = list(results.close(workdir, sweep))
  assert head.split() == ['pair', 'trials', 'samples', 'D/loss', 'seconds']
  assert lines[0].split() == ['hinge', '2', '5.5', '±', '0.71', '0.1', '±', '0', '2']
  assert lines[1].startswith('minimax')
  with (workdir / 'results.csv').open() as file:
    rows = list(csv.DictReader(file))
  assert [float(r['samples']) for r in rows] == [5, 6, 9, 10]
  assert {r['seconds'] for r in rows} == {'2.0'}  # four rounds of 10 at 20 images a second
  page = (workdir / 'results.html').read_text()
  assert page.count('data:image/png') == 2
  assert 'http' not in page
  assert '| minimax | 2 |' in (workdir / 'results.md').read_text()


def test_close_has_a_table_of_the_best_by_rows_and_columns(tmp_path, program):
  rate = 'players.D.tx.learning_rate'
  trials = product({':pair': ('hinge', 'minimax'), rate: (1e-3, 1e-4), 'seed': (0, 1)})
  keys = dict(metric='samples', rows=':pair', columns=rate)
  workdir, sweep = tmp_path / 'sweep', book.read(dict(config=DIGITS, trials=trials, **keys))
  book.claim(workdir, sweep)
  command.play(workdir, sweep, program=program)
  list(results.close(workdir, sweep))
  written = (workdir / 'results.md').read_text().splitlines()
  says(written[0], 'samples', 'less')
  assert written[2] == '| pair \\ players.D.tx.learning_rate | 0.001 | 0.0001 |'
  assert written[4] == '| hinge | 5.5 ± 0.71 | 5.5 ± 0.71 |'
  page = (workdir / 'results.html').read_text()
  assert '<td>hinge</td><td>5.5 ± 0.71</td>' in page
  assert page.index('<td>hinge</td><td>5.5') < page.index('data:image/png')
  assert page.index('data:image/png') < page.rindex('<td>hinge</td>')


@pytest.mark.parametrize(
  ('status', 'lost', 'tried', 'words', 'state'),
  [(0, False, 1, '', 'done'), (143, False, 1, '', 'waiting'), (-15, False, 1, '', 'waiting'),
   (1, False, 1, 'gan_jax: no.', 'failed'), (1, False, 1, 'Traceback', 'again'),
   (-9, False, 3, '', 'failed'), (-9, False, 2, '', 'again'), (-15, True, 9, '', 'again')],
)  # fmt: skip
def test_judged_tells_what_an_end_means(status, lost, tried, words, state):
  assert command.judged(status, lost, tried, 2, words)[0] == state


def test_play_finds_an_executor_of_ones_own_by_its_path(tmp_path, program):
  workdir, sweep = tmp_path / 'sweep', read(range(2))
  book.claim(workdir, sweep)
  command.play(workdir, sweep, f'{__name__}.at_once(places=3)', program=program)
  assert set(states(workdir, sweep).values()) == {'done'}
  with refused("'slot'", 'slots'):
    command.play(workdir, sweep, 'local(slot=2)', program=program)


def at_once(queue, *, places=1):
  """Plays one after the other."""
  while queue:
    job = queue.popleft()
    yield Started(job, f'one of {places}')
    yield Ended(job, subprocess.run(job.command, check=False, capture_output=True).returncode)


@pytest.mark.parametrize(
  ('changes', 'facts'),
  [(dict(metrics='x'), ("'metrics'", 'metric,')), (dict(trials=[]), ('no trials',)),
   (dict(better='low'), ("'low'", "'less'", "'more'")), (dict(rows='depth'), ('rows', 'depth')),
   (dict(trials=[{'rouns': 3}]), ('rouns',))],
)  # fmt: skip
def test_read_refuses_a_wrong_sweep_before_anything_is_played(changes, facts):
  with refused(*facts):
    book.read({**dict(config=DIGITS, trials=[dict(seed=1)]), **changes})


@pytest.mark.slow  # real runs, of which one is stopped in its middle
def test_sweep_that_is_stopped_goes_on_where_it_was(tmp_path):
  """SIGTERM in the middle of the first run, and then the same command; meanwhile none beside it.

  Of more rounds than can be played, so that there is a middle; then of fewer, to come to an end.
  """
  rare = dict(log_every=100, checkpoint=dict(every=10**6, keep=1))
  config, file = file_of('perceptrons', tmp_path, rounds=10**6, **rare), tmp_path / 'seeds.py'
  file.write_text(
    f"def get_sweep():\n  return dict(config='{config}', metric='D/loss', "
    'trials=[dict(seed=s) for s in range(2)])\n'
  )
  words = f'--sweep={file}', f'--workdir={tmp_path}/sweep'
  folders = [tmp_path / 'sweep' / book.FOLDER / f'seed={s}' for s in (0, 1)]
  steps = lambda folder: [entry['step'] for entry in log.read(folder)]
  first = commands.start('gan_jax.sweep', *words)
  first.until((tmp_path / 'sweep' / book.FILE).exists)
  another = commands.run('gan_jax.sweep', *words)
  assert another.status == 1
  says(another.err, tmp_path / 'sweep', '--workdir')
  first.until(lambda: len(steps(folders[0])) > 2)
  first.send(signal.SIGTERM)
  done = first.ended()
  assert done.status == 130, done
  says(done.out, '2 waiting')
  kept = json.loads((folders[0] / book.TRIAL).read_text())
  assert (kept['state'], kept['attempts'][0]['status']) == ('waiting', 143)
  (stopped,) = rounds_saved(folders[0])
  rounds = (stopped // 100 + 2) * 100
  file_of('perceptrons', tmp_path, rounds=rounds, **rare)
  again = commands.run('gan_jax.sweep', *words)
  assert again.status == 0, again
  says(again.out, '2 done')
  says((folders[0] / OUTPUT).read_text(), f'resuming after {stopped:,}')
  assert [steps(folder) for folder in folders] == [list(range(100, rounds + 1, 100))] * 2
