"""Convolutions with fewer multiplications: Karatsuba's and Winograd's short algorithms, for CPU.

Two neighbouring outputs of a filter with r taps,

  y_0 = x_0 k_0 + ... + x_{r-1} k_{r-1},   y_1 = x_1 k_0 + ... + x_r k_{r-1},

take 2 r multiplications as they are written, and only r + 1 as y = A^T ((B^T x) * (G k)) (Winograd
1980; for r = 2 this is Karatsuba's trick). Along rows and columns at once, a 2x2 tile of outputs
takes (r + 1)² matrix products in place of 4 r²: 9 for 16 at r = 2, 16 for 36 at r = 3. A stride is
no obstacle: pixels are first gathered into blocks of the stride's size, so that a 4x4 kernel at
stride 2 has r = 2 taps, each a matrix from the four pixels of a block.

The algorithm is a trilinear form of x, k and y, sum_p (B^T x)_p (G k)_p (A y)_p. So the three maps
of `ops.conv` are the same three transforms and the same products, one factor after the other being
what is asked for.
"""

import itertools
from collections.abc import Callable, Sequence
from functools import cache, partial

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental.layout import Layout, with_layout_constraint

from gan_jax.game import Array
from gan_jax.ops.geometry import Geometry, Pair
from gan_jax.ops.product import wide

# r -> (A [2, p], G [p, r], B [r+1, p]), p = r + 1. Winograd's points: 0, ∞; 0, 1, -1, ∞.
ALGORITHMS: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {
  2: (
    np.array([[1, 1, 0], [0, 1, 1]]),
    np.array([[1, 0], [1, 1], [0, 1]]),
    np.array([[1, 0, 0], [-1, 1, -1], [0, 0, 1]]),
  ),
  3: (
    np.array([[1, 1, 1, 0], [0, 1, -1, 1]]),
    np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]),
    np.array([[1, 0, 0, 0], [0, 1, -1, -1], [-1, 1, 1, 0], [0, 0, 0, 1]]),
  ),
}


THIN = 16  # with fewer channels the products are too short to pay for the transforms


def taps_per_block(g: Geometry) -> Pair:
  """r of each axis: over how many blocks of stride pixels a window reaches."""
  r, q = (-(-k // s) for k, s in zip(g.window, g.strides, strict=True))
  return r, q


def suits(g: Geometry, inputs: int, outputs: int) -> bool:
  """Whether this is fast for a kernel of so many channels (experiments/benchmarks/RESULTS.md)."""
  known = all(r in ALGORITHMS for r in taps_per_block(g))
  return known and min(inputs, outputs) >= THIN and min(g.small) > 1


def down(g: Geometry, x: Array, k: Array) -> Array:
  """x [B,H,W,I], k [kh,kw,I,O] -> y [B,h,w,O]."""
  products = [wide(a, b, 1, 0) for a, b in zip(_of_x(g, x), _of_k(g, k), strict=True)]
  return _to_y(g, products, x.shape[0], k.shape[-1]).astype(x.dtype)


def up(g: Geometry, y: Array, k: Array) -> Array:
  """y [B,h,w,O], k [kh,kw,I,O] -> x [B,H,W,I]."""
  products = [wide(a, b, 1, 1) for a, b in zip(_of_y(g, y), _of_k(g, k), strict=True)]
  return _to_x(g, products, y.shape[0], k.shape[2]).astype(y.dtype)


def taps(g: Geometry, x: Array, y: Array) -> Array:
  """x [B,H,W,I], y [B,h,w,O] -> k [kh,kw,I,O]."""

  def product(a: Array, b: Array) -> Array:
    if a.dtype != jnp.bfloat16:
      return wide(a, b, 0, 0)
    # The units for bfloat16 are six times slower with a transposed left side; so it is transposed.
    return wide(apart(apart(a).T), b, 1, 0)

  products = [product(a, b) for a, b in zip(_of_x(g, x), _of_y(g, y), strict=True)]
  return _to_k(g, products, x.shape[-1], y.shape[-1]).astype(x.dtype)


# --- the three transforms, each to one factor of all products ------------------------------------


def _of_x(g: Geometry, x: Array) -> list[Array]:
  """x [B,H,W,I] -> B^T x: for each product, [B·T·T', sh·sw·I]."""
  (t, q), (n, m) = _tiles(g), _blocks(g)
  (sh, sw), ((top, _), (left, _)) = g.strides, g.pads
  rows, columns = (top, n * sh - top - g.size[0], 0), (left, m * sw - left - g.size[1], 0)
  x = lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), rows, columns, (0, 0, 0)))
  x = x.reshape(x.shape[0], n, sh, m, sw, x.shape[-1])

  def block(i: int, j: int) -> Array:
    return x[:, i : i + 2 * t - 1 : 2, :, j : j + 2 * q - 1 : 2]

  return [
    _sum(weights, block).transpose(0, 1, 3, 2, 4, 5).reshape(x.shape[0] * t * q, -1)
    for weights in _weights(g, 'B')
  ]


def _of_k(g: Geometry, k: Array) -> list[Array]:
  """k [kh,kw,I,O] -> G k: for each product, [sh·sw·I, O]."""
  (r, q), (sh, sw), (kh, kw) = taps_per_block(g), g.strides, g.window
  edges = ((0, r * sh - kh, 0), (0, q * sw - kw, 0), (0, 0, 0), (0, 0, 0))
  k = apart(lax.pad(k, jnp.zeros((), k.dtype), edges))  # transposed once, if it comes transposed
  k = k.reshape(r, sh, q, sw, *k.shape[2:])
  return [
    _sum(weights, lambda i, j: k[i, :, j]).reshape(-1, k.shape[-1]) for weights in _weights(g, 'G')
  ]


def _of_y(g: Geometry, y: Array) -> list[Array]:
  """y [B,h,w,O] -> A y: for each product, [B·T·T', O]."""
  (t, q), (h, w) = _tiles(g), g.small
  edges = ((0, 0, 0), (0, 2 * t - h, 0), (0, 2 * q - w, 0), (0, 0, 0))
  y = lax.pad(y, jnp.zeros((), y.dtype), edges)
  y = y.reshape(y.shape[0], t, 2, q, 2, y.shape[-1])
  return [
    _sum(weights, lambda i, j: y[:, :, i, :, j]).reshape(-1, y.shape[-1])
    for weights in _weights(g, 'A')
  ]


# --- and their transposes, from all products -----------------------------------------------------


def _to_x(g: Geometry, products: Sequence[Array], batch: int, channels: int) -> Array:
  """For each product, [B·T·T', sh·sw·I] -> x [B,H,W,I]: blocks add up what tiles give them."""
  (t, q), (r, u), (sh, sw) = _tiles(g), taps_per_block(g), g.strides
  pieces = [p.reshape(batch, t, q, sh, sw, channels) for p in products]
  weights = dict(zip(itertools.product(range(r + 1), range(u + 1)), _columns(g, 'B'), strict=True))
  zero = jnp.zeros((), pieces[0].dtype)

  def shifted(i: int, j: int) -> Array:
    """What tile t gives block 2 t + i, at its place among the blocks of i's parity."""
    edges = ((0, 0, 0), (i // 2, r // 2 - i // 2, 0), (j // 2, u // 2 - j // 2, 0))
    return lax.pad(_combine(weights[i, j], pieces), zero, (*edges, *((0, 0, 0),) * 3))

  def parity(a: int, b: int) -> Array:
    first, *rest = (
      shifted(i, j) for i, j in itertools.product(range(a, r + 1, 2), range(b, u + 1, 2))
    )
    return sum(rest, first)

  x = jnp.stack([jnp.stack([parity(a, b) for b in (0, 1)], axis=3) for a in (0, 1)], axis=2)
  x = x.transpose(0, 1, 2, 5, 3, 4, 6, 7)  # [B, tile, parity, line] of rows, then of columns
  x = x.reshape(batch, 2 * sh * (t + r // 2), 2 * sw * (q + u // 2), channels)
  ((top, _), (left, _)) = g.pads
  edges = ((-top, g.size[0] + top - x.shape[1], 0), (-left, g.size[1] + left - x.shape[2], 0))
  return lax.pad(x, zero, ((0, 0, 0), *edges, (0, 0, 0)))


def _to_k(g: Geometry, products: Sequence[Array], inputs: int, outputs: int) -> Array:
  """For each product, [sh·sw·I, O] -> k [kh,kw,I,O]."""
  (r, q), (sh, sw), (kh, kw) = taps_per_block(g), g.strides, g.window
  pieces = [p.reshape(sh, sw, inputs, outputs) for p in products]
  k = jnp.stack([_combine(weights, pieces) for weights in _columns(g, 'G')])
  k = k.reshape(r, q, *k.shape[1:]).transpose(0, 2, 1, 3, 4, 5)
  return k.reshape(r * sh, q * sw, inputs, outputs)[:kh, :kw]


def _to_y(g: Geometry, products: Sequence[Array], batch: int, channels: int) -> Array:
  """For each product, [B·T·T', O] -> y [B,h,w,O]."""
  (t, q), (h, w) = _tiles(g), g.small
  pieces = [p.reshape(batch, t, q, channels) for p in products]
  tile = [_combine(weights, pieces) for weights in _columns(g, 'A')]
  y = jnp.stack([jnp.stack(tile[:2], axis=3), jnp.stack(tile[2:], axis=3)], axis=2)
  return y.reshape(batch, 2 * t, 2 * q, channels)[:, :h, :w]


# --- sizes and weights ---------------------------------------------------------------------------


def apart(a: Array) -> Array:
  """The same array, written out in rows: XLA fuses nothing across it.

  Else it would permute each time anew in what reads the permuted array, one entry at a time.
  """
  return with_layout_constraint(a, Layout(tuple(range(a.ndim))))


# --- sizes and weights ---------------------------------------------------------------------------


def _tiles(g: Geometry) -> Pair:
  """T, T': tiles of 2x2 outputs."""
  h, w = g.small
  return -(-h // 2), -(-w // 2)


def _blocks(g: Geometry) -> Pair:
  """Blocks of stride pixels that the tiles reach over on each axis: 2 T + r - 1."""
  n, m = (2 * t + r - 1 for t, r in zip(_tiles(g), taps_per_block(g), strict=True))
  return n, m


@cache
def _matrices(g: Geometry, name: str) -> tuple[np.ndarray, np.ndarray]:
  """The matrix A, G or B of both axes, as [p, entries]: rows are products."""
  at = 'AGB'.index(name)
  rows, columns = (ALGORITHMS[r][at] for r in taps_per_block(g))
  return (rows, columns) if name == 'G' else (rows.T, columns.T)


def _weights(g: Geometry, name: str) -> list[dict[Pair, float]]:
  """For each product, (i, j) -> the weight of entry i, j in it, where there is one."""
  rows, columns = _matrices(g, name)
  return [
    {(i, j): u[i] * v[j] for i in range(len(u)) for j in range(len(v)) if u[i] * v[j]}
    for u, v in itertools.product(rows, columns)
  ]


def _columns(g: Geometry, name: str) -> list[list[float]]:
  """The transpose: for each entry (i, j), the weight that it takes of every product."""
  rows, columns = _matrices(g, name)
  return [list(np.outer(u, v).ravel()) for u, v in itertools.product(rows.T, columns.T)]


def _sum(weights: dict[Pair, float], entry: Callable[[int, int], Array]) -> Array:
  """The weighted sum of entry(i, j)."""
  return _combine(list(weights.values()), [entry(i, j) for i, j in weights])


def _combine(weights: Sequence[float], terms: Sequence[Array]) -> Array:
  """sum_i w_i a_i, in float32 at least, rounded once to the terms' own type."""
  dtype = terms[0].dtype
  as_wide = partial(lax.convert_element_type, new_dtype=jnp.promote_types(dtype, jnp.float32))
  used = [(w, as_wide(a)) for w, a in zip(weights, terms, strict=True) if w]
  # By lax, since hundreds of these sums are traced for a network, and jnp's operators take longer.
  by = lambda w, a: a if w == 1 else lax.mul(a, a.dtype.type(w))
  (plus, first), *rest = [(w > 0, by(abs(w), a)) for w, a in used]
  out = first if plus else lax.neg(first)
  for plus, a in rest:
    out = lax.add(out, a) if plus else lax.sub(out, a)
  return lax.convert_element_type(out, dtype)
