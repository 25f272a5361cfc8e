"""Minibatch discrimination against loops in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.nets import layers
from gan_jax.nets.minibatch import MinibatchDiscrimination, nearness

X = jax.random.normal(jax.random.key(0), (6, 7))


def made(x=X, kernels=4, dims=3):
  net = layers.net(MinibatchDiscrimination(kernels, dims), x)
  return net, net.init(jax.random.key(1))


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


def test_it_is_the_papers_sum():
  net, params = made()
  rng = np.random.default_rng(0)
  params = {
    **params,
    'log_scale': jnp.float32(rng.normal(size=(4, 3))),
    'bias': jnp.float32([-1, 0, 1, 2]),
  }
  np.testing.assert_allclose(net.apply(params, X), by_loops(params, X), rtol=1e-4, atol=1e-5)


def test_fitted_to_data_half_the_distance_to_the_nearest_is_one_and_the_mean_is_zero():
  net, params = made()
  out = np.asarray(net.apply(params, X))
  np.testing.assert_allclose(out[:, 7:].mean(0), np.zeros(4), atol=1e-5)
  np.testing.assert_allclose(out[:, :7], X)
  v = np.asarray(params['kernel'], np.float64).reshape(7, 4, 3)
  t = v / np.sqrt((v**2).sum(0)) * np.exp(np.asarray(params['log_scale']))
  m = np.einsum('bf,fkd->bkd', np.float64(X), t)
  apart = np.abs(m[:, None] - m[None]).sum(3) + 1e6 * np.eye(6)[:, :, None]
  np.testing.assert_allclose(apart.min(1).mean(0) / 2, np.ones(4), rtol=1e-4)


def test_a_collapsed_minibatch_stands_out():
  net, params = made()
  varied = net.apply(params, X)[:, 7:]
  collapsed = net.apply(params, jnp.broadcast_to(X[:1], X.shape))[:, 7:]
  assert float(collapsed.min()) > float(varied.max())


def test_it_starts_from_zeros_too_and_has_finite_slopes_there():
  net, params = made(jax.ShapeDtypeStruct((2, 7), jnp.float32))
  np.testing.assert_array_equal(params['log_scale'], np.zeros((4, 3)))
  slopes = jax.grad(lambda p: net.apply(p, jnp.zeros((3, 7))).sum())(params)
  assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(slopes))


def test_an_example_alone_is_near_nobody():
  assert float(jnp.abs(nearness(jnp.ones((1, 4, 3)))).max()) == 0
