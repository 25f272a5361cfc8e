"""AM-GAN against NumPy, on networks small enough to write out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import config
from gan_jax.game import Bound, Net
from gan_jax.objectives.amgan import amgan, predefined
from gan_jax.step import Game, Player
from tests.objectives.playing import moved, paid

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
Z, X = (np.float32(RNG.normal(size=(5, 3))) for _ in 'zx')
Y = np.int32([0, 2, 1, 1, 0])
M, W = np.float32(RNG.normal(size=(3, 3))), np.float32(RNG.normal(size=(3, 4)))  # 3 classes + fake
B = np.float32(RNG.normal(size=(3, 3)))
BATCH = {'image': X, 'label': Y}


def generate(w, z, *told, key=None):
  return z @ w['M'] + sum(w['B'][y] for y in told)


def nets():
  return {
    'G': Net(lambda key: {'M': M, 'B': jnp.asarray(B)}, generate),
    'D': Net(lambda key: {'W': W}, lambda w, x, key=None: {'classes': x @ w['W']}),
  }


def prior(key, n):
  del key, n
  return jnp.asarray(Z)


def play(objective):
  bound = Bound(nets(), {n: net.init(KEY) for n, net in nets().items()})
  costs = paid(objective, bound, BATCH)
  return [costs[n] for n in 'DG']


def surprise(logits, y):
  logits = np.float64(logits)
  return np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(len(y)), y])


@pytest.mark.parametrize('labels', ['dynamic', 'predefined'])
def test_amgan_is_numpys(labels):
  (d, of_d), (g, _) = play({'dynamic': amgan, 'predefined': predefined}[labels](prior))
  real, fake = X @ W, (Z @ M + (B[Y] if labels == 'predefined' else 0)) @ W
  aim = Y if labels == 'predefined' else np.argmax(fake[:, :3], axis=1)
  told, caught = surprise(real, Y), surprise(fake, np.full(5, 3))
  np.testing.assert_allclose(d, told + caught, rtol=1e-5)
  np.testing.assert_allclose(g, surprise(fake, aim), rtol=1e-5)
  np.testing.assert_allclose([of_d['real'], of_d['fake']], [told, caught], rtol=1e-5)
  assert of_d['accuracy'] == np.float32(np.mean(np.argmax(real, axis=1) == Y))


def test_amgan_aims_a_fake_that_looks_fake_at_a_digit():
  (_, _), (g, _) = play(amgan(prior))
  logits = np.float64((Z @ M) @ W)
  assert np.any(np.argmax(logits, axis=1) == 3), 'the example has one that D calls fake'
  aims = np.argmax(logits[:, :3], axis=1)
  np.testing.assert_allclose(g, surprise(logits, aims), rtol=1e-5)


def test_predefined_moves_change_what_their_player_owns():
  players = {n: Player((n,), optax.sgd(0.1)) for n in 'DG'}
  objective = config.build(dict(name='amgan.predefined'), 'objectives', prior=prior)
  game = Game(nets(), players, objective, {})
  assert moved(game, BATCH) == {'D': {'D'}, 'G': {'G'}}
