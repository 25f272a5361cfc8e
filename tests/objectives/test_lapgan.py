"""LAPGAN's game at one level against NumPy."""

import jax.numpy as jnp
import numpy as np

from gan_jax import pairs, penalties
from gan_jax.game import Bound
from gan_jax.objectives.lapgan import lapgan
from tests.objectives.playing import paid

RNG = np.random.default_rng(0)
Z, X, L = (RNG.normal(size=(6, 2)).astype(np.float32) for _ in range(3))
Y = np.array([0, 1, 2, 2, 1, 0])
BATCH = {'image': X, 'source': L, 'label': Y}


def prior(key, n):
  assert n == 6
  return jnp.asarray(Z)


def bound(seen=None):
  def D(x, y, key):
    if seen is not None:
      seen.append((x, y))
    return jnp.tanh(x[:, 0]) - x[:, 1] * (1 + y)

  return Bound({}, {}, G=lambda z, source, y, key: source + z**2 * (1 + y)[:, None], D=D)


def by_numpy():
  D = lambda x, y: np.tanh(np.float64(x[:, 0])) - np.float64(x[:, 1]) * (1 + y)
  fake = L + np.float64(Z) ** 2 * (1 + Y)[:, None]
  return D, fake


softplus = lambda v: np.log1p(np.exp(v))


def test_lapgan_shows_d_half_a_batch_real_and_half_made_of_the_rest():
  seen = []
  objective = lapgan(prior, pair=pairs.nonsaturating(), told=('label',))
  cost, scalars = paid(objective, bound(seen), BATCH, seen=seen, players='D')['D']
  D, fake = by_numpy()
  r, f = D(X[:3], Y[:3]), D(fake[3:], Y[3:])
  np.testing.assert_allclose(cost, softplus(-r).mean() + softplus(f).mean(), rtol=1e-5)
  np.testing.assert_allclose([scalars['real'], scalars['fake']], [r.mean(), f.mean()], rtol=1e-5)
  np.testing.assert_array_equal(seen[0][0], X[:3])
  np.testing.assert_allclose(seen[1][0], fake[3:], rtol=1e-6)


def test_lapgan_g_learns_from_all_of_the_batch():
  objective = lapgan(prior, pair=pairs.nonsaturating(), told=('label',))
  cost, scalars = paid(objective, bound(), BATCH, players='G')['G']
  D, fake = by_numpy()
  np.testing.assert_allclose(cost, softplus(-D(fake, Y)).mean(), rtol=1e-5)
  assert scalars == {}


def test_lapgan_penalty_is_paid_where_d_is_told_the_class():
  objective = lapgan(
    prior, pair=pairs.nonsaturating(), told=('label',), penalties=[penalties.r1(weight=2.0)]
  )
  _, scalars = paid(objective, bound(), BATCH, players='D')['D']
  slope = (1 - np.tanh(X[:3, 0]) ** 2) ** 2 + (1.0 + Y[:3]) ** 2
  np.testing.assert_allclose(scalars['r1'], slope.mean() / 2, rtol=1e-5)


def test_lapgan_without_classes_tells_the_networks_none():
  nets = Bound({}, {}, G=lambda z, source, key: z, D=lambda x, key: x[:, 0])
  objective = lapgan(prior, pair=pairs.wasserstein())
  cost, _ = paid(objective, nets, BATCH, players='D')['D']
  np.testing.assert_allclose(cost, Z[3:, 0].mean() - X[:3, 0].mean(), rtol=1e-5)
  assert objective.advance(objective.init(), {}) == 1
