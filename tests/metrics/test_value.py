"""D*, JSD and V on the line: closed forms for Gaussians, quadrature by others, and the theorem."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from gan_jax.data import line as sources
from gan_jax.metrics import value
from tests.messages import refused

KEY = jax.random.key(0)
X = np.linspace(-20, 20, 6001)


def normal(mean, sigma=1.0):
  return stats.norm(mean, sigma).pdf(X)


def running(mean, sigma, critic):
  """A sampler of N(mean, sigma^2)."""
  G = lambda z: mean + sigma * z
  fill = lambda key, n: (jax.random.normal(key, (n, 1)),)
  return types.SimpleNamespace(
    fill=fill,
    function=lambda net: G,
    draw=lambda key, n: np.asarray(G(*fill(key, n))),
    critic=critic,
    see=lambda x: x,
    facts={},
  )


def source(split='train'):
  return sources.gaussian(split, n=20_000, mean=0.5, sigma=1.0)


@pytest.mark.parametrize('apart', [0.3, 2.0, 5.0])
def test_best_between_gaussians_of_one_width_is_logistic(apart):
  found = value.best(normal(apart / 2), normal(-apart / 2))
  np.testing.assert_allclose(found, 1 / (1 + np.exp(-apart * X)), atol=1e-12)


def test_best_between_unlike_widths_has_a_square_in_its_logit():
  found = value.best(normal(0, 1), normal(0, 2))
  logit = np.log(2) - X**2 / 2 + X**2 / 8
  np.testing.assert_allclose(found, 1 / (1 + np.exp(-logit)), atol=1e-12)


def test_best_is_a_half_where_there_is_nothing():
  np.testing.assert_array_equal(value.best(np.zeros(2), np.array([0, 1.0])), [0.5, 0.0])


@pytest.mark.parametrize(('mean', 'sigma'), [(0.5, 1.0), (2.0, 0.3), (-3.0, 2.0)])
def test_jensen_shannon_of_gaussians_is_that_of_quadrature(mean, sigma):
  """H((p+q)/2) - (H(p) + H(q))/2, with the entropy of a Gaussian in closed form."""
  p, q = stats.norm(0, 1), stats.norm(mean, sigma)
  middle = lambda x: (p.pdf(x) + q.pdf(x)) / 2
  entropy, _ = integrate.quad(lambda x: -middle(x) * np.log(middle(x)), -25, 25, limit=400)
  closed = [np.log(s * np.sqrt(2 * np.pi * np.e)) for s in (1, sigma)]
  found = value.jensen_shannon(X, normal(0), normal(mean, sigma))
  np.testing.assert_allclose(found, entropy - sum(closed) / 2, atol=1e-7)


def test_jensen_shannon_has_its_limits():
  """0, log 2, and between them d^2 / 8 to first order: an eighth of Fisher's information."""
  assert value.jensen_shannon(X, normal(1), normal(1)) == 0
  np.testing.assert_allclose(value.jensen_shannon(X, normal(-6, 0.2), normal(6, 0.2)), np.log(2))
  near = value.jensen_shannon(X, normal(0), normal(0.02))
  np.testing.assert_allclose(near, 0.02**2 / 8, rtol=1e-3)
  np.testing.assert_allclose(value.bound(0.0), -np.log(4))


def test_smoothed_is_a_kernel_estimate():
  drawn = np.random.default_rng(0).normal(size=3000)
  x = np.linspace(-6, 6, 2401)
  theirs = stats.gaussian_kde(drawn, 0.1 / drawn.std(ddof=1))(x)
  np.testing.assert_allclose(value.smoothed(drawn, x, 0.1), theirs, atol=5e-4)


def test_minimax_is_the_mean_of_logarithms_and_bears_a_sure_d():
  r, f = np.array([0.3, -1.0]), np.array([2.0])
  d = lambda v: 1 / (1 + np.exp(-v))
  expected = np.mean(np.log(d(r))) + np.mean(np.log(1 - d(f)))
  np.testing.assert_allclose(value.minimax(r, f), expected)
  np.testing.assert_allclose(value.minimax(np.array([-500.0]), np.array([500.0])), -1000)


def test_value_of_the_best_d_is_what_the_theorem_says():
  """Of a G whose p_g is N(-0.5, 1), D's logit is x: there the three ways to V agree."""
  found = value.value(running(-0.5, 1.0, lambda x: x[:, 0]), source, KEY, points=20_000)
  exact = value.bound(value.jensen_shannon(X, normal(0.5), normal(-0.5)))
  np.testing.assert_allclose(found['bound'], exact, atol=2e-3)
  np.testing.assert_allclose(found['best'], exact, atol=1.5e-2)
  np.testing.assert_allclose(found['value'], exact, atol=1.5e-2)
  np.testing.assert_allclose(found['bound'], 2 * found['jsd'] - np.log(4))
  assert found['protocol']['n_real'] == 20_000


def test_value_of_no_other_d_is_higher():
  for logit in (lambda x: 0 * x[:, 0], lambda x: 0.5 * x[:, 0], lambda x: 2 * x[:, 0]):
    found = value.value(running(-0.5, 1.0, logit), source, KEY, points=20_000)
    assert found['value'] < found['best']


def test_densities_show_a_wild_g_whole():
  at = value.densities(source().meta, running(200.0, 3.0, None), KEY, n=2000)
  assert at.x[-1] > 200
  np.testing.assert_allclose(integrate.simpson(at.fake, x=at.x), 1, atol=1e-3)
  np.testing.assert_allclose(value.jensen_shannon(at.x, at.data, at.fake), np.log(2), atol=1e-3)


def test_value_and_densities_refuse_no_d_and_no_density():
  with refused('V(D, G)', 'one point'):
    value.value(running(0.0, 1.0, None), source, KEY)
  with refused('known'):
    value.densities(sources.dirac(n=5).meta, running(0.0, 1.0, jnp.ravel), KEY)
