"""The nearest neighbours of every row, in float64 though the search is in float32."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics.pairwise import DOUBLE, SINGLE, Product, Tile, exact, tiles, triangle

MORE = 2  # candidates beyond k; if even they are too close to the k-th, float64 looks again
GROUP = 16  # columns of which only the least is looked at first


class Nearest(NamedTuple):
  """The k nearest rows of y to each of the N rows of x, the nearest first."""

  square: np.ndarray  # f64[N,k], of the distances, 0 for a copy
  row: np.ndarray  # i64[N,k], of y

  @property
  def distance(self) -> np.ndarray:
    """f64[N,k]."""
    return np.sqrt(self.square)


class Best(NamedTuple):
  """The m least squares that were seen so far in each of N rows, ascending; filled in place."""

  square: np.ndarray  # f64[N,m]
  row: np.ndarray  # i64[N,m], of y


def nearest(x: np.ndarray, y: np.ndarray, k: int = 1) -> Nearest:
  """x [N,D], y [M,D] -> Nearest; InputError if M < k."""
  _enough(k, len(y), 'rows')
  return _nearest(x, y, k, np.full(len(x), -1), SINGLE)


def nearest_others(x: np.ndarray, k: int = 1) -> Nearest:
  """The k nearest rows of x [N,D] to each, itself not counted; InputError if N <= k.

  The k-th of them is the (k+1)-th nearest if it is.
  """
  _enough(k, len(x) - 1, 'rows beside each')
  return _nearest(x, x, k, np.arange(len(x)), SINGLE)


def _enough(k: int, there: int, what: str) -> None:
  if not 1 <= k <= there:
    raise InputError(f'k={k} neighbours are asked for, but there are {max(there, 0):,} {what}.')


def _nearest(x: np.ndarray, y: np.ndarray, k: int, own: np.ndarray, product: Product) -> Nearest:
  """`own` i64[N] is the row of y that is not counted, -1 for none."""
  there = len(y) - int(np.any(own >= 0))
  m = min(k + MORE, there)
  (square, index), slack = _candidates(x, y, m, own, product)
  reach = square[:, k - 1 : k] + 2 * slack  # what lies further is not among the k
  i, j = np.nonzero(square <= reach)
  true = np.full(square.shape, np.inf)
  true[i, j] = exact(x, y, i, index[i, j])
  order = np.lexsort((index, true), axis=1)[:, :k]
  found = Nearest(*(np.take_along_axis(a, order, 1) for a in (true, index)))
  blurred = np.flatnonzero((square[:, -1:] <= reach)[:, 0])
  if m < there and len(blurred) and product is SINGLE:
    sharp = _nearest(x[blurred], y, k, own[blurred], DOUBLE)
    for ours, theirs in zip(found, sharp, strict=True):
      ours[blurred] = theirs
  return found


def _candidates(
  x: np.ndarray, y: np.ndarray, m: int, own: np.ndarray, product: Product
) -> tuple[Best, float]:
  """The m least squares of each row, and how far from the true ones they may be."""
  best, slack = nothing(len(x), m), 0.0
  for rows, first, square, slack in _strips(x, y, own, product):  # noqa: B007
    keep(best, rows, square, first)
  return best, slack


def nothing(n: int, m: int) -> Best:
  """No candidates yet, of m to be kept for each of n rows."""
  return Best(np.full((n, m), np.inf), np.zeros((n, m), np.int64))


def keep(best: Best, rows: slice, square: np.ndarray, first: int) -> None:
  """Takes the least of square [R,C], whose columns are y's from `first` on, into `best`'s rows."""
  m = best.square.shape[1]
  value, column = least(square, min(m, square.shape[1]))
  value = np.concatenate([best.square[rows], value], axis=1)
  column = np.concatenate([best.row[rows], column + first], axis=1)
  order = np.argsort(value, axis=1, kind='stable')[:, :m]
  best.square[rows] = np.take_along_axis(value, order, 1)
  best.row[rows] = np.take_along_axis(column, order, 1)


def _strips(
  x: np.ndarray, y: np.ndarray, own: np.ndarray, product: Product
) -> Iterator[tuple[slice, int, np.ndarray, float]]:
  """(rows, the first column, squares [R,C] with inf in place of a row's own, slack)."""
  mutual = x is y  # |a - b| is |b - a|, and a product is saved
  for tile in triangle(x, product) if mutual else tiles(x, y, product):
    yield tile.rows, tile.columns.start, _without(tile, own), tile.slack
    if mutual and tile.rows != tile.columns:
      yield tile.columns, tile.rows.start, tile.square.T, tile.slack


def _without(tile: Tile, own: np.ndarray) -> np.ndarray:
  at = own[tile.rows] - tile.columns.start
  here = np.flatnonzero((at >= 0) & (at < tile.square.shape[1]))
  if not len(here):
    return tile.square
  square = np.array(tile.square)
  square[here, at[here]] = np.inf
  return square


def least(a: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
  """The m least of each row of a [R,C], in no order: their values [R,m] and columns i64[R,m].

  They lie in the m groups of columns whose least are least; to find those first is some five times
  as fast as to partition whole rows.
  """
  groups = a.shape[1] // GROUP
  if groups < 2 * m:
    columns = np.argpartition(a, m - 1, axis=1)[:, :m]
    return np.take_along_axis(a, columns, 1), columns
  head = a[:, : groups * GROUP].reshape(len(a), GROUP, groups)
  best = np.argpartition(head.min(axis=1), m - 1, axis=1)[:, :m]
  columns = (best[:, None] + groups * np.arange(GROUP)[:, None]).reshape(len(a), -1)
  rest = np.broadcast_to(np.arange(groups * GROUP, a.shape[1]), (len(a), a.shape[1] % GROUP))
  columns = np.concatenate([columns, rest], axis=1)
  value = np.take_along_axis(a, columns, 1)
  order = np.argpartition(value, m - 1, axis=1)[:, :m]
  return np.take_along_axis(value, order, 1), np.take_along_axis(columns, order, 1)
