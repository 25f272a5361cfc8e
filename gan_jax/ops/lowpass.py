"""Twice and half the size through the low-pass filter [1, 3, 3, 1] = [1, 2, 1] * [1, 1].

As R3GAN has it (Huang et al. 2024, section 3.3; after Karras et al. 2019): linear interpolation
between pixels, with zeros beyond the edges. From slices, along rows and then along columns, so that
it is cheap to differentiate twice.
"""

import jax.numpy as jnp
from jax import lax

from gan_jax.game import Array


def up(x: Array) -> Array:
  """x f32[B,H,W,C] -> f32[B,2H,2W,C]: new pixels are 3/4 the nearer neighbour, 1/4 the other."""
  for axis in (1, 2):
    before, after = _shifted(x, axis, -1), _shifted(x, axis, 1)
    pairs = jnp.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis=axis + 1)
    x = pairs.reshape(*x.shape[:axis], 2 * x.shape[axis], *x.shape[axis + 1 :])
  return x


def down(x: Array) -> Array:
  """x f32[B,2H,2W,C] -> f32[B,H,W,C]: 3/8 of each of two pixels, 1/8 of each beside them."""
  for axis in (1, 2):
    n = x.shape[axis]
    even, odd = (lax.slice_in_dim(x, i, n, 2, axis) for i in (0, 1))
    x = 0.375 * (even + odd) + 0.125 * (_shifted(odd, axis, -1) + _shifted(even, axis, 1))
  return x


def _shifted(x: Array, axis: int, by: int) -> Array:
  """x with entry i + by of that axis at i, and zeros where there is none."""
  edges = [(0, 0, 0)] * x.ndim
  edges[axis] = (-by, by, 0)
  return lax.pad(x, jnp.zeros((), x.dtype), edges)
