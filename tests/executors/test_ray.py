"""A real Ray cluster of several nodes on this machine, of which one is taken away.

Covers: executors/ray_places.py.
"""

import json
import os
import pathlib
import signal
import sys
import time
from collections import deque

import pytest

from gan_jax import log, sessions
from gan_jax.executors import ray as executor
from gan_jax.executors import ray_places
from gan_jax.executors.job import OUTPUT, Ended, Job, Started
from gan_jax.sweeps import book, trials
from tests import budget, commands
from tests.configs import file_of
from tests.messages import refused, says

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


clustered = pytest.mark.slow  # a cluster starts, of processes that play and are killed


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

  def slice(self, name, patch):
    """Two hosts of four chips, as Ray sees a v4-16."""
    patch.setenv('TPU_NAME', name)
    for worker in range(2):
      labels = {'slice-name': name, 'worker-id': str(worker), 'topology': '2x2x2',
                'pod-type': 'v4-16'}  # fmt: skip
      self.add(
        num_cpus=1,
        resources={'TPU': 4, name: 1, **({} if worker else {'TPU-v4-16-head': 1})},
        labels={f'ray.io/tpu-{key}': value for key, value in labels.items()},
      )
    patch.delenv('TPU_NAME')


@pytest.fixture(scope='module')
def nodes():
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('JAX_PLATFORMS', 'cpu')  # of the nodes, and so of the runs
    # Several runs that compile the same at once would write one entry.
    patch.delenv(commands.CACHE, raising=False)
    patch.setenv('RAY_health_check_period_ms', '500')
    patch.setenv('RAY_health_check_failure_threshold', '3')
    patch.chdir(ROOT)
    found = Nodes()
    try:
      found.slice('slice-a', patch)
      yield found
    finally:
      with budget.apart('tests/executors/test_ray.py::nodes, their end'):
        found.cluster.shutdown()


def job(folder, name, code):
  (folder / name).mkdir()
  return Job(name, (sys.executable, '-c', code), folder / name)


def played(queue, nodes, **options):
  return list(executor.ray(deque(queue), address=nodes.address, **options))


TELLS = 'import os; print(os.environ.get("TPU_VISIBLE_CHIPS"))'


@clustered
def test_ray_gives_a_trial_the_chips_it_asks_for_and_has_its_status(nodes, tmp_path, capfd):
  queue = [job(tmp_path, n, TELLS) for n in 'ab'] + [job(tmp_path, 'c', 'raise SystemExit(3)')]
  events = played(queue, nodes, tpus=2)
  assert {e.job.name: (e.status, e.lost) for e in events if isinstance(e, Ended)} == {
    'a': (0, False), 'b': (0, False), 'c': (3, False),
  }  # fmt: skip
  assert sorted(e.job.name for e in events if isinstance(e, Started)) == ['a', 'b', 'c']
  for name in 'ab':
    assert (tmp_path / name / OUTPUT).read_text() in ('0,1\n', '2,3\n')
  assert capfd.readouterr() == ('', '')


@clustered
def test_ray_plays_a_slice_by_a_process_on_each_of_its_hosts(nodes, tmp_path):
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


@clustered
def test_ray_plays_one_run_on_the_hosts_of_a_slice(nodes, tmp_path):
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
  with refused('a ', 'one host'):
    played([played_by_two._replace(alone=True)], nodes, tpu='v4', topology='2x2x2')


@clustered
@pytest.mark.parametrize(
  ('options', 'facts'),
  [(dict(cpus=64), ('CPU 64', 'CPU 1', 'autoscaled=True')), (dict(tpus=-1), ('TPU', -1)),
   (dict(tpu='v4'), ('tpu=', 'topology=')), (dict(tpu='v6e', topology='4x4'), ('v6e', '4x4'))],
)  # fmt: skip
def test_ray_refuses_what_no_node_has(options, facts, nodes, tmp_path):
  with refused(*facts):
    played([job(tmp_path, 'a', TELLS)], nodes, **options)


def test_ray_without_a_cluster_or_not_installed_says_what_to_do(monkeypatch):
  with refused('127.0.0.1:1', 'ray start --head'):
    list(executor.ray(deque(), address='127.0.0.1:1'))
  monkeypatch.setitem(sys.modules, 'ray', None)
  with refused("pip install 'gan_jax[ray]'"):
    list(executor.ray(deque()))


class Machines:
  """In place of a cluster: two nodes, of which one went away."""

  def nodes(self):
    here = dict(Alive=True, NodeID='1', Resources={'CPU': 4.0, 'TPU': 2.0, 'node:x': 1.0})
    return [here, dict(Alive=False, NodeID='2', Resources={'CPU': 64.0})]


def test_wanted_is_what_a_trial_needs_by_rays_names():
  assert ray_places.wanted(1, 0, 4, {'room': 0.5}) == {'CPU': 1, 'TPU': 4, 'room': 0.5}
  for wrong in (-1, 'two', True):
    with refused('room', repr(wrong)):
      ray_places.wanted(1, 0, 0, {'room': wrong})


def test_refuse_impossible_looks_at_the_nodes_that_live():
  ray_places.refuse_impossible(Machines(), {'CPU': 4, 'TPU': 1}, autoscaled=False)
  ray_places.refuse_impossible(Machines(), {'CPU': 64}, autoscaled=True)
  with refused('CPU 64', 'CPU 4', 'TPU 2', 'autoscaled=True'):
    ray_places.refuse_impossible(Machines(), {'CPU': 64}, autoscaled=False)
  with refused('tpu=', 'topology='):
    ray_places.slices(Machines(), 'v6e', '', autoscaled=True)


def process(status, lost=False, **more):
  return executor.Process(None, None, status=status, lost=lost, **more)


def test_end_is_that_of_the_process_that_pulled_the_others_down():
  assert executor._end([process(0), process(0)]) == (0, False)
  assert executor._end([process(143), process(3), process(-15)]) == (3, False)
  assert executor._end([process(143), process(0)]) == (143, False)
  assert executor._end([process(executor.KILLED, lost=True), process(143)]) == (-9, True)


def test_bury_waits_until_it_is_known_whether_the_node_is_gone(monkeypatch):
  begun = lambda node: process(None, begun=executor.Begun(node, node), gone=time.monotonic())
  away, there = begun('2'), begun('1')
  for one in (away, there):
    executor._bury(Machines(), one)
  assert (away.status, away.lost) == (executor.KILLED, True)
  assert (there.status, there.lost) == (None, False)
  monkeypatch.setattr(executor, 'GRACE', -1.0)
  executor._bury(Machines(), there)
  assert (there.status, there.lost) == (executor.KILLED, False)


@clustered
def test_ray_ends_if_a_node_does_not_see_the_folder(nodes, tmp_path, monkeypatch):
  def elsewhere(queue):
    monkeypatch.setattr(os, 'getcwd', lambda: '/nowhere/at/all')
    yield from executor.ray(queue, address=nodes.address)

  with refused('node ', '/nowhere/at/all'):
    list(elsewhere(deque([job(tmp_path, 'a', TELLS)])))


def sweep_of(rounds, tmp_path):
  """Two runs of so many rounds."""
  often = dict(log_every=100, checkpoint=dict(every=100, keep=2))
  config = file_of('perceptrons', tmp_path, rounds=rounds, **often)
  file = tmp_path / 'seeds.py'
  file.write_text(
    f"def get_sweep():\n  return dict(config='{config}', metric='D/loss', "
    'trials=[dict(seed=s) for s in range(2)])\n'
  )
  return file


@clustered
def test_ray_goes_on_elsewhere_when_a_node_is_taken_away(nodes, tmp_path):
  """And then the sweep itself is stopped, and goes on, to one whole table.

  Of more rounds than can be played, until it is to come to its end. A node has room for all, since
  it is for Ray to say which of those that wait is begun first.
  """
  lost = nodes.add(num_cpus=2, resources=dict(room=2))
  file = sweep_of(10**6, tmp_path)
  names = book.read(trials.load(str(file), 'get_sweep')()).trials
  folders = [tmp_path / 'sweep' / book.FOLDER / name for name in names]
  first = folders[0]
  begin = lambda: commands.start(
    'gan_jax.sweep', f'--sweep={file}', f'--workdir={tmp_path}/sweep',
    f"--executor=ray(address='{nodes.address}', resources={{'room': 1}})",
  )  # fmt: skip
  standing = lambda: json.loads((first / book.TRIAL).read_text())
  rounds = lambda: max([e['step'] for e in log.read(first)], default=0)

  sweep = begin()
  sweep.until(lambda: rounds() >= 300)
  nodes.cluster.remove_node(lost, allow_graceful=False)
  nodes.add(num_cpus=2, resources=dict(room=2))
  sweep.until(lambda: len(standing()['attempts']) == 2)
  says(standing()['attempts'][0]['said'], 'machine went away')
  assert standing()['attempts'][0]['where'] != standing()['attempts'][1]['where']
  before = rounds()
  sweep.until(lambda: rounds() > before)
  sweep.send(signal.SIGTERM)
  done = sweep.ended()
  assert done.status == 130, done
  says(done.out.split('trials   ')[1], 'waiting')
  assert 'raylet' not in done.out + done.err
  assert (first / OUTPUT).read_text().count('resuming after') == 1

  # Beyond what any of them has saved, which may be some rounds after what it has logged.
  end = max(e['step'] for folder in folders for e in log.read(folder)) + 200
  sweep_of(end, tmp_path)
  done = begin().ended()
  assert done.status == 0, done
  says(done.out, '2 done')
  for folder in folders:
    steps = [entry['step'] for entry in log.read(folder) if 'D/loss' in entry]
    assert steps == list(range(100, end + 1, 100))
