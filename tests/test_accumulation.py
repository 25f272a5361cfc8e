"""Accumulated gradients: the same game in parts."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import assemble, runs, train
from gan_jax import config as configs
from gan_jax import step as steps
from gan_jax.accumulation import accumulated
from gan_jax.errors import InputError
from gan_jax.game import Net, Objective
from gan_jax.step import Game, Player, alternating

RNG = np.random.default_rng(0)
X = jnp.asarray(RNG.normal(size=(4, 6, 3)), jnp.float32)  # minibatches of 6


def small(**changes):
  tx = dict(name='adam', learning_rate=1e-3)
  config = dict(
    data=dict(name='digits', split='train'),
    transform=(dict(name='scale'),),
    prior=dict(name='normal', dim=4),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(8,)),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(8,)),
    ),
    objective=dict(name='gan', pair='nonsaturating'),
    players=dict(D=dict(tx=tx), G=dict(tx=tx)),
    play=dict(name='alternating', schedule=('D', 'D', 'G')),
    rounds=4,
    batch=12,
    devices=1,
    finish=(),
  )
  return assemble.complete({**config, **changes})


def line():
  """A game without noise: D fits its minibatch by least squares."""
  apply = lambda params, x: x @ params['w']
  net = Net(lambda key: {'w': jnp.ones(3)}, apply)
  cost = lambda nets, batch, drawn, carry: (jnp.mean((nets.D(batch['image']) - 1) ** 2), {})
  objective = Objective({'D': cost}, draw=lambda batch, key: None)
  return lambda tx: Game({'D': net}, {'D': Player(('D',), tx)}, objective, {})


@pytest.mark.parametrize('tx', [optax.sgd(0.1, momentum=0.9), optax.adam(0.1)])
def test_parts_move_as_the_whole_batch_does_where_a_loss_is_a_mean_over_it(tx):
  from gan_jax.optim import averaged

  whole, parted = line()(tx), line()(averaged(tx, 2))
  big = alternating(whole, ('D', 'D'))
  parts = alternating(parted, (('D', 0), ('D', 1), ('D', 2), ('D', 3)))
  a, b = steps.init(whole, jax.random.key(0)), steps.init(parted, jax.random.key(0))
  for _ in range(3):
    a, _ = big(a, {'image': X.reshape(2, 12, 3)}, jax.random.key(1))
    b, _ = parts(b, {'image': X}, jax.random.key(1))
    np.testing.assert_allclose(a.params['D']['w'], b.params['D']['w'], rtol=1e-5)


def test_every_move_becomes_as_many_on_parts_of_its_own_minibatch():
  config = accumulated(small(accumulate=3))
  assert config['batch'] == 4
  assert config['play']['schedule'] == (
    *(('D', i) for i in range(6)),
    *(('G', i) for i in range(3)),
  )
  plain = small()
  assert accumulated(plain) == plain


def test_what_cannot_be_parted_is_refused():
  with pytest.raises(InputError, match='accumulate=5 cannot divide a batch of 12'):
    accumulated(small(accumulate=5))
  for play in ('simultaneous', dict(name='alternating', noise='shared')):
    with pytest.raises(InputError, match='takes players who move in turn with fresh noise'):
      accumulated(small(accumulate=2, play=play))


def test_a_run_in_parts_trains_resumes_and_loads(tmp_path):
  config = small(accumulate=3, rounds_per_call=2, checkpoint=dict(every=2, keep=2), log_every=2)
  whole = train.run(config, tmp_path / 'whole')
  train.run({**config, 'rounds': 2}, tmp_path / 'halves')
  halves = train.run(config, tmp_path / 'halves')
  jax.tree.map(np.testing.assert_array_equal, whole, halves)
  moved = optax.tree_utils.tree_get(whole.opt['D'], 'gradient_step')
  assert int(moved) == 8  # two of each round
  assert runs.sampler(tmp_path / 'whole').draw(jax.random.key(0), 2).shape == (2, 8, 8, 1)


def test_members_of_a_population_may_vary_what_is_averaged(tmp_path):
  rates = {'players.*.tx.learning_rate': (1e-3, 1e-2)}
  config = small(accumulate=2, checkpoint=dict(every=4, keep=2), log_every=4)
  states = train.run(config, tmp_path, rates)
  alone = configs.plain(config)
  for player in ('D', 'G'):
    alone['players'][player]['tx']['learning_rate'] = 1e-2
  one = train.run(alone, tmp_path / 'alone')
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a[1], b, rtol=1e-4, atol=1e-6),
    states.params,
    one.params,
  )
