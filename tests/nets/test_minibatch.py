"""Minibatch discrimination against loops in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.nets import layers
from gan_jax.nets.minibatch import MinibatchDiscrimination, nearness
from tests.nets.drawn import normal, spec

X = normal(6, 7)


@pytest.fixture(scope='module')
def fitted():
  """What the layer does with six examples, compiled once, and its weights, fitted to X."""
  net = layers.net(MinibatchDiscrimination(4, 3), X)
  apply, params = jax.jit(net.apply), net.init(jax.random.key(1))
  return lambda params, x: np.asarray(apply(params, x)), params


def by_loops(params, x, kernels=4, dims=3):
  """Section 3.2, with the authors' weights, bias and sum over the others."""
  v = np.asarray(params['kernel'], np.float64).reshape(7, kernels, dims)
  t = v / np.sqrt((v**2).sum(0)) * np.exp(np.asarray(params['log_scale'], np.float64))
  m, n = np.einsum('bf,fkd->bkd', np.float64(x), t), len(x)
  o = np.zeros((n, kernels))
  for i in range(n):
    for j in range(n):
      if i != j:
        o[i] += np.exp(-np.abs(m[i] - m[j]).sum(1))
  return np.concatenate([x, o + np.asarray(params['bias'])], axis=1)


def test_minibatch_discrimination_is_the_papers_sum(fitted):
  apply, params = fitted
  rng = np.random.default_rng(0)
  params = {
    **params,
    'log_scale': np.float32(rng.normal(size=(4, 3))),
    'bias': np.float32([-1, 0, 1, 2]),
  }
  np.testing.assert_allclose(apply(params, X), by_loops(params, X), rtol=1e-4, atol=1e-5)


def test_minibatch_discrimination_is_fitted_to_a_distance_of_2(fitted):
  """The mean distance to the nearest other example is 2."""
  apply, params = fitted
  out = apply(params, X)
  np.testing.assert_allclose(out[:, 7:].mean(0), np.zeros(4), atol=1e-5)
  np.testing.assert_allclose(out[:, :7], X)
  v = np.asarray(params['kernel'], np.float64).reshape(7, 4, 3)
  t = v / np.sqrt((v**2).sum(0)) * np.exp(np.asarray(params['log_scale']))
  m = np.einsum('bf,fkd->bkd', np.float64(X), t)
  apart = np.abs(m[:, None] - m[None]).sum(3) + 1e6 * np.eye(6)[:, :, None]
  np.testing.assert_allclose(apart.min(1).mean(0) / 2, np.ones(4), rtol=1e-4)


def test_minibatch_discrimination_tells_a_collapsed_minibatch(fitted):
  apply, params = fitted
  varied = apply(params, X)[:, 7:]
  collapsed = apply(params, np.broadcast_to(X[:1], X.shape))[:, 7:]
  assert collapsed.min() > varied.max()


def test_minibatch_discrimination_has_finite_slopes_at_zeros():
  net = layers.net(MinibatchDiscrimination(4, 3), spec((2, 7)))
  params = net.init(jax.random.key(1))
  np.testing.assert_array_equal(params['log_scale'], np.zeros((4, 3)))
  slopes = jax.jit(jax.grad(lambda p: net.apply(p, jnp.zeros((3, 7))).sum()))(params)
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))


def test_nearness_of_an_example_alone_is_0():
  assert np.abs(jax.jit(nearness)(np.ones((1, 4, 3), np.float32))).max() == 0
