"""Boundary-seeking GANs against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import pairs, penalties
from gan_jax import step as steps
from gan_jax.game import Bound, Net
from gan_jax.objectives.bgan import bgan, discrete
from gan_jax.objectives.gan import gan
from gan_jax.step import Game, Player, alternating
from tests.objectives.playing import moved, paid

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
X, Z = (np.float32(RNG.normal(size=(5, n))) for n in (3, 2))
G, D = np.float32(RNG.normal(size=(2, 3))), np.float32(RNG.normal(size=3))
BATCH = {'image': X}
NETS = {
  'G': Net(lambda key: jnp.asarray(G), lambda w, z, key=None: z @ w),
  'D': Net(lambda key: jnp.asarray(D), lambda w, x, key=None: x @ w),
}
BOUND = Bound(NETS, {'G': jnp.asarray(G), 'D': jnp.asarray(D)})
PROBABLE = NETS | {
  'G': Net(lambda key: jnp.asarray(G), lambda w, z, key=None: jax.nn.sigmoid(z @ w))
}


def prior(key, n):
  del key, n
  return jnp.asarray(Z)


def played(objective, rounds):
  game = Game(NETS, {n: Player((n,), optax.sgd(0.05)) for n in 'DG'}, objective, {})
  step = jax.jit(alternating(game, ('D', 'G')))
  state, logs = jax.jit(lambda key: steps.init(game, key))(KEY), []
  for _ in range(rounds):
    state, log = step(state, {'image': X[None]}, KEY)
    logs.append(log)
  return state, logs


# --- continuous -----------------------------------------------------------------------------------


def test_bgan_costs_g_the_square_of_the_log_ratio_less_log_z():
  objective = bgan(prior)
  carry = objective.init()._replace(log_z=jnp.float32(0.7))
  cost, scalars = paid(objective, BOUND, BATCH, carry)['G']
  f = np.float64(Z) @ G @ D
  np.testing.assert_allclose(cost, np.mean((f - 0.7) ** 2), rtol=1e-5)
  np.testing.assert_allclose(scalars['batch_log_z'], np.log(np.mean(np.exp(f))), rtol=1e-5)
  assert scalars['log_z'] == jnp.float32(0.7)


def test_bgan_costs_d_what_the_gan_of_2014_does_with_its_penalties():
  terms = [penalties.r1(weight=0.3)]
  ours, base = bgan(prior, penalties=terms), gan(prior, pair=pairs.minimax(), penalties=terms)
  found, expected = paid(ours, BOUND, BATCH)['D'], paid(base, BOUND, BATCH)['D']
  jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_bgan_averages_log_z_over_rounds_from_zero_on():
  state, logs = played(bgan(prior, decay=0.9), rounds=4)
  log_z, expected = 0.0, []
  for log in logs:
    expected.append(log_z)
    log_z = 0.9 * log_z + 0.1 * float(log['G/batch_log_z'])
  np.testing.assert_allclose([log['G/log_z'] for log in logs], expected, rtol=1e-5)
  np.testing.assert_allclose(state.carry.log_z, log_z, rtol=1e-5)
  assert state.carry.rounds == 4


# --- discrete -------------------------------------------------------------------------------------


def test_discrete_slope_of_g_is_the_weighted_sum_of_the_scores():
  """d log g / d logit of a pixel is x - p, and no other gradient passes."""
  seen = []

  def judge(x, key):
    seen.append(x)
    return x @ D

  objective = discrete(prior, samples=7)

  @jax.jit
  def look(g, key):
    drawn = objective.draw(BATCH, key)
    nets = Bound(PROBABLE, {'G': g, 'D': D})
    cost = lambda g: objective.losses['G'](Bound(PROBABLE, {'G': g, 'D': D}), BATCH, drawn, ())[0]
    objective.losses['G'](nets.let(D=judge), BATCH, drawn, ())
    return seen[0], jax.value_and_grad(cost)(g)

  judged, (value, slope) = jax.device_get(look(G, KEY))
  x = np.float64(judged).reshape(7, 5, 3)
  assert set(np.unique(x)) == {0.0, 1.0}
  w = np.exp(x @ D)
  w /= w.sum(0)
  p = 1 / (1 + np.exp(-np.float64(Z) @ G))
  expected = -np.einsum('mb,mbi,bj->ji', w, x - p, np.float64(Z)) / 5
  np.testing.assert_allclose(slope, expected, rtol=1e-4, atol=1e-6)
  log_g = (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(-1)
  np.testing.assert_allclose(value, -(w * log_g).sum(0).mean(), rtol=1e-5)


def test_discrete_samples_have_the_probabilities_that_g_gives():
  seen = []
  nets = Bound(PROBABLE, {'G': G, 'D': ()}).let(D=lambda x, key: (seen.append(x), x[:, 0])[1])
  paid(discrete(prior, samples=4000), nets, BATCH, seen=seen, players='G')
  p = 1 / (1 + np.exp(-np.float64(Z) @ G))
  found = seen[0].reshape(4000, 5, 3).mean(0)
  np.testing.assert_allclose(found, p, atol=4 * 0.5 / np.sqrt(4000))


def test_bgan_and_discrete_moves_change_only_what_their_player_owns():
  for objective, nets in ((bgan(prior), NETS), (discrete(prior), PROBABLE)):
    game = Game(nets, {n: Player((n,), optax.sgd(0.05)) for n in 'DG'}, objective, {})
    assert moved(game, BATCH) == {'D': {'D'}, 'G': {'G'}}
