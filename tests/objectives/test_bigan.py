"""BiGAN's game against NumPy, on networks small enough to write out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import pairs, penalties, step
from gan_jax.errors import InputError
from gan_jax.game import Bound, Net
from gan_jax.objectives.bigan import bigan, inferred, joined, parted
from gan_jax.step import Game, Player

KEY = jax.random.key(0)
Z = np.float32([[0.5], [-1.0], [2.0], [0.0]])
X = np.float32([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5], [-2.0, 1.0]])
A, E = np.float32([[2.0, -1.0]]), np.float32([[0.3], [-0.4]])  # G(z) = z A, E(x) = x E
U = np.float32([[0.5, -1.0], [1.0, 0.3], [-0.7, 0.6]])  # D(x, z) = tanh([x z] U) V
V = np.float32([1.0, -2.0])


def critic(w, x, z, key=None):
  return jnp.tanh(jnp.concatenate([x, z], axis=1) @ w) @ V


NETS = {
  'G': Net(lambda key: jnp.asarray(A), lambda w, z, key=None: z @ w),
  'E': Net(lambda key: jnp.asarray(E), lambda w, x, key=None: x @ w),
  'D': Net(lambda key: jnp.asarray(U), critic),
}
WEIGHTS = {'G': jnp.asarray(A), 'E': jnp.asarray(E), 'D': jnp.asarray(U)}
BATCH = {'image': jnp.asarray(X)}


def prior(key, n):
  del key, n
  return jnp.asarray(Z)


def play(objective, nets=None):
  """(D's cost, its scalars, G's cost)."""
  nets, drawn, carry = nets or Bound(NETS, WEIGHTS), objective.draw(BATCH, KEY), objective.init()
  d, scalars = objective.losses['D'](nets, BATCH, drawn, carry)
  g, none = objective.losses['G'](nets, BATCH, drawn, carry)
  assert none == {}
  return d, scalars, g


def by_numpy(code=X @ E):
  judge = lambda x, z: np.tanh(np.float64(np.concatenate([x, z], axis=1)) @ U) @ np.float64(V)
  return judge(X, code), judge(Z @ A, Z)


def test_the_game_is_numpys_with_labels_exchanged_on_both_terms_for_g_and_e():
  r, f = by_numpy()
  s = lambda v: 1 / (1 + np.exp(-v))
  d, scalars, g = play(bigan(prior, pair=pairs.nonsaturating()))
  np.testing.assert_allclose(d, -np.mean(np.log(s(r))) - np.mean(np.log(1 - s(f))), rtol=1e-5)
  np.testing.assert_allclose(g, -np.mean(np.log(1 - s(r))) - np.mean(np.log(s(f))), rtol=1e-5)
  np.testing.assert_allclose([scalars['real'], scalars['fake']], [r.mean(), f.mean()], rtol=1e-5)


def test_least_squares_exchange_their_targets_and_the_weight_halves_both_costs():
  r, f = by_numpy()
  d, _, g = play(bigan(prior, pair=pairs.least_squares(), weight=0.5))
  np.testing.assert_allclose(d, (np.mean((r - 1) ** 2) + np.mean(f**2)) / 4, rtol=1e-5)
  np.testing.assert_allclose(g, (np.mean((f - 1) ** 2) + np.mean(r**2)) / 4, rtol=1e-5)


def test_wasserstein_is_a_game_of_zero_sum():
  d, _, g = play(bigan(prior, pair=pairs.wasserstein()))
  np.testing.assert_allclose(d, -g, rtol=1e-6)


def test_a_gaussian_encoder_is_drawn_from_and_a_point_is_not():
  objective = bigan(prior, pair=pairs.wasserstein())
  noise = np.asarray(objective.draw(BATCH, KEY)[1])
  gaussian = lambda x, key: {'mean': x @ E, 'log_variance': jnp.full((4, 1), 2 * jnp.log(3.0))}
  point = lambda x, key: {'mean': x @ E, 'features': x}
  for encoder, code in ((gaussian, X @ E + 3 * noise), (point, X @ E)):
    d, _, _ = play(objective, Bound(NETS, WEIGHTS).let(E=encoder))
    r, f = by_numpy(code)
    np.testing.assert_allclose(d, f.mean() - r.mean(), rtol=1e-5)


def test_a_penalty_takes_a_pair_for_one_point():
  """grad D(v) = U ((1 - tanh^2(v U)) V) with respect to x and z together."""
  v = np.concatenate([X, X @ E], axis=1)
  slopes = np.sum((((1 - np.tanh(v @ U) ** 2) * V) @ U.T) ** 2, axis=1)
  terms = [penalties.r1(weight=3.0)]
  d, scalars, _ = play(bigan(prior, pair=pairs.wasserstein(), penalties=terms))
  without, _, _ = play(bigan(prior, pair=pairs.wasserstein()))
  np.testing.assert_allclose(scalars['r1'], slopes.mean() / 2, rtol=1e-5)
  np.testing.assert_allclose(d - without, 3 * slopes.mean() / 2, rtol=1e-5)


def test_a_pair_that_was_joined_is_parted_again():
  x, z = jnp.arange(24.0).reshape(2, 2, 3, 2), jnp.arange(6.0).reshape(2, 3)
  assert joined(x, z).shape == (2, 15)
  for back, was in zip(parted(joined(x, z), x, z), (x, z), strict=True):
    np.testing.assert_array_equal(back, was)


def test_an_encoder_of_another_size_than_the_prior_is_refused():
  with pytest.raises(InputError, match='codes of 3 numbers, but the prior draws 2'):
    inferred(jnp.zeros((4, 3)), jnp.zeros((4, 2)))


@pytest.mark.parametrize(('mover', 'moves'), [('D', {'D'}), ('G', {'G', 'E'})])
def test_each_players_move_changes_only_what_it_owns(mover, moves):
  tx = optax.sgd(0.1)
  players = {'D': Player(('D',), tx), 'G': Player(('G', 'E'), tx)}
  game = Game(NETS, players, bigan(prior, pair=pairs.nonsaturating()), {})
  state = step.init(game, KEY)
  batches = {'image': jnp.asarray(X)[None]}
  after, _ = jax.jit(step.alternating(game, (mover,)))(state, batches, KEY)
  changed = {n for n in NETS if not np.array_equal(state.params[n], after.params[n])}
  assert changed == moves
  assert after.carry == 1
