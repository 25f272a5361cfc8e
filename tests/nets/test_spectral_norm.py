"""Spectral norm against NumPy's singular values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.nets import dcgan, layers
from gan_jax.nets.spectral_norm import spectral_norm, unit
from tests.nets.drawn import normal, spec, weights


@pytest.fixture(scope='module')
def critic():
  """One step of the iteration, compiled once, the weights, and where the iteration begins."""
  net = layers.net(dcgan.Discriminator(width=8), spec((2, 16, 16, 3)), **spectral_norm())
  params = weights(net)
  return jax.jit(net.reparam), params, net.reparam_init(jax.random.key(1), params)


def test_spectral_norm_gives_every_kernel_norm_one(critic):
  step, params, us = critic
  for _ in range(200):
    effective, us = step(params, us)
  for name in ('Conv_0', 'Conv_1', 'Dense_0'):
    w = np.asarray(effective[name]['kernel'], np.float64)
    sigma = np.linalg.svd(w.reshape(-1, w.shape[-1]), compute_uv=False)[0]
    np.testing.assert_allclose(sigma, 1, rtol=2e-3)
    raw = np.asarray(params[name]['kernel'])
    np.testing.assert_allclose(w, raw * (w.ravel()[0] / raw.ravel()[0]), rtol=1e-4)
  np.testing.assert_array_equal(effective['BatchNorm_0']['scale'], params['BatchNorm_0']['scale'])
  assert jax.tree.structure(us) == jax.tree.structure(
    {'Conv_0': {'kernel': 0}, 'Conv_1': {'kernel': 0}, 'Dense_0': {'kernel': 0}}
  )


def test_spectral_norm_takes_one_iteration_a_step(critic):
  step, params, us = critic
  _, after = step(params, us)
  w = np.asarray(params['Conv_1']['kernel']).reshape(-1, 16)
  v = w @ np.asarray(us['Conv_1']['kernel'])
  u = w.T @ (v / np.linalg.norm(v))
  np.testing.assert_allclose(after['Conv_1']['kernel'], u / np.linalg.norm(u), rtol=1e-5, atol=1e-6)


def test_spectral_norm_starts_each_kernel_from_a_vector_of_its_own():
  params = {n: {'kernel': np.ones((3, 7), np.float32)} for n in 'abc'}
  us = spectral_norm()['reparam_init'](jax.random.key(0), params)
  vectors = np.stack(jax.tree.leaves(us))
  np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), np.ones(3), rtol=1e-5)
  assert np.abs(vectors @ vectors.T - np.eye(3)).max() < 0.99


def test_spectral_norm_passes_gradients_through_sigma():
  """d/dW <A, W/sigma> = (A - <A, W/sigma> v uᵀ) / sigma at the converged u, v (their eq. 12)."""
  w, a = normal(6, 4), normal(6, 4, seed=1)
  left, s, right = np.linalg.svd(np.asarray(w, np.float64), full_matrices=False)
  v, u, sigma = left[:, 0], right[0], s[0]
  norm = spectral_norm()['reparam']
  state = {'kernel': unit(jnp.asarray(u, jnp.float32))}
  slope = jax.jit(jax.grad(lambda p: jnp.sum(a * norm(p, state)[0]['kernel'])))
  gradient = slope({'kernel': w})['kernel']
  inner = np.sum(np.asarray(a) * np.asarray(w)) / sigma
  np.testing.assert_allclose(gradient, (a - inner * np.outer(v, u)) / sigma, rtol=1e-3, atol=1e-5)
