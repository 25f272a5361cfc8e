"""What a run would take, said before it takes anything."""

import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest

from gan_jax import costs, train

ROOT = pathlib.Path(__file__).parents[1]


def small(**changes):
  tx = dict(name='sgd', learning_rate=1e-3)
  config = dict(
    data=dict(name='digits', split='train'),
    transform=(dict(name='scale'),),
    prior=dict(name='normal', dim=4),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(32,)),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(32,)),
    ),
    objective=dict(name='gan', pair='nonsaturating'),
    players=dict(D=dict(tx=tx), G=dict(tx=tx)),
    play=dict(name='alternating', schedule=('D', 'G')),
    rounds=4,
    batch=8,
    devices=1,
    finish=(),
  )
  return {**config, **changes}


def flops(*schedule, **changes):
  play = dict(name='alternating', schedule=schedule)
  return costs.costs(small(play=play, **changes), 'x').flops


def test_every_move_is_counted_and_so_is_the_whole_batch():
  d = flops('D', 'D', 'G') - flops('D', 'G')
  assert flops('D', 'D', 'D', 'D', 'G') - flops('D', 'G') == pytest.approx(3 * d, rel=0.01)
  assert flops('D', 'G', batch=16) == pytest.approx(2 * flops('D', 'G'), rel=0.15)
  # D's move: real and fake through D, its weights' gradients, and fakes through G.
  weights = 64 * 32 + 32
  least = 2 * 8 * (2 * 2 * weights + 4 * 32 + 32 * 64)
  assert least < d < 2 * least


def test_networks_memory_and_devices_are_those_of_the_run(tmp_path):
  found = costs.costs(small(), tmp_path / 'none')
  state = train.run(small(), tmp_path / 'run')
  count = lambda name: sum(a.size for a in jax.tree.leaves(state.params[name]))
  assert found.nets == [
    ('D', 'image 8x8x8x1 -> 8', count('D')),
    ('G', 'z 8x4 -> 8x8x8x1', count('G')),
  ]
  assert found.state == sum(a.nbytes for a in jax.tree.leaves(state))
  assert found.data == 1500 * 64 + 1500 * 4
  assert (found.devices, found.rounds) == (1, 4)
  assert not (tmp_path / 'none').exists()


def test_parts_members_and_streamed_batches_lie_as_they_would():
  whole = costs.costs(small(devices=4), 'x')
  parted = costs.costs(small(devices=4, resident_parts=4), 'x')
  assert whole.data == 4 * parted.data
  streamed = costs.costs(small(devices=4, resident_mb=0, rounds_per_call=2, log_every=2), 'x')
  assert streamed.data == 2 * 2 * (64 + 4)  # rounds, examples of each device
  one, eight = costs.costs(small(), 'x'), costs.costs(small(devices=4), 'x', {'seed': range(8)})
  assert eight.flops == pytest.approx(8 * one.flops)
  assert eight.state == 2 * one.state  # on each of four devices


def test_nothing_is_put_on_a_device():
  before = sum(a.nbytes for a in jax.live_arrays())
  costs.costs(small(), 'x')
  assert sum(a.nbytes for a in jax.live_arrays()) - before < 1000  # keys


def test_the_command_says_it_and_leaves_nothing(tmp_path):
  command = [sys.executable, '-m', 'gan_jax.main', '--config=experiments/gan_digits.py:tiny']
  workdir = tmp_path / 'run'
  out = subprocess.run(
    [*command, '--dry_run', f'--workdir={workdir}'], cwd=ROOT, capture_output=True, text=True
  )
  assert out.returncode == 0, out.stderr
  first = [line.split()[0] for line in out.stdout.splitlines()]
  assert first == ['workdir', 'D', 'G', 'memory', 'round', 'time']
  assert not workdir.exists()
  assert np.isfinite(costs.rate('float32', 1))
