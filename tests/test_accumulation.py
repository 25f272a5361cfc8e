"""Accumulated gradients: the same game in parts."""

import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import assemble, runs, train
from gan_jax import step as steps
from gan_jax.accumulation import accumulated
from gan_jax.game import Net, Objective
from gan_jax.optim import averaged
from gan_jax.step import Game, Player, alternating
from tests.configs import perceptrons
from tests.messages import refused
from tests.runs import assert_same

X = np.random.default_rng(0).normal(size=(4, 6, 3)).astype(np.float32)  # minibatches of 6


def config(**changes):
  turns = dict(name='alternating', schedule=('D', 'D', 'G'))
  often = dict(rounds=4, checkpoint=dict(every=2, keep=2))
  return assemble.complete(perceptrons(play=turns, batch=12, **often, **changes))


def line():
  """A game without noise: D fits its minibatch by least squares."""
  apply = lambda params, x: x @ params['w']
  net = Net(lambda key: {'w': jnp.ones(3)}, apply)
  cost = lambda nets, batch, drawn, carry: (jnp.mean((nets.D(batch['image']) - 1) ** 2), {})
  objective = Objective({'D': cost}, draw=lambda batch, key: None)
  return lambda tx: Game({'D': net}, {'D': Player(('D',), tx)}, objective, {})


@pytest.mark.parametrize('tx', [optax.sgd(0.1, momentum=0.9), optax.adam(0.1)])
def test_averaged_parts_move_as_the_batch_where_a_loss_is_its_mean(tx):
  whole, parted = line()(tx), line()(averaged(tx, 2))
  big = alternating(whole, ('D', 'D'))
  parts = alternating(parted, (('D', 0), ('D', 1), ('D', 2), ('D', 3)))

  @jax.jit
  def both(images, key):
    """Both games for three rounds: the weights after each."""
    a, b, out = steps.init(whole, key), steps.init(parted, key), []
    for _ in range(3):
      a, _ = big(a, {'image': images.reshape(2, 12, 3)}, key)
      b, _ = parts(b, {'image': images}, key)
      out.append((a.params['D']['w'], b.params['D']['w']))
    return out

  for a, b in both(X, jax.random.key(1)):
    np.testing.assert_allclose(a, b, rtol=1e-5)


def test_accumulated_plays_each_move_on_parts_of_its_minibatch():
  parted = accumulated(config(accumulate=3))
  assert parted['batch'] == 4
  assert parted['play']['schedule'] == (
    *(('D', i) for i in range(6)),
    *(('G', i) for i in range(3)),
  )
  plain = config()
  assert accumulated(plain) == plain


def test_accumulated_refuses_what_cannot_be_parted():
  with refused('accumulate=5', 'batch of 12'):
    accumulated(config(accumulate=5))
  for play in ('simultaneous', dict(name='alternating', noise='shared')):
    with refused('accumulate=2', 'alternating', 'fresh'):
      accumulated({**config(accumulate=2), 'play': play})


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
  """A run in parts that was never stopped: (its config, workdir, state)."""
  workdir = tmp_path_factory.mktemp('whole')
  tx = dict(name='adam', learning_rate=1e-2, b1=0.5)
  told = config(accumulate=3, players=dict(D=dict(tx=tx), G=dict(tx=tx)))
  return told, workdir, train.run(told, workdir)


def test_run_in_parts_trains_resumes_and_loads(whole, tmp_path):
  told, workdir, state = whole
  halves = shutil.copytree(workdir, tmp_path / 'halves')
  shutil.rmtree(halves / 'checkpoints' / '4')  # as if stopped after round 2
  assert_same(state, train.run(told, halves))
  moved = optax.tree_utils.tree_get(state.opt['D'], 'gradient_step')
  assert int(moved) == 8  # two of each round
  assert runs.sampler(workdir).draw(jax.random.key(0), 2).shape == (2, 8, 8, 1)


def test_run_of_a_population_may_vary_what_is_averaged(whole, tmp_path):
  told, _, one = whole
  states = train.run(told, tmp_path, {'players.*.tx.learning_rate': (1e-3, 1e-2)})
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a[1], b, rtol=1e-4, atol=1e-6),
    states.params,
    one.params,
  )
