"""Resampling by small whole factors, from slices and reshapes: cheap to differentiate twice."""

import functools

import jax.numpy as jnp
from jax import lax

from gan_jax.game import Array


def max_pool(x: Array, size: int, stride: int) -> Array:
  """x f32[B,H,W,C] -> f32[B,h,w,C], h = ceil((H - size) / stride) + 1.

  The last window may overhang the end, as in pylearn2. First along rows, then along columns.
  """
  for axis in (1, 2):
    n = -(-(x.shape[axis] - size) // stride) + 1
    overhang = [(0, 0, 0)] * x.ndim
    overhang[axis] = (0, (n - 1) * stride + size - x.shape[axis], 0)
    padded = lax.pad(x, jnp.array(-jnp.inf, x.dtype), overhang)
    x = functools.reduce(
      jnp.maximum,
      (
        lax.slice_in_dim(padded, a, a + (n - 1) * stride + 1, stride, axis=axis)
        for a in range(size)
      ),
    )
  return x


def mean_pool(x: Array) -> Array:
  """x f32[B,H,W,C] -> f32[B,H/2,W/2,C]: the mean of each 2x2 block."""
  b, h, w, c = x.shape
  return x.reshape(b, h // 2, 2, w // 2, 2, c).mean((2, 4))


def upsample(x: Array) -> Array:
  """x f32[B,H,W,C] -> f32[B,2H,2W,C]: each pixel four times."""
  b, h, w, c = x.shape
  x = jnp.broadcast_to(x[:, :, None, :, None, :], (b, h, 2, w, 2, c))
  return x.reshape(b, 2 * h, 2 * w, c)
