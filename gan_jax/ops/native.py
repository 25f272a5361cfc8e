"""The three maps of a convolution as XLA has them: for GPU and TPU, and to test `matrix` by."""

import jax
from jax import lax

from gan_jax.game import Array
from gan_jax.ops.geometry import Geometry

LAYOUT = ('NHWC', 'HWIO', 'NHWC')


def down(g: Geometry, x: Array, k: Array) -> Array:
  """x [B,H,W,I], k [kh,kw,I,O] -> y [B,h,w,O]."""
  return lax.conv_general_dilated(x, k, g.strides, g.pads, dimension_numbers=LAYOUT)


def up(g: Geometry, y: Array, k: Array) -> Array:
  """y [B,h,w,O], k [kh,kw,I,O] -> x [B,H,W,I]."""
  x = jax.ShapeDtypeStruct((len(y), *g.size, k.shape[2]), y.dtype)
  return jax.linear_transpose(lambda x: down(g, x, k), x)(y)[0]


def taps(g: Geometry, x: Array, y: Array) -> Array:
  """x [B,H,W,I], y [B,h,w,O] -> k [kh,kw,I,O]."""
  k = jax.ShapeDtypeStruct((*g.window, x.shape[-1], y.shape[-1]), x.dtype)
  return jax.linear_transpose(lambda k: down(g, x, k), k)(y)[0]
