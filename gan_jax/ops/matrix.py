"""A convolution and its derivatives as matrix products, for CPU: each by what is fastest there.

XLA's own CPU convolution is fast forwards and at stride 1 (200-250 GFLOP/s on two cores that
multiply matrices at 300) and very slow where either side is dilated, as in both derivatives of a
strided one. In its place stand the short algorithms of `ops/bilinear.py` where images have channels
enough for them, and one product with patches, or with pieces that are then added up, where they are
thin.
All sums are in float32 at least, whatever the operands.
"""

import itertools

import jax.numpy as jnp
from jax import lax

from gan_jax.game import Array
from gan_jax.ops import bilinear, native
from gan_jax.ops.geometry import Geometry
from gan_jax.ops.product import wide


def down(g: Geometry, x: Array, k: Array) -> Array:
  """x [B,H,W,I], k [kh,kw,I,O] -> y [B,h,w,O]."""
  if bilinear.suits(g, *k.shape[2:]):
    return bilinear.down(g, x, k)
  dtype, (x, k) = x.dtype, _float32(x, k)
  if x.shape[-1] >= bilinear.THIN:
    return native.down(g, x, k).astype(dtype)
  y = wide(patches(g, x), k.reshape(-1, k.shape[-1]), 1, 0)
  return y.reshape(x.shape[0], *g.small, k.shape[-1]).astype(dtype)


def up(g: Geometry, y: Array, k: Array) -> Array:
  """y [B,h,w,O], k [kh,kw,I,O] -> x [B,H,W,I]."""
  if bilinear.suits(g, *k.shape[2:]):
    return bilinear.up(g, y, k)
  dtype, (y, k) = y.dtype, _float32(y, k)
  if g.strides == (1, 1):  # nothing is dilated: the derivative is a convolution like any other
    return native.up(g, y, k).astype(dtype)
  pieces = wide(y.reshape(-1, y.shape[-1]), k.reshape(-1, k.shape[-1]), 1, 1)
  return fold(g, pieces.reshape(y.shape[0], *g.small, *g.window, k.shape[2])).astype(dtype)


def taps(g: Geometry, x: Array, y: Array) -> Array:
  """x [B,H,W,I], y [B,h,w,O] -> k [kh,kw,I,O]."""
  if bilinear.suits(g, x.shape[-1], y.shape[-1]):
    return bilinear.taps(g, x, y)
  dtype, (x, y) = x.dtype, _float32(x, y)
  k = wide(patches(g, x), y.reshape(-1, y.shape[-1]), 0, 0)
  return k.reshape(*g.window, x.shape[-1], y.shape[-1]).astype(dtype)


def _float32(*arrays: Array) -> list[Array]:
  """XLA computes bfloat16 convolutions and copies no faster than float32 ones here."""
  return [a.astype(jnp.promote_types(a.dtype, jnp.float32)) for a in arrays]


def patches(g: Geometry, x: Array) -> Array:
  """x [B,H,W,I] -> [B·h·w, kh·kw·I]: all that each entry of the small image sees."""
  (kh, kw), (sh, sw), (h, w) = g.window, g.strides, g.canvas
  (top, _), (left, _) = g.pads
  rows, columns = (top, h - top - g.size[0], 0), (left, w - left - g.size[1], 0)
  x = lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), rows, columns, (0, 0, 0)))
  seen = [
    x[:, a : h - kh + a + 1 : sh, b : w - kw + b + 1 : sw]
    for a, b in itertools.product(range(kh), range(kw))
  ]
  return jnp.concatenate(seen, axis=-1).reshape(-1, kh * kw * x.shape[-1])


def fold(g: Geometry, pieces: Array) -> Array:
  """pieces [B,h,w,kh,kw,C] -> [B,H,W,C]: each piece added at its place.

  Row i stride + r of the large image gets pieces a = r, r + stride, ... only, each shifted by
  a // stride rows: so each of the stride² phases is a short sum of dense images, and interleaving
  the phases is a reshape.
  """
  (kh, kw), (sh, sw), (h, w) = g.window, g.strides, g.small
  rows, columns = -(-kh // sh), -(-kw // sw)
  zero = jnp.zeros((), pieces.dtype)

  def shifted(a: int, b: int) -> Array:
    down, right = a // sh, b // sw
    edges = ((0, 0, 0), (down, rows - 1 - down, 0), (right, columns - 1 - right, 0), (0, 0, 0))
    return lax.pad(pieces[:, :, :, a, b], zero, edges)

  def phase(r: int, q: int) -> Array:
    if r >= kh or q >= kw:  # a stride beyond the window leaves rows that nothing reaches
      return jnp.zeros(
        (pieces.shape[0], h + rows - 1, w + columns - 1, pieces.shape[-1]), zero.dtype
      )
    first, *rest = (shifted(a, b) for a, b in itertools.product(range(r, kh, sh), range(q, kw, sw)))
    return sum(rest, first)

  x = jnp.stack([jnp.stack([phase(r, q) for q in range(sw)], axis=3) for r in range(sh)], axis=2)
  x = x.reshape(x.shape[0], (h + rows - 1) * sh, (w + columns - 1) * sw, -1)
  (top, _), (left, _) = g.pads
  edges = ((-top, g.size[0] + top - x.shape[1], 0), (-left, g.size[1] + left - x.shape[2], 0))
  return lax.pad(x, zero, ((0, 0, 0), *edges, (0, 0, 0)))
