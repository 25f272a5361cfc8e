"""R3GAN's resampling against the convolutions that define it."""

import jax
import numpy as np
from jax import lax

from gan_jax.ops import lowpass

LAYOUT = ('NHWC', 'HWIO', 'NHWC')
FILTER = np.convolve([1, 2, 1], [1, 1])
KERNEL = np.outer(FILTER, FILTER) / FILTER.sum() ** 2  # sums to 1
up, down = jax.jit(lowpass.up), jax.jit(lowpass.down)
X = np.random.default_rng(0).normal(size=(2, 6, 4, 3)).astype(np.float32)


def test_lowpass_is_the_filter_1_3_3_1():
  np.testing.assert_array_equal(FILTER, [1, 3, 3, 1])


def test_down_is_the_filter_at_stride_2_with_zeros_beyond_the_edges():
  kernel = np.float32(KERNEL)[:, :, None, None] * np.ones((1, 1, 1, 3), np.float32)
  theirs = lax.conv_general_dilated(
    X, kernel, (2, 2), ((1, 1), (1, 1)), dimension_numbers=LAYOUT, feature_group_count=3
  )
  np.testing.assert_allclose(down(X), theirs, atol=1e-6)


def test_up_is_four_times_the_transpose_of_down():
  y = np.random.default_rng(1).normal(size=(2, 3, 2, 3)).astype(np.float32)
  np.testing.assert_allclose(np.vdot(up(y), X), 4 * np.vdot(y, down(X)), rtol=1e-5)


def test_up_and_down_keep_a_constant_inside():
  ones = np.ones((1, 8, 8, 1), np.float32)
  np.testing.assert_allclose(up(ones)[:, 1:-1, 1:-1], 1, rtol=1e-6)
  np.testing.assert_allclose(down(ones)[:, 1:-1, 1:-1], 1, rtol=1e-6)
