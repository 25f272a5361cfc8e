"""Likelihoods and the divergence of codes against SciPy and sampling."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from gan_jax import likelihoods

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(5, 4, 3, 1))
P = RNG.uniform(0.01, 0.99, size=(5, 4, 3, 1))
Q = {
  'mean': np.float32(RNG.normal(size=(5, 3))),
  'log_variance': np.float32(RNG.normal(size=(5, 3))),
}


def test_bernoulli_is_the_log_of_the_probability_of_binary_images():
  binary = np.rint(X)
  found = jax.jit(likelihoods.bernoulli())(np.float32(binary), np.float32(P))
  np.testing.assert_allclose(found, stats.bernoulli.logpmf(binary, P).sum((1, 2, 3)), rtol=1e-5)


def test_bernoulli_of_grey_images_is_minus_the_cross_entropy():
  found = jax.jit(likelihoods.bernoulli())(np.float32(X), np.float32(P))
  expected = np.sum(X * np.log(P) + (1 - X) * np.log(1 - P), axis=(1, 2, 3))
  np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize('pixel', [0.0, 1.0])
@pytest.mark.parametrize('sure', [0.0, 1.0])
def test_bernoulli_of_a_pixel_it_was_sure_of_is_finite(pixel, sure):
  x, p = (np.full((1, 1), v, np.float32) for v in (pixel, sure))
  value, slope = jax.jit(jax.value_and_grad(lambda p: likelihoods.bernoulli()(x, p)[0]))(p)
  assert -16.2 < value <= 0
  assert np.isfinite(slope).all()
  assert (value < -15) == (pixel != sure)


@pytest.mark.parametrize('sigma', [0.1, 1.0, 3.0])
def test_gaussian_is_the_log_density(sigma):
  found = jax.jit(likelihoods.gaussian(sigma))(np.float32(X), np.float32(P))
  np.testing.assert_allclose(found, stats.norm.logpdf(X, P, sigma).sum((1, 2, 3)), rtol=1e-4)


def test_kl_is_zero_at_the_prior_and_else_the_mean_of_the_log_ratio():
  kl = jax.jit(likelihoods.kl)
  prior = {name: np.zeros_like(of_q) for name, of_q in Q.items()}
  np.testing.assert_array_equal(kl(prior), 0)
  # The log ratio is a square in the noise, for which this rule of five points is exact.
  noise, weights = np.polynomial.hermite_e.hermegauss(5)
  sd = np.exp(Q['log_variance'] / 2)
  z = Q['mean'] + sd * noise[:, None, None]
  ratio = stats.norm.logpdf(z, Q['mean'], sd) - stats.norm.logpdf(z)
  expected = np.einsum('n,nbi->b', weights / weights.sum(), ratio)
  np.testing.assert_allclose(kl(Q), expected, rtol=1e-5)


def test_code_has_the_moments_of_q_and_passes_its_gradient():
  noise = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
  expected = Q['mean'] + np.exp(Q['log_variance'] / 2) * noise
  np.testing.assert_allclose(jax.jit(likelihoods.code)(Q, noise), expected, rtol=1e-6)
  slopes = jax.jit(jax.grad(lambda q: jnp.sum(likelihoods.code(q, noise))))(Q)
  np.testing.assert_allclose(slopes['mean'], 1)
  np.testing.assert_allclose(slopes['log_variance'], (expected - Q['mean']) / 2, rtol=1e-5)
