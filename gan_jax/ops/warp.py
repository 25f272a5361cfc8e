"""Images seen through affine maps, by bilinear interpolation: differentiable to any order."""

import itertools

import jax
import jax.numpy as jnp

from gan_jax.game import Array


def affine(x: Array, linear: Array, shift: Array) -> Array:
  """x f32[B,H,W,C], linear f32[B,2,2], shift f32[B,2] -> f32[B,H,W,C].

  The pixel at o = (row, column), counted from the middle of the image, shows what the input has at
  linear (o - shift), in pixels. Beyond its edges the input goes on as its mirror image. Where that
  place is the middle of a pixel the value is that pixel's, to the last bit.
  """
  b, h, w, _ = x.shape
  middle = jnp.array([(h - 1) / 2, (w - 1) / 2], jnp.float32)
  # Sums written out: a matrix product of coordinates would be rounded to 10 bits on some machines.
  row = jnp.arange(h, dtype=jnp.float32)[None, :, None] - (middle[0] + shift[:, 0, None, None])
  column = jnp.arange(w, dtype=jnp.float32)[None, None, :] - (middle[1] + shift[:, 1, None, None])
  at = [
    linear[:, i, 0, None, None] * row + linear[:, i, 1, None, None] * column + middle[i]
    for i in (0, 1)
  ]
  corner = [jnp.floor(a) for a in at]
  beyond = [(a - c)[..., None] for a, c in zip(at, corner, strict=True)]
  flat = x.reshape(b, h * w, -1)

  def seen(down: int, right: int) -> Array:
    i, j = mirrored(corner[0] + down, h), mirrored(corner[1] + right, w)
    take = lambda image, index: image.at[index].get(mode='promise_in_bounds')
    return jax.vmap(take)(flat, (i * w + j).reshape(b, h * w)).reshape(x.shape)

  out = jnp.zeros_like(x)
  for down, right in itertools.product((0, 1), (0, 1)):
    weight = jnp.abs(1 - down - beyond[0]) * jnp.abs(1 - right - beyond[1])
    out = out + weight.astype(x.dtype) * seen(down, right)
  return out


def mirrored(i: Array, n: int) -> Array:
  """Indices of any sign, as whole f32 -> i32 in 0..n-1: ... 2 1 0 1 2 ... n-1 n-2 ..."""
  period = max(2 * (n - 1), 1)
  i = jnp.mod(i, period).astype(jnp.int32)
  return jnp.minimum(i, period - i) if n > 1 else jnp.zeros_like(i)
