"""Convolutions in groups against lax's, in value, gradient and second gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from gan_jax.ops import conv as ops

QUICKLY = {'xla_backend_optimization_level': 0}  # to compile: what is computed is the same


def theirs(x, k, strides, groups):
  return lax.conv_general_dilated(
    x, k, strides, 'SAME', dimension_numbers=('NHWC', 'HWIO', 'NHWC'), feature_group_count=groups
  )


def tangle(f):
  """(gradient of a gradient penalty), (value, gradient): all of them dense."""
  value = lambda x, k: jnp.sum(jnp.sin(f(x, k)))

  def penalty(x, k):
    slopes = jax.grad(value, (0, 1))(x, k)
    return sum(jnp.sum(s**2) for s in slopes), (f(x, k), slopes)

  return jax.jit(jax.grad(penalty, (0, 1), has_aux=True), compiler_options=QUICKLY)


# 16 channels of a group take the short algorithms, fewer the products with patches.
@pytest.mark.parametrize(
  ('inputs', 'outputs', 'groups', 'stride'), [(6, 4, 2, 1), (8, 8, 8, 2), (32, 32, 2, 1)]
)
def test_equals_lax(inputs, outputs, groups, stride):
  rng = np.random.default_rng(0)
  x = rng.normal(size=(2, 6, 5, inputs)).astype(np.float32)
  k = rng.normal(size=(3, 3, inputs // groups, outputs)).astype(np.float32)
  ours = tangle(lambda x, k: ops.grouped(x, k, (stride, stride), 'SAME', groups))(x, k)
  reference = tangle(lambda x, k: theirs(x, k, (stride, stride), groups))(x, k)
  for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(reference), strict=True):
    scale = float(jnp.abs(b).max()) + 1e-6
    np.testing.assert_allclose(a / scale, b / scale, atol=2e-5)


def test_one_group_is_a_convolution():
  x, k = np.ones((1, 4, 4, 2), np.float32), np.ones((3, 3, 2, 3), np.float32)
  plain = ops.conv(x, k, (1, 1), 'SAME')
  np.testing.assert_allclose(ops.grouped(x, k, (1, 1), 'SAME', 1), plain, rtol=1e-6)
