"""Convolutions in groups against lax's, in value, gradient and second gradient.

Covers: ops/conv.py.
"""

import jax
import numpy as np
import pytest
from jax import lax

from gan_jax.ops import conv as ops
from tests.ops.test_conv import close, tangle


def theirs(x, k, strides, groups):
  return lax.conv_general_dilated(
    x, k, strides, 'SAME', dimension_numbers=('NHWC', 'HWIO', 'NHWC'), feature_group_count=groups
  )


# 16 channels of a group take the short algorithms, fewer the products with patches.
@pytest.mark.parametrize(
  ('inputs', 'outputs', 'groups', 'stride', 'size'),
  [
    (6, 4, 2, 1, 3),
    (8, 8, 8, 2, 3),
    (32, 32, 2, 1, 2),
    pytest.param(32, 32, 2, 1, 3, marks=pytest.mark.slow),  # as R3GAN has it
  ],
)
def test_grouped_equals_lax_in_value_and_both_gradients(inputs, outputs, groups, stride, size):
  rng = np.random.default_rng(0)
  x = rng.normal(size=(2, 6, 5, inputs)).astype(np.float32)
  k = rng.normal(size=(size, size, inputs // groups, outputs)).astype(np.float32)

  def forms(x, k):
    ours = tangle(lambda x, k: ops.grouped(x, k, (stride, stride), 'SAME', groups), x, k)
    return ours, tangle(lambda x, k: theirs(x, k, (stride, stride), groups), x, k)

  close(*jax.jit(forms)(x, k))


def test_grouped_in_one_group_is_a_convolution():
  x, k = np.ones((1, 4, 4, 2), np.float32), np.ones((3, 3, 2, 3), np.float32)
  one = jax.jit(lambda x, k: ops.grouped(x, k, (1, 1), 'SAME', 1))(x, k)
  plain = jax.jit(lambda x, k: ops.conv(x, k, (1, 1), 'SAME'))(x, k)
  np.testing.assert_allclose(one, plain, rtol=1e-6)
