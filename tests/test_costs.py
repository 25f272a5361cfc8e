"""What a run would take, said before it takes anything."""

import gc
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from gan_jax import costs, program, runs
from tests import commands
from tests.configs import perceptrons
from tests.messages import says

HIDDEN = 8  # units of each perceptron


def small(schedule='DG', **changes):
  sgd = dict(tx=dict(name='sgd', learning_rate=1e-3))
  play = dict(name='alternating', schedule=tuple(schedule))
  plain = {'players': dict(D=sgd, G=sgd), 'ema': {}, 'rounds_per_call': 1}
  return perceptrons(**{**plain, 'play': play, **changes})


@pytest.fixture(scope='module')
def one():
  """(the costs of one run, the bytes that lay on devices afterwards and had not before)."""
  held = lambda: sum(a.nbytes for a in jax.live_arrays())
  gc.collect()  # of earlier tests
  before = held()
  return costs.costs(small(), 'x'), held() - before


@pytest.fixture(scope='module')
def others():
  """Runs that differ from that one by their moves, batch or seeds, and by how their data lie.

  Not compiled, which takes most of the time and tells the working memory alone.
  """
  streams = dict(resident_mb=0, rounds_per_call=2, log_every=2)
  with pytest.MonkeyPatch.context() as patch:
    uncompiled = SimpleNamespace(memory_analysis=lambda: None)
    patch.setattr(program, 'compiled', lambda *given: uncompiled)
    return SimpleNamespace(
      two=costs.costs(small('DDG', devices=4), 'x'),
      four=costs.costs(small('DDDDG', devices=4, resident_parts=4), 'x'),
      streamed=costs.costs(small(batch=16, devices=4, **streams), 'x'),
      eight=costs.costs(small(devices=4), 'x', {'seed': range(8)}),
    )


def test_costs_count_every_move_and_the_whole_batch(one, others):
  """FLOPs do not depend on devices, parts and streams."""
  d = others.two.flops - one[0].flops
  assert others.four.flops - one[0].flops == pytest.approx(3 * d, rel=0.01)
  assert others.streamed.flops == pytest.approx(2 * one[0].flops, rel=0.15)
  assert others.eight.flops == pytest.approx(8 * one[0].flops)
  # D's move: real and fake through D, its weights' gradients, and fakes through G.
  weights = 64 * HIDDEN + HIDDEN
  least = 2 * 8 * (2 * 2 * weights + 4 * HIDDEN + HIDDEN * 64)
  assert least < d < 2 * least


def test_costs_of_parts_members_and_streams_are_as_they_lie(one, others):
  """Bytes do not depend on the moves."""
  assert others.two.data == 4 * others.four.data
  assert others.streamed.data == 2 * 4 * (64 + 4)  # rounds, examples of each device
  assert others.eight.state == 2 * one[0].state  # on each of four devices


def test_costs_tell_networks_and_memory_of_the_run(trained, tmp_path):
  run = runs.load(trained('digits'))
  found = costs.costs(run.config, tmp_path / 'none')
  count = lambda name: sum(a.size for a in jax.tree.leaves(run.state.params[name]))
  assert found.nets == [
    ('D', 'image 8x8x8x1 -> 8', count('D')),
    ('G', 'z 8x4 -> 8x8x8x1', count('G')),
  ]
  assert found.state == sum(a.nbytes for a in jax.tree.leaves(run.state))
  assert found.data == 1500 * 64 + 1500 * 4
  assert found.working > 0
  assert (found.devices, found.rounds) == (1, 8)
  assert not (tmp_path / 'none').exists()


def test_costs_put_nothing_on_a_device(one):
  assert one[1] < 1000  # keys


def test_rate_is_a_number_of_the_devices_that_there_are():
  assert 0 < costs.rate('float32', 1) < np.inf


def test_main_tells_costs_in_a_dry_run_and_leaves_nothing(tmp_path):
  (tmp_path / 'own.py').write_text(
    'from gan_jax.config import experiment\n'
    'from tests.configs import perceptrons\n'
    'get_config = lambda: experiment(perceptrons())\n'
  )
  words = (f'--config={tmp_path}/own.py', f'--workdir={tmp_path}/run', '--dry_run')
  done = commands.run('gan_jax.main', *words)
  assert done.status == 0, done.err
  first = [line.split()[0] for line in done.out.splitlines()]
  assert first == ['workdir', 'D', 'G', 'memory', 'round', 'time']
  says(done.out, 'z 8x4 -> 8x8x8x1')
  assert not (tmp_path / 'run').exists()
