"""The three maps of a convolution as XLA has them: for GPU and TPU, and to test `matrix` by."""

from jax import lax

from gan_jax.game import Array
from gan_jax.ops.geometry import Geometry

LAYOUT = ('NHWC', 'HWIO', 'NHWC')


def down(g: Geometry, x: Array, k: Array) -> Array:
  """x [B,H,W,I], k [kh,kw,I,O] -> y [B,h,w,O]."""
  return lax.conv_general_dilated(x, k, g.strides, g.pads, dimension_numbers=LAYOUT)


def up(g: Geometry, y: Array, k: Array) -> Array:
  """y [B,h,w,O], k [kh,kw,I,O] -> x [B,H,W,I]: y dilated by the stride, the kernel mirrored."""
  pads = [
    (k - 1 - low, n + low - (h - 1) * s - 1)
    for n, k, s, h, (low, _) in zip(g.size, g.window, g.strides, g.small, g.pads, strict=True)
  ]
  k = k[::-1, ::-1].swapaxes(2, 3)
  return lax.conv_general_dilated(
    y, k, (1, 1), pads, lhs_dilation=g.strides, dimension_numbers=LAYOUT
  )


def taps(g: Geometry, x: Array, y: Array) -> Array:
  """x [B,H,W,I], y [B,h,w,O] -> k [kh,kw,I,O]: y, dilated by the stride, is the kernel."""
  pads = [(low, c - n - low) for n, c, (low, _) in zip(g.size, g.canvas, g.pads, strict=True)]
  return lax.conv_general_dilated(
    x, y, (1, 1), pads, rhs_dilation=g.strides, dimension_numbers=('CHWN', 'IHWO', 'HWNC')
  )
