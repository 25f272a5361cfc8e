"""Pooling against NumPy, window by window."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.ops.pool import max_pool, mean_pool, upsample


@pytest.mark.parametrize(
  ('n', 'size', 'stride', 'out'), [(33, 4, 2, 16), (15, 4, 2, 7), (9, 2, 2, 5)]
)
def test_max_pool(n, size, stride, out):
  x = np.array(jax.random.normal(jax.random.key(0), (2, n, n + 1, 3)))
  y = max_pool(jnp.asarray(x), size, stride)
  assert y.shape[1] == out
  for i in range(y.shape[1]):
    for j in range(y.shape[2]):
      window = x[:, i * stride : i * stride + size, j * stride : j * stride + size]
      np.testing.assert_array_equal(y[:, i, j], window.max((1, 2)))


def test_mean_pool_undoes_upsample():
  x = jax.random.normal(jax.random.key(0), (2, 3, 5, 2))
  np.testing.assert_allclose(mean_pool(upsample(x)), x, rtol=1e-6)
  np.testing.assert_array_equal(upsample(x), np.asarray(x).repeat(2, 1).repeat(2, 2))
