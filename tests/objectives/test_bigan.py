"""BiGAN's game against NumPy, on networks small enough to write out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import pairs, penalties
from gan_jax.game import Bound, Net
from gan_jax.objectives.bigan import bigan, inferred, joined, parted
from gan_jax.step import Game, Player
from tests.messages import refused
from tests.objectives.playing import moved, paid

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
BATCH = {'image': X}


def prior(key, n):
  del key, n
  return jnp.asarray(Z)


def play(objective, nets=None):
  """(D's cost, its scalars, G's cost)."""
  costs = paid(objective, nets or Bound(NETS, WEIGHTS), BATCH)
  g, none = costs['G']
  assert none == {}
  return *costs['D'], g


def by_numpy(code=X @ E):
  judge = lambda x, z: np.tanh(np.float64(np.concatenate([x, z], axis=1)) @ U) @ np.float64(V)
  return judge(X, code), judge(Z @ A, Z)


def test_bigan_is_numpys_with_labels_exchanged_for_g_and_e():
  r, f = by_numpy()
  s = lambda v: 1 / (1 + np.exp(-v))
  d, scalars, g = play(bigan(prior, pair=pairs.nonsaturating()))
  np.testing.assert_allclose(d, -np.mean(np.log(s(r))) - np.mean(np.log(1 - s(f))), rtol=1e-5)
  np.testing.assert_allclose(g, -np.mean(np.log(1 - s(r))) - np.mean(np.log(s(f))), rtol=1e-5)
  np.testing.assert_allclose([scalars['real'], scalars['fake']], [r.mean(), f.mean()], rtol=1e-5)


def test_bigan_exchanges_targets_of_least_squares_and_weighs_costs():
  r, f = by_numpy()
  d, _, g = play(bigan(prior, pair=pairs.least_squares(), weight=0.5))
  np.testing.assert_allclose(d, (np.mean((r - 1) ** 2) + np.mean(f**2)) / 4, rtol=1e-5)
  np.testing.assert_allclose(g, (np.mean((f - 1) ** 2) + np.mean(r**2)) / 4, rtol=1e-5)


def test_bigan_of_wasserstein_is_a_game_of_zero_sum():
  d, _, g = play(bigan(prior, pair=pairs.wasserstein()))
  np.testing.assert_allclose(d, -g, rtol=1e-6)


def test_bigan_draws_from_a_gaussian_encoder_and_takes_a_point():
  objective = bigan(prior, pair=pairs.wasserstein())
  noise = np.asarray(objective.draw(BATCH, KEY)[1])
  gaussian = lambda x, key: {'mean': x @ E, 'log_variance': jnp.full((4, 1), 2 * jnp.log(3.0))}
  point = lambda x, key: {'mean': x @ E, 'features': x}
  for encoder, code in ((gaussian, X @ E + 3 * noise), (point, X @ E)):
    d, _, _ = play(objective, Bound(NETS, WEIGHTS).let(E=encoder))
    r, f = by_numpy(code)
    np.testing.assert_allclose(d, f.mean() - r.mean(), rtol=1e-5)


def test_bigan_penalty_takes_a_pair_for_one_point():
  """grad D(v) = U ((1 - tanh^2(v U)) V) with respect to x and z together."""
  v = np.concatenate([X, X @ E], axis=1)
  slopes = np.sum((((1 - np.tanh(v @ U) ** 2) * V) @ U.T) ** 2, axis=1)
  terms = [penalties.r1(weight=3.0)]
  d, scalars, _ = play(bigan(prior, pair=pairs.wasserstein(), penalties=terms))
  without, _, _ = play(bigan(prior, pair=pairs.wasserstein()))
  np.testing.assert_allclose(scalars['r1'], slopes.mean() / 2, rtol=1e-5)
  np.testing.assert_allclose(d - without, 3 * slopes.mean() / 2, rtol=1e-5)


def test_parted_undoes_joined():
  x = np.arange(24, dtype=np.float32).reshape(2, 2, 3, 2)
  z = np.arange(6, dtype=np.float32).reshape(2, 3)
  whole, parts = jax.jit(lambda x, z: (joined(x, z), parted(joined(x, z), x, z)))(x, z)
  assert whole.shape == (2, 15)
  for back, was in zip(parts, (x, z), strict=True):
    np.testing.assert_array_equal(back, was)


def test_inferred_refuses_an_encoder_of_another_size_than_the_prior():
  with refused('3 numbers', 'draws 2'):
    inferred(np.zeros((4, 3)), np.zeros((4, 2)))


def test_bigan_moves_change_only_what_their_player_owns():
  tx = optax.sgd(0.1)
  players = {'D': Player(('D',), tx), 'G': Player(('G', 'E'), tx)}
  objective = bigan(prior, pair=pairs.nonsaturating())
  assert moved(Game(NETS, players, objective, {}), BATCH) == {'D': {'D'}, 'G': {'G', 'E'}}
  assert objective.advance(objective.init(), {}) == 1
