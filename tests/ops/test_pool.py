"""Pooling against NumPy, window by window."""

import jax
import numpy as np
import pytest

from gan_jax.ops.pool import max_pool, mean_pool, upsample


@pytest.mark.parametrize(
  ('n', 'size', 'stride', 'out'), [(33, 4, 2, 16), (15, 4, 2, 7), (9, 2, 2, 5)]
)
def test_max_pool_takes_the_greatest_of_each_window(n, size, stride, out):
  x = np.random.default_rng(0).normal(size=(2, n, n + 1, 3)).astype(np.float32)
  y = np.asarray(jax.jit(lambda x: max_pool(x, size, stride))(x))
  assert y.shape[1] == out
  for i in range(y.shape[1]):
    for j in range(y.shape[2]):
      window = x[:, i * stride : i * stride + size, j * stride : j * stride + size]
      np.testing.assert_array_equal(y[:, i, j], window.max((1, 2)))


def test_mean_pool_undoes_upsample():
  x = np.random.default_rng(0).normal(size=(2, 3, 5, 2)).astype(np.float32)
  wide = jax.jit(upsample)(x)
  np.testing.assert_array_equal(wide, x.repeat(2, 1).repeat(2, 2))
  np.testing.assert_allclose(jax.jit(mean_pool)(wide), x, rtol=1e-6)
