"""Boundary-seeking GANs against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import pairs, penalties
from gan_jax import step as steps
from gan_jax.game import Bound, Net, unchanged
from gan_jax.objectives.bgan import bgan, discrete
from gan_jax.objectives.gan import gan
from gan_jax.step import Game, Player, alternating

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
X, Z = (np.float32(RNG.normal(size=(5, n))) for n in (3, 2))
G, D = np.float32(RNG.normal(size=(2, 3))), np.float32(RNG.normal(size=3))
BATCH = {'image': jnp.asarray(X)}
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


def played(objective, nets=NETS, schedule=('D', 'G'), rounds=1):
  game = Game(nets, {n: Player((n,), optax.sgd(0.05)) for n in 'DG'}, objective, {})
  state, logs = steps.init(game, KEY), []
  step = jax.jit(alternating(game, schedule))
  for _ in range(rounds):
    state, log = step(state, {'image': jnp.asarray(X)[None]}, KEY)
    logs.append(log)
  return state, logs


# --- continuous -----------------------------------------------------------------------------------


def test_g_pays_the_square_of_the_log_ratio_less_log_z():
  objective = bgan(prior)
  carry = objective.init()._replace(log_z=jnp.float32(0.7))
  cost, scalars = objective.losses['G'](BOUND, BATCH, objective.draw(BATCH, KEY), carry)
  f = np.float64(Z) @ G @ D
  np.testing.assert_allclose(cost, np.mean((f - 0.7) ** 2), rtol=1e-5)
  np.testing.assert_allclose(scalars['batch_log_z'], np.log(np.mean(np.exp(f))), rtol=1e-5)
  assert scalars['log_z'] == jnp.float32(0.7)


def test_d_pays_what_it_pays_in_the_gan_of_2014_with_its_penalties():
  terms = [penalties.r1(weight=0.3)]
  ours, base = bgan(prior, penalties=terms), gan(prior, pair=pairs.minimax(), penalties=terms)
  drawn = ours.draw(BATCH, KEY)
  found = ours.losses['D'](BOUND, BATCH, drawn, ours.init())
  assert found == base.losses['D'](BOUND, BATCH, drawn, base.init())


def test_log_z_is_averaged_over_rounds_from_zero_on():
  state, logs = played(bgan(prior, decay=0.9), rounds=4)
  log_z, expected = 0.0, []
  for log in logs:
    expected.append(log_z)
    log_z = 0.9 * log_z + 0.1 * float(log['G/batch_log_z'])
  np.testing.assert_allclose([log['G/log_z'] for log in logs], expected, rtol=1e-5)
  np.testing.assert_allclose(state.carry.log_z, log_z, rtol=1e-5)
  assert state.carry.rounds == 4


# --- discrete -------------------------------------------------------------------------------------


def test_gs_gradient_is_the_sum_over_samples_of_their_weights_times_the_score():
  """d log g / d logit of a pixel is x - p, and no other gradient passes."""
  seen = []

  def judge(x, key):
    seen.append(np.asarray(x))
    return x @ jnp.asarray(D)

  nets = Bound(PROBABLE, {'G': jnp.asarray(G), 'D': jnp.asarray(D)}).let(D=judge)
  objective = discrete(prior, samples=7)
  drawn = objective.draw(BATCH, KEY)
  objective.losses['G'](nets, BATCH, drawn, ())
  x = np.float64(seen[0]).reshape(7, 5, 3)
  assert set(np.unique(x)) == {0.0, 1.0}
  w = np.exp(x @ D)
  w /= w.sum(0)
  p = 1 / (1 + np.exp(-np.float64(Z) @ G))
  expected = -np.einsum('mb,mbi,bj->ji', w, x - p, np.float64(Z)) / 5

  def cost(g):
    bound = Bound(PROBABLE, {'G': g, 'D': jnp.asarray(D)})
    return objective.losses['G'](bound, BATCH, drawn, ())[0]

  value, slope = jax.value_and_grad(cost)(jnp.asarray(G))
  np.testing.assert_allclose(slope, expected, rtol=1e-4, atol=1e-6)
  log_g = (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(-1)
  np.testing.assert_allclose(value, -(w * log_g).sum(0).mean(), rtol=1e-5)


def test_samples_are_drawn_with_the_probabilities_that_g_gives():
  seen = []
  nets = Bound(PROBABLE, {'G': jnp.asarray(G), 'D': ()}).let(
    D=lambda x, key: (seen.append(np.asarray(x)), x[:, 0])[1]
  )
  objective = discrete(prior, samples=4000)
  objective.losses['G'](nets, BATCH, objective.draw(BATCH, KEY), ())
  p = 1 / (1 + np.exp(-np.float64(Z) @ G))
  found = seen[0].reshape(4000, 5, 3).mean(0)
  np.testing.assert_allclose(found, p, atol=4 * 0.5 / np.sqrt(4000))


def test_a_move_changes_only_what_its_player_owns():
  for objective, nets in ((bgan(prior), NETS), (discrete(prior), PROBABLE)):
    for mover in 'DG':
      alone = objective._replace(advance=unchanged)  # which looks for both players' scalars
      state, _ = played(alone, nets, (mover,))
      moved = {n: not np.array_equal(state.params[n], w) for n, w in (('G', G), ('D', D))}
      assert moved == {'G': mover == 'G', 'D': mover == 'D'}
