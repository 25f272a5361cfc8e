"""The derivatives of a convolution as matrix products, for CPU.

XLA's CPU convolution is fast forwards (`native.down`, 40-150 GFLOP/s on two cores) and very slow
where either side is dilated, as in both derivatives of a strided one; these take their place.
"""

import itertools

import jax.numpy as jnp
from jax import lax

from gan_jax.game import Array
from gan_jax.ops import native
from gan_jax.ops.geometry import Geometry


def up(g: Geometry, y: Array, k: Array) -> Array:
  """y [B,h,w,O], k [kh,kw,I,O] -> x [B,H,W,I]: one product, its pieces then added up."""
  if g.strides == (1, 1):  # nothing is dilated: the derivative is a convolution like any other
    return native.up(g, y, k)
  return fold(g, lax.dot_general(y, k, (((3,), (3,)), ((), ()))))


def taps(g: Geometry, x: Array, y: Array) -> Array:
  """x [B,H,W,I], y [B,h,w,O] -> k [kh,kw,I,O]: for each tap, the pixels it saw times y.

  One product per tap, because gathering all taps into one matrix costs more than it saves: its
  kh·kw/stride² copies of x fall out of the cache (170 against 207 ms at 32x32x64, batch 64).
  """
  (kh, kw), (sh, sw), (h, w) = g.window, g.strides, g.canvas
  (top, _), (left, _) = g.pads
  rows, columns = (top, h - top - g.size[0], 0), (left, w - left - g.size[1], 0)
  x = lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), rows, columns, (0, 0, 0)))
  k = [
    lax.dot_general(
      x[:, a : h - kh + a + 1 : sh, b : w - kw + b + 1 : sw], y, (((0, 1, 2), (0, 1, 2)), ((), ()))
    )
    for a, b in itertools.product(range(kh), range(kw))
  ]
  return jnp.stack(k).reshape(kh, kw, x.shape[-1], y.shape[-1])


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
      return jnp.zeros((len(pieces), h + rows - 1, w + columns - 1, pieces.shape[-1]), zero.dtype)
    first, *rest = (shifted(a, b) for a, b in itertools.product(range(r, kh, sh), range(q, kw, sw)))
    return sum(rest, first)

  x = jnp.stack([jnp.stack([phase(r, q) for q in range(sw)], axis=3) for r in range(sh)], axis=2)
  x = x.reshape(len(x), (h + rows - 1) * sh, (w + columns - 1) * sw, -1)
  (top, _), (left, _) = g.pads
  edges = ((-top, g.size[0] + top - x.shape[1], 0), (-left, g.size[1] + left - x.shape[2], 0))
  return lax.pad(x, zero, ((0, 0, 0), *edges, (0, 0, 0)))
