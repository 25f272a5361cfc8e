"""VEEGAN's Algorithm 1 against NumPy."""

import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import pairs
from gan_jax.game import Bound, Net
from gan_jax.objectives.veegan import veegan
from gan_jax.step import Game, Player
from tests.objectives.playing import moved, paid

Z = np.float32([[0.5, 1.0], [-1.0, 0.2], [2.0, -0.3], [0.0, 0.7]])
X = np.float32([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5], [-2.0, 1.0]])
A = np.float32([[2.0, -1.0], [0.5, 0.3]])  # G(z) = z A
F = np.float32([[0.3, 0.1], [-0.4, 0.6]])  # F(x) = x F
U = np.float32([0.5, -1.0, 0.3, 0.8])  # D(x, z) = [x z] U

NETS = {
  'G': Net(lambda key: jnp.asarray(A), lambda w, z, key=None: z @ w),
  'F': Net(lambda key: jnp.asarray(F), lambda w, x, key=None: x @ w),
  'D': Net(
    lambda key: jnp.asarray(U), lambda w, x, z, key=None: jnp.concatenate([x, z], axis=1) @ w
  ),
}
WEIGHTS = {'G': jnp.asarray(A), 'F': jnp.asarray(F), 'D': jnp.asarray(U)}
BATCH = {'image': X}


def prior(key, n):
  del key, n
  return jnp.asarray(Z)


def costs(objective):
  return {p: cost for p, (cost, _) in paid(objective, Bound(NETS, WEIGHTS), BATCH).items()}


def test_veegan_costs_are_numpys_with_the_fake_pair_as_the_positive():
  s = lambda v: 1 / (1 + np.exp(-v))
  on_fake = np.concatenate([Z @ A, Z], axis=1) @ np.float64(U)
  on_real = np.concatenate([X, X @ F], axis=1) @ np.float64(U)
  error = np.mean(np.sum((Z - Z @ A @ F) ** 2, axis=1))
  found = costs(veegan(prior, pair=pairs.log_ratio()))
  d = -np.mean(np.log(s(on_fake))) - np.mean(np.log(1 - s(on_real)))
  np.testing.assert_allclose(found['D'], d, rtol=1e-5)
  np.testing.assert_allclose(found['G'], on_fake.mean() + error, rtol=1e-5)
  np.testing.assert_allclose(found['F'], error, rtol=1e-5)


def test_veegan_weight_is_of_what_g_pays_for_z():
  once, twice = (costs(veegan(prior, pair=pairs.log_ratio(), weight=w)) for w in (1.0, 2.0))
  np.testing.assert_allclose(twice['G'] - once['G'], once['F'], rtol=1e-5)
  assert twice['F'] == once['F']


def test_veegan_moves_change_only_what_their_player_owns():
  players = {name: Player((name,), optax.sgd(0.1)) for name in NETS}
  game = Game(NETS, players, veegan(prior, pair=pairs.log_ratio()), {})
  assert moved(game, BATCH) == {n: {n} for n in NETS}
