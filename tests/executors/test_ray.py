"""A real Ray cluster of several nodes on this machine, of which one is taken away."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections import deque

import pytest

from gan_jax import log, sessions
from gan_jax.errors import InputError
from gan_jax.executors import ray as executor
from gan_jax.executors.job import OUTPUT, Ended, Job, Started
from gan_jax.sweeps import book, trials

ray = pytest.importorskip('ray')
ROOT = pathlib.Path(__file__).parents[2]
DIGITS = 'experiments/gan_digits.py'
pytestmark = [
  pytest.mark.skipif(sys.platform != 'linux', reason='several nodes on one machine need Linux'),
  # What Ray's own helper for tests leaves open.
  pytest.mark.filterwarnings('ignore:subprocess .* is still running:ResourceWarning'),
  pytest.mark.filterwarnings('ignore:unclosed file .*/ray/:ResourceWarning'),
  # It forks to start its servers, which run nothing of the JAX that other tests have brought in.
  pytest.mark.filterwarnings('ignore:os.fork:RuntimeWarning'),
]


class Nodes:
  """A cluster of a head without cores and of whatever is added."""

  def __init__(self):
    from ray.cluster_utils import Cluster

    self.cluster = Cluster(
      initialize_head=True, head_node_args=dict(num_cpus=0, include_dashboard=False)
    )
    self.address = self.cluster.address

  def add(self, **told):
    return self.cluster.add_node(object_store_memory=80 * 2**20, **told)

  def slice(self, name):
    """Two hosts of four chips, as Ray sees a v4-16."""
    os.environ['TPU_NAME'] = name
    for worker in range(2):
      labels = {'slice-name': name, 'worker-id': str(worker), 'topology': '2x2x2',
                'pod-type': 'v4-16'}  # fmt: skip
      self.add(
        num_cpus=1,
        resources={'TPU': 4, name: 1, **({} if worker else {'TPU-v4-16-head': 1})},
        labels={f'ray.io/tpu-{key}': value for key, value in labels.items()},
      )
    del os.environ['TPU_NAME']


@pytest.fixture(scope='module')
def nodes():
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('JAX_PLATFORMS', 'cpu')  # of the nodes, and so of the runs
    patch.setenv('RAY_health_check_period_ms', '500')
    patch.setenv('RAY_health_check_failure_threshold', '3')
    patch.chdir(ROOT)
    found = Nodes()
    found.slice('slice-a')
    yield found
    found.cluster.shutdown()


def job(folder, name, code):
  (folder / name).mkdir()
  return Job(name, (sys.executable, '-c', code), folder / name)


def played(queue, nodes, **options):
  return list(executor.ray(deque(queue), address=nodes.address, **options))


TELLS = 'import os; print(os.environ.get("TPU_VISIBLE_CHIPS"))'


def test_a_trial_has_the_chips_that_it_asks_for_and_statuses_come_back(nodes, tmp_path, capfd):
  queue = [job(tmp_path, n, TELLS) for n in 'ab'] + [job(tmp_path, 'c', 'raise SystemExit(3)')]
  events = played(queue, nodes, tpus=2)
  assert {e.job.name: (e.status, e.lost) for e in events if isinstance(e, Ended)} == {
    'a': (0, False), 'b': (0, False), 'c': (3, False),
  }  # fmt: skip
  assert sorted(e.job.name for e in events if isinstance(e, Started)) == ['a', 'b', 'c']
  for name in 'ab':
    assert (tmp_path / name / OUTPUT).read_text() in ('0,1\n', '2,3\n')
  assert capfd.readouterr() == ('', '')


def test_a_slice_is_a_process_on_each_of_its_hosts(nodes, tmp_path):
  queue = [job(tmp_path, n, TELLS) for n in 'ab']
  events = played(queue, nodes, tpu='v4', topology='2x2x2')
  order = [(type(e), e.job.name) for e in events if isinstance(e, Started | Ended)]
  assert order == [(Started, 'a'), (Ended, 'a'), (Started, 'b'), (Ended, 'b')]  # there is but one
  where = [e.where for e in events if isinstance(e, Started)]
  assert all(len(set(each.split(', '))) == 2 for each in where)
  assert (tmp_path / 'b' / OUTPUT).read_text() == '0,1,2,3\n'
  assert (tmp_path / 'b' / f'1-{OUTPUT}').read_text() == '0,1,2,3\n'


# A host of a slice as jax sees it without one: as a task of Slurm, which `auto` knows as well.
HOST = f"""
import os, runpy, sys
for task in ('0', '1'):
  try:
    os.mkdir(os.path.join('FOLDER', task))
    break
  except FileExistsError:
    pass
os.environ.update(
  SLURM_JOB_ID='{os.getpid()}', SLURM_STEP_NODELIST='localhost', SLURM_NTASKS='2',
  SLURM_STEP_NUM_TASKS='2', SLURM_PROCID=task, SLURM_LOCALID=task,
)
runpy.run_module('gan_jax.main', run_name='__main__', alter_sys=True)
"""


def test_the_hosts_of_a_slice_play_one_run(nodes, tmp_path):
  played_by_two = job(tmp_path, 'a', HOST.replace('FOLDER', str(tmp_path)))
  words = (f'--config={DIGITS}:tiny', '--config.rounds=8', f'--workdir={tmp_path / "a"}')
  queue = [played_by_two._replace(command=(*played_by_two.command, *words))]
  events = played(queue, nodes, tpu='v4', topology='2x2x2')
  ended = next(e for e in events if isinstance(e, Ended))
  told = [(tmp_path / 'a' / name).read_text() for name in (OUTPUT, f'1-{OUTPUT}')]
  assert ended.status == 0, told
  (session,) = sessions.read(tmp_path / 'a')
  assert session['device'].startswith('2 x cpu')
  assert session['how'] == 'finished'
  assert log.read(tmp_path / 'a')[-1]['step'] == 8
  with pytest.raises(InputError, match='which one host plays'):
    played([played_by_two._replace(alone=True)], nodes, tpu='v4', topology='2x2x2')


@pytest.mark.parametrize(
  ('options', 'message'),
  [(dict(cpus=64), 'needs CPU 64, and no node .* has that; the most that one has is CPU 1'),
   (dict(tpus=-1), 'TPU: -1 is no amount'), (dict(tpu='v4'), 'asked for by both'),
   (dict(tpu='v6e', topology='4x4'), 'no whole slice of v6e in 4x4')],
)  # fmt: skip
def test_what_no_node_has_is_refused(options, message, nodes, tmp_path):
  with pytest.raises(InputError, match=message):
    played([job(tmp_path, 'a', TELLS)], nodes, **options)


def test_without_a_cluster_or_without_ray_it_says_what_to_do(monkeypatch):
  with pytest.raises(InputError, match=r'no Ray cluster at 127.0.0.1:1: `ray start --head`'):
    list(executor.ray(deque(), address='127.0.0.1:1'))
  monkeypatch.setitem(sys.modules, 'ray', None)
  with pytest.raises(InputError, match=r"pip install 'gan_jax\[ray\]'"):
    list(executor.ray(deque()))


def test_a_node_that_does_not_see_the_folder_ends_it_with_a_sentence(nodes, tmp_path, monkeypatch):
  def elsewhere(queue):
    monkeypatch.setattr(os, 'getcwd', lambda: '/nowhere/at/all')
    yield from executor.ray(queue, address=nodes.address)

  with pytest.raises(InputError, match=r'node \S+ does not see /nowhere/at/all, which is to lie'):
    list(elsewhere(deque([job(tmp_path, 'a', TELLS)])))


def sweep_of(tmp_path):
  """Two runs of 1,000 rounds, of some 10 seconds each."""
  often = {'log_every': 100, 'checkpoint.every': 100, 'evals.samples.every': 1000}
  file = tmp_path / 'seeds.py'
  file.write_text(
    f"def get_sweep():\n  trials = [{{'seed': s, 'rounds': 1000, **{often}}} for s in range(2)]\n"
    f"  return dict(config='{DIGITS}:tiny', metric='D/loss', trials=trials)\n"
  )
  return file


def wait_for(there, process=None, seconds=120):
  until = time.monotonic() + seconds
  while not there():
    assert time.monotonic() < until, 'nothing came'
    assert process is None or process.poll() is None, process.communicate()[0]
    time.sleep(0.2)


def test_a_node_is_taken_away_and_its_trial_goes_on_elsewhere_to_one_whole_table(nodes, tmp_path):
  """And then the sweep itself is stopped, and goes on."""
  lost = nodes.add(num_cpus=1, resources=dict(room=1))
  file = sweep_of(tmp_path)
  names = book.read(trials.load(str(file), 'get_sweep')()).trials
  folders = [tmp_path / 'sweep' / book.FOLDER / name for name in names]
  first = folders[0]
  words = [
    sys.executable, '-m', 'gan_jax.sweep', f'--sweep={file}',
    f'--workdir={tmp_path}/sweep',
    f"--executor=ray(address='{nodes.address}', resources={{'room': 1}})",
  ]  # fmt: skip
  begin = lambda: subprocess.Popen(
    words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
  )
  standing = lambda: json.loads((first / book.TRIAL).read_text())
  rounds = lambda: max([e['step'] for e in log.read(first)], default=0)

  sweep = begin()
  wait_for(lambda: rounds() >= 300, sweep)
  nodes.cluster.remove_node(lost, allow_graceful=False)
  nodes.add(num_cpus=1, resources=dict(room=1))
  wait_for(lambda: len(standing()['attempts']) == 2, sweep)
  assert standing()['attempts'][0]['said'].startswith('its machine went away; ')
  assert standing()['attempts'][0]['where'] != standing()['attempts'][1]['where']
  before = rounds()
  wait_for(lambda: rounds() > before, sweep)
  sweep.send_signal(signal.SIGTERM)
  told, _ = sweep.communicate(timeout=120)
  assert sweep.returncode == 130, told
  assert 'waiting' in told.split('trials   ')[1]
  assert 'raylet' not in told
  assert (first / OUTPUT).read_text().count('resuming after') == 1

  sweep = begin()
  told, _ = sweep.communicate(timeout=240)
  assert sweep.returncode == 0, told
  assert 'trials   2 done' in told
  for folder in folders:
    steps = [entry['step'] for entry in log.read(folder) if 'D/loss' in entry]
    assert steps == list(range(100, 1001, 100))
