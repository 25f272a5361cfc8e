"""Distances between all pairs of two sets, tile by tile: what metrics of neighbours are made of.

A tile's squared distances come from one float32 product of centred rows, on all devices; what is
too close to call is computed again, from differences in float64. So the neighbours that are found
and the pairs that are counted are those of float64, and memory is that of a few tiles however long
the sets, which may lie in files.
"""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from gan_jax.errors import InputError
from gan_jax.game import Array
from gan_jax.parallel import AXIS

SIDE = 2048  # the most rows of either set in a tile, whose squares are then 16 MiB
NUMBERS = 2**21  # the most in those rows, unless they are fewer than 64
SMALL = 2**28  # multiplications of a product that takes less than to compile a program for it
Blocks = list[tuple[slice, slice]]


class Tile(NamedTuple):
  """Squared Euclidean distances of some rows of x (N rows) to some rows of y (M rows)."""

  rows: slice  # of x
  columns: slice  # of y
  square: np.ndarray  # [R,C], f32 or f64, not to be written to; rounding may make it negative
  slack: float  # no entry is further than this from what float64 would say
  exact: Callable[[np.ndarray, np.ndarray], np.ndarray]  # places in the tile i[P], i[P] -> f64[P]


class Product(NamedTuple):
  """How a tile is computed, now or when it is asked for."""

  dtype: type
  # a f[R,D], b f[C,D], the squares of their rows f64[R], f64[C], all of them less shift f[D]
  square: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray], Any]


def tiles(x: np.ndarray, y: np.ndarray, product: Product | None = None) -> Iterator[Tile]:
  """Every pair of x [N,D] and y [M,D], once. Raises InputError for what has no distances."""
  blocks = [(rows, columns) for rows in _parts(x) for columns in _parts(y)]
  return _tiles(x, y, blocks, product or SINGLE)


def triangle(x: np.ndarray, product: Product | None = None) -> Iterator[Tile]:
  """Every pair of x with x, once, or twice in tiles on the diagonal, whose rows are its columns."""
  whole = _parts(x)
  blocks = [(rows, columns) for i, rows in enumerate(whole) for columns in whole[i:]]
  return _tiles(x, x, blocks, product or SINGLE)


def inside(tile: Tile, square: np.ndarray, compare: np.ufunc) -> np.ndarray:
  """compare(squared distance, square) -> bool[R,C]; square is f64[R,1] or f64[1,C] or f64[1,1].

  `compare` is np.less or np.less_equal, and is told float64 where float32 could be wrong.
  """
  bound = lambda shift: np.asarray(square + shift, tile.square.dtype)
  sure = np.less(tile.square, bound(-tile.slack))
  unsure = np.less_equal(tile.square, bound(tile.slack))
  unsure ^= sure
  if unsure.any():
    i, j = np.nonzero(unsure)
    wanted = np.broadcast_to(square, tile.square.shape)
    sure[i, j] = compare(tile.exact(i, j), wanted[i, j])
  return sure


def exact(x: np.ndarray, y: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
  """|x[i] - y[j]|^2 f64[P] of P pairs, from their differences in float64."""
  out = np.empty(len(i))
  step = max(1, 2**20 // max(x.shape[1], 1))
  for at in range(0, len(i), step):
    some = slice(at, at + step)
    gap = np.asarray(x[i[some]], np.float64)
    gap -= y[j[some]]
    out[some] = np.einsum('pd,pd->p', gap, gap)
  return out


def parts(n: int, most: int) -> list[slice]:
  """n rows as slices of nearly one size, of at most `most` rows each."""
  count = -(-n // most)
  size = -(-n // max(count, 1))
  return [slice(start, min(start + size, n)) for start in range(0, n, max(size, 1))]


def flat(x: np.ndarray, name: str = 'features') -> np.ndarray:
  """x [N,...] as rows [N,D]; InputError if there are none, or not all are finite numbers."""
  x = np.asanyarray(x)
  if x.ndim < 2 or not x.size:
    raise InputError(f'{name} are to be an array of N > 0 rows, not {x.dtype}{x.shape}.')
  x = x.reshape(len(x), -1)
  if not np.all(np.isfinite(_mean(x))):
    raise InputError(f'{name} are not all finite numbers: nan or inf is among {x.shape}.')
  return x


def _tiles(x: np.ndarray, y: np.ndarray, blocks: Blocks, product: Product) -> Iterator[Tile]:
  if x.shape[1] != y.shape[1]:
    raise InputError(
      f'rows of {x.shape[1]} and of {y.shape[1]} numbers have no distance: both sets are to come '
      'from one extractor.'
    )
  middle = _mean(x) if x is y else (_mean(x) + _mean(y)) / 2  # what is less cancels less
  take, shift = _centred(product.dtype, middle, x, y)
  xx = _squares(x, take, shift)
  yy = xx if x is y else _squares(y, take, shift)
  # In units of eps (|x|^2 + |y|^2), 4 is the most that was seen on CPU, whatever the length.
  error = (16 + x.shape[1] ** 0.5 / 4) * np.finfo(product.dtype).eps
  slack = float(error * (xx.max() + yy.max()))
  waiting: deque[tuple[slice, slice, Any]] = deque()
  for rows, columns in blocks:
    square = product.square(take(x[rows]), take(y[columns]), xx[rows], yy[columns], shift)
    waiting.append((rows, columns, square))
    if len(waiting) > 1:  # this one is computed while the one before is looked at
      yield _tile(x, y, *waiting.popleft(), slack)
  for one in waiting:
    yield _tile(x, y, *one, slack)


def _tile(
  x: np.ndarray, y: np.ndarray, rows: slice, columns: slice, square: Any, slack: float
) -> Tile:
  square = np.asarray(square)[: rows.stop - rows.start]
  return Tile(rows, columns, square, slack, partial(exact, x[rows], y[columns]))


def _parts(x: np.ndarray) -> list[slice]:
  return parts(len(x), min(SIDE, max(64, NUMBERS // x.shape[1])))


def _mean(x: np.ndarray) -> np.ndarray:
  with np.errstate(all='ignore'):
    return np.asarray(np.mean(x, axis=0, dtype=np.float64))


def _centred(
  dtype: type, middle: np.ndarray, *sets: np.ndarray
) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
  """(rows as stored -> rows of the product's type, what is then still to be taken off them)."""
  if all(v.dtype == dtype for v in sets):
    return np.asarray, middle.astype(dtype)
  return lambda rows: np.subtract(rows, middle).astype(dtype), np.zeros(len(middle), dtype)


def _squares(x: np.ndarray, take: Callable, shift: np.ndarray) -> np.ndarray:
  """The squares of centred rows, f64[N]."""
  rows = ((take(x[part]) - shift).astype(np.float64) for part in parts(len(x), 256))
  return np.concatenate([np.einsum('nd,nd->n', v, v) for v in rows])


def _on_devices(
  a: np.ndarray, b: np.ndarray, aa: np.ndarray, bb: np.ndarray, shift: np.ndarray
) -> Any:
  """f32[R+,C], rows divided among the devices of this host, and padded to be divisible so."""
  devices = tuple(jax.local_devices())
  split, whole = _shardings(devices)
  more = -len(a) % len(devices)
  if more:
    a = np.pad(a, ((0, more), (0, 0)))
  aa = np.pad(aa.astype(np.float32), (0, more))
  a, aa = jax.device_put((a, aa), split)
  b, bb, shift = jax.device_put((b, bb.astype(np.float32), shift), whole)
  return _square(a, b, aa, bb, shift)


def _shardings(devices: tuple) -> tuple[NamedSharding, NamedSharding]:
  mesh = jax.make_mesh((len(devices),), (AXIS,), axis_types=(AxisType.Auto,), devices=devices)
  return NamedSharding(mesh, PartitionSpec(AXIS)), NamedSharding(mesh, PartitionSpec())


@jax.jit
def _square(a: Array, b: Array, aa: Array, bb: Array, shift: Array) -> Array:
  cross = jnp.matmul(a - shift[None], (b - shift[None]).T, precision='highest')
  return aa[:, None] + bb[None] - 2 * cross


def _on_host(
  a: np.ndarray, b: np.ndarray, aa: np.ndarray, bb: np.ndarray, shift: np.ndarray
) -> np.ndarray:
  square = (a - shift) @ (b - shift).T
  square *= -2
  square += aa[:, None].astype(a.dtype)
  square += bb.astype(a.dtype)
  return square


def _where_it_is_quick(a: np.ndarray, b: np.ndarray, *more: np.ndarray) -> Any:
  small = len(a) * len(b) * a.shape[1] < SMALL
  return _on_host(a, b, *more) if small else _on_devices(a, b, *more)


DEVICES = Product(np.float32, _on_devices)
SINGLE = Product(np.float32, _where_it_is_quick)
DOUBLE = Product(np.float64, _on_host)
