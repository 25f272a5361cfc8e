"""GAN-CLS and GAN-INT against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import pairs, penalties
from gan_jax.game import Bound
from gan_jax.objectives.text import gan_cls, gan_int, mismatched, with_midpoints
from tests.objectives.playing import paid

RNG = np.random.default_rng(0)
X, T, Z = (RNG.normal(size=(n, 2)).astype(np.float32) for n in (4, 4, 6))
BATCH = {'image': X, 'text': T}

softplus = lambda v: np.log1p(np.exp(v))


def prior(key, n):
  return jnp.asarray(Z[:n])


def D(x, t, key=None):
  return jnp.tanh(x[:, 0] * t[:, 0]) - x[:, 1] * t[:, 1] ** 2


def bound(G=lambda z, t, key: z + 2 * t):
  return Bound({}, {}, D=D, G=G)


def play(objective, nets=None):
  """(D's cost, its scalars, G's cost)."""
  costs = paid(objective, nets or bound(), BATCH)
  return *costs['D'], costs['G'][0]


def by_numpy(t=T):
  critic = lambda x, t: np.float64(np.tanh(x[:, 0] * t[:, 0]) - x[:, 1] * t[:, 1] ** 2)
  wrong = X[[1, 2, 3, 0]]
  return critic(X, T), critic(wrong, T), critic(Z[: len(t)] + 2 * t, t)


@pytest.mark.parametrize('share', [0.5, 0.2])
def test_gan_cls_is_algorithm_1(share):
  r, w, f = by_numpy()
  d, scalars, g = play(gan_cls(prior, pair=pairs.nonsaturating(), wrong=share))
  cost = softplus(-r).mean() + share * softplus(w).mean() + (1 - share) * softplus(f).mean()
  np.testing.assert_allclose(d, cost, rtol=1e-5)
  np.testing.assert_allclose(g, softplus(-f).mean(), rtol=1e-5)
  told = [scalars[n] for n in ('real', 'wrong', 'fake')]
  np.testing.assert_allclose(told, [r.mean(), w.mean(), f.mean()], rtol=1e-5)


def test_gan_int_asks_g_for_half_as_many_again_between_captions():
  between = (T[:2] + T[2:]) / 2
  asked = np.concatenate([T, between])
  np.testing.assert_allclose(jax.jit(with_midpoints)(T), asked, rtol=1e-6)
  made = []
  nets = bound(lambda z, t, key: made.append(len(z)) or z + 2 * t)
  d, _, g = play(gan_int(prior, pair=pairs.nonsaturating()), nets)
  assert made == [4, 6]
  np.testing.assert_allclose(g, softplus(-by_numpy(asked)[2]).mean(), rtol=1e-5)
  np.testing.assert_allclose(d, play(gan_cls(prior, pair=pairs.nonsaturating()))[0], rtol=1e-6)


def test_gan_int_of_relativistic_compares_each_fake_with_a_real_one():
  r, _, f = by_numpy(np.concatenate([T, (T[:2] + T[2:]) / 2]))
  g = play(gan_int(prior, pair=pairs.relativistic()))[2]
  np.testing.assert_allclose(g, softplus(r[[0, 1, 2, 3, 0, 1]] - f).mean(), rtol=1e-5)


def test_gan_cls_penalty_looks_at_images_with_their_captions():
  _, scalars, _ = play(gan_cls(prior, pair=pairs.hinge(), penalties=[penalties.r1()]))
  slope = ((1 - np.tanh(X[:, 0] * T[:, 0]) ** 2) * T[:, 0]) ** 2 + T[:, 1] ** 4
  np.testing.assert_allclose(scalars['r1'], slope.mean() / 2, rtol=1e-5)


def test_mismatched_gives_an_image_of_another_caption():
  text = np.float32([[1, 0], [1, 0], [2, 0], [1, 0], [3, 3]])
  wrong = jax.jit(mismatched)
  np.testing.assert_array_equal(wrong(text), [2, 2, 3, 4, 0])
  same = np.ones((5, 2), np.float32)
  np.testing.assert_array_equal(wrong(same), [1, 2, 3, 4, 0])
  many = np.random.default_rng(1).integers(0, 3, (40, 1)).astype(np.float32)
  assert (many[wrong(many)] != many).all()
