"""VAE/GAN's Algorithm 1 against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import likelihoods, pairs
from gan_jax.game import Bound, Net
from gan_jax.objectives.vaegan import vaegan
from gan_jax.step import Game, Player
from tests.messages import refused
from tests.objectives.playing import moved, paid

KEY = jax.random.key(0)
Z = np.float32([[0.5, 1.0], [-1.0, 0.2], [2.0, -0.3], [0.0, 0.7]])
X = np.float32([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5], [-2.0, 1.0]])
A = np.float32([[2.0, -1.0], [0.5, 0.3]])  # G(z) = z A
E = np.float32([[0.3, 0.1], [-0.4, 0.6]])  # the mean of q(z|x) = x E
S = np.float32([-0.5, 0.4])  # the log of its variance
U, V = np.float32([[0.5, -1.0], [1.0, 0.3]]), np.float32([1.0, -2.0])  # D(x) = tanh(x U) V


def encode(w, x, key=None):
  return {'mean': x @ w['mean'], 'log_variance': jnp.broadcast_to(w['s'][None], (len(x), 2))}


def judge(w, x, key=None):
  first = x @ w['U']
  return {'logit': jnp.tanh(first) @ w['V'], 'hidden': (first, jnp.tanh(first))}


WEIGHTS = {
  'E': {'mean': jnp.asarray(E), 's': jnp.asarray(S)},
  'G': jnp.asarray(A),
  'D': {'U': jnp.asarray(U), 'V': jnp.asarray(V)},
}
NETS = {
  'E': Net(lambda key: WEIGHTS['E'], encode),
  'G': Net(lambda key: WEIGHTS['G'], lambda w, z, key=None: z @ w),
  'D': Net(lambda key: WEIGHTS['D'], judge),
}
BATCH = {'image': X}


def prior(key, n):
  del key, n
  return jnp.asarray(Z)


def objective(pair=None, **options):
  pair = pair or pairs.minimax()
  return vaegan(prior, pair=pair, likelihood=likelihoods.gaussian(), **options)


def costs(game, nets=None):
  return {p: cost for p, (cost, _) in paid(game, nets or Bound(NETS, WEIGHTS), BATCH).items()}


@pytest.mark.parametrize('layer', [0, -1])
def test_vaegan_costs_of_algorithm_1_are_numpys(layer):
  game = objective(gamma=0.3, layer=layer)
  noise = np.float64(jax.jit(lambda key: game.draw(BATCH, key)[1])(KEY))
  code = X @ E + np.exp(S / 2) * noise
  features = lambda x: [x @ U, np.tanh(x @ U)][layer]
  s = lambda x: 1 / (1 + np.exp(-np.tanh(x @ U) @ np.float64(V)))  # the paper's Dis
  l_prior = np.mean(np.sum((X @ E) ** 2 + np.exp(S) - 1 - S, axis=1)) / 2
  errors = np.sum((features(X) - features(code @ A)) ** 2, axis=1) / 2
  l_like = np.mean(errors) + np.log(2 * np.pi)
  on_real, on_fakes = np.log(s(X)), (np.log(1 - s(code @ A)) + np.log(1 - s(Z @ A))) / 2
  found = costs(game)
  np.testing.assert_allclose(found['E'], l_prior + l_like, rtol=1e-5)
  np.testing.assert_allclose(found['G'], 0.3 * l_like + np.mean(on_fakes), rtol=1e-5)
  np.testing.assert_allclose(found['D'], -np.mean(on_real) - np.mean(on_fakes), rtol=1e-5)


def test_vaegan_takes_any_pair():
  """With Wasserstein costs D pays <f> - <r>, and G -<f>."""
  found = costs(objective(pairs.wasserstein(), gamma=0.0))
  r = np.mean(np.tanh(X @ U) @ V)
  np.testing.assert_allclose(found['G'], -(found['D'] + r), rtol=1e-5)


def test_vaegan_refuses_a_point_for_an_encoder():
  nets = Bound(NETS, WEIGHTS).let(E=lambda x, key: x @ E)
  with refused('E', 'Gaussian'):
    costs(objective(), nets)


def test_vaegan_refuses_a_d_that_hides_its_layers():
  nets = Bound(NETS, WEIGHTS).let(D=lambda x, key: x[:, 0])
  with refused('hidden'):
    costs(objective(), nets)


def test_vaegan_moves_change_only_what_their_player_owns():
  players = {name: Player((name,), optax.sgd(0.1)) for name in NETS}
  assert moved(Game(NETS, players, objective(), {}), BATCH) == {n: {n} for n in NETS}
