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
  found = likelihoods.bernoulli()(jnp.float32(binary), jnp.float32(P))
  np.testing.assert_allclose(found, stats.bernoulli.logpmf(binary, P).sum((1, 2, 3)), rtol=1e-5)


def test_bernoulli_of_grey_images_is_minus_the_cross_entropy():
  found = likelihoods.bernoulli()(jnp.float32(X), jnp.float32(P))
  expected = np.sum(X * np.log(P) + (1 - X) * np.log(1 - P), axis=(1, 2, 3))
  np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize('pixel', [0.0, 1.0])
@pytest.mark.parametrize('sure', [0.0, 1.0])
def test_a_pixel_of_which_the_decoder_was_sure_costs_a_finite_number(pixel, sure):
  x, p = jnp.full((1, 1), pixel), jnp.full((1, 1), sure)
  value, slope = jax.value_and_grad(lambda p: likelihoods.bernoulli()(x, p)[0])(p)
  assert -16.2 < value <= 0
  assert np.isfinite(slope).all()
  assert (value < -15) == (pixel != sure)


@pytest.mark.parametrize('sigma', [0.1, 1.0, 3.0])
def test_gaussian_is_the_log_density(sigma):
  found = likelihoods.gaussian(sigma)(jnp.float32(X), jnp.float32(P))
  np.testing.assert_allclose(found, stats.norm.logpdf(X, P, sigma).sum((1, 2, 3)), rtol=1e-4)


def test_kl_is_zero_at_the_prior_and_else_the_mean_of_the_log_ratio():
  prior = {'mean': jnp.zeros((2, 3)), 'log_variance': jnp.zeros((2, 3))}
  np.testing.assert_array_equal(likelihoods.kl(prior), 0)
  noise = RNG.normal(size=(200_000, 1, 3))
  sd = np.exp(Q['log_variance'] / 2)
  z = Q['mean'] + sd * noise
  ratio = (stats.norm.logpdf(z, Q['mean'], sd) - stats.norm.logpdf(z)).sum(-1)
  np.testing.assert_allclose(likelihoods.kl(Q), ratio.mean(0), atol=0.03)


def test_codes_have_the_mean_and_the_deviation_of_q_and_pass_its_gradient():
  noise = np.float32(RNG.normal(size=(5, 3)))
  expected = Q['mean'] + np.exp(Q['log_variance'] / 2) * noise
  np.testing.assert_allclose(likelihoods.code(Q, noise), expected, rtol=1e-6)
  slopes = jax.grad(lambda q: jnp.sum(likelihoods.code(q, jnp.asarray(noise))))(Q)
  np.testing.assert_allclose(slopes['mean'], 1)
  np.testing.assert_allclose(slopes['log_variance'], (expected - Q['mean']) / 2, rtol=1e-5)
