"""Maximum mean discrepancy between two sets of features, by any kernel (Gretton et al. 2012).

The whole statistic is computed, from sums over the kernel's rows, which also give its standard
error; the means over random subsets that papers report estimate the same number with more noise.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics.kernel_sums import Kernel, Part, Sums, sums
from gan_jax.metrics.pairwise import parts

BLOCK = 4096  # rows that are looked at for nan


class Discrepancy(NamedTuple):
  """A squared discrepancy."""

  unbiased: float  # may be below 0
  biased: float  # of the sets as distributions, never below 0
  stderr: float  # of the unbiased one; nan of fewer than 3 rows


class Spread(NamedTuple):
  """What k(x, x') varies by, or k(x, y): covariances of two values that share so much."""

  first: float  # the first argument: x
  second: float  # the second: x', or y
  both: float  # both: the variance of a value


def discrepancy(
  x: np.ndarray, y: np.ndarray, kernel: Kernel, part: Part | None = None
) -> Discrepancy:
  """x [M,D], y [N,D] -> the whole statistic. Raises InputError for what has no inner products."""
  _check(x, y)
  return from_sums(*_all(x, y, kernel, part))


def from_sums(xx: Sums, yy: Sums, xy: Sums) -> Discrepancy:
  """Of the sums over both sets' own pairs and those between them."""
  m, n = len(xx.rows), len(yy.rows)
  within, between = _means(xx, yy, xy)
  whole = (xx.rows.sum() + xx.diagonal) / m**2 + (yy.rows.sum() + yy.diagonal) / n**2
  error = np.sqrt(variance(xx, yy, xy)) if min(m, n) > 2 else np.nan
  return Discrepancy(
    float(sum(within) - 2 * between), float(max(whole - 2 * between, 0)), float(error)
  )


def variance(xx: Sums, yy: Sums, xy: Sums) -> float:
  """Of the unbiased statistic, by Hoeffding's decomposition: what rows do alone, and in pairs.

  The terms are the estimates of MMD-GAN's code (Binkowski et al. 2018; Sutherland et al. 2017),
  which is for as many rows of either set and leaves out the pairs (x_i, y_i). What rows do alone
  vanishes where the sets have one distribution, what they do in pairs does not.
  """
  m, n = len(xx.rows), len(yy.rows)
  of_x, of_y, between, cross_x, cross_y = spreads(xx, yy, xy)
  alone = 4 * (of_x.first + between.first - 2 * cross_x) / m
  alone += 4 * (of_y.first + between.second - 2 * cross_y) / n
  left = lambda s: max(s.both - s.first - s.second, 0.0)
  pairs = 2 * left(of_x) / (m * (m - 1)) + 2 * left(of_y) / (n * (n - 1))
  return max(alone, 0.0) + pairs + 4 * left(between) / (m * n)


def spreads(xx: Sums, yy: Sums, xy: Sums) -> tuple[Spread, Spread, Spread, float, float]:
  """(of k(x, x'), of k(y, y'), of k(x, y), cov(k(x, x'), k(x, y)), cov(k(y, y'), k(x, y)))."""
  m, n = len(xx.rows), len(yy.rows)
  (mean_x, mean_y), mean = _means(xx, yy, xy)

  def own(s: Sums, k: int, mu: float) -> Spread:
    shared = (s.rows @ s.rows - s.squares) / (k * (k - 1) * (k - 2)) - mu**2
    return Spread(shared, shared, s.squares / (k * (k - 1)) - mu**2)

  first = (xy.rows @ xy.rows - xy.squares) / (m * n * (n - 1)) - mean**2
  second = (xy.columns @ xy.columns - xy.squares) / (m * n * (m - 1)) - mean**2
  between = Spread(first, second, xy.squares / (m * n) - mean**2)
  cross_x = xx.rows @ xy.rows / (m * (m - 1) * n) - mean_x * mean
  cross_y = yy.rows @ xy.columns / (n * (n - 1) * m) - mean_y * mean
  return own(xx, m, mean_x), own(yy, n, mean_y), between, float(cross_x), float(cross_y)


def subsets(
  x: np.ndarray, y: np.ndarray, kernel: Kernel, rows: Sequence[tuple[Any, Any]]
) -> np.ndarray:
  """The unbiased statistic over given rows of x and of y, f64[S]; papers report mean and deviation.

  Rows are indices or slices.
  """
  _check(x, y)
  out = []
  for of_x, of_y in rows:
    within, between = _means(*_all(x[of_x], y[of_y], kernel))
    out.append(sum(within) - 2 * between)
  return np.array(out)


def in_blocks(x: np.ndarray, y: np.ndarray, kernel: Kernel, most: int = 1024) -> np.ndarray:
  """The statistic over disjoint blocks in order, f64[B], of nearly one size, at most `most` rows.

  As TF-GAN has it: their mean is the number, its error their deviation over the root of how many.
  """
  count = -(-max(len(x), len(y)) // most)

  def cut(k: int) -> list[slice]:  # larger ones last
    bounds = np.cumsum([0] + [k // count + (i >= count - k % count) for i in range(count)])
    return [slice(*pair) for pair in itertools.pairwise(bounds)]

  return subsets(x, y, kernel, list(zip(cut(len(x)), cut(len(y)), strict=True)))


def median_distance(x: np.ndarray, most: int = 1000) -> float:
  """The median Euclidean distance among up to `most` rows, spread evenly: the usual bandwidth."""
  from scipy.spatial.distance import pdist

  few = np.asarray(x[:: -(-len(x) // most)], np.float64)
  return float(np.median(pdist(few)))


def _all(x: np.ndarray, y: np.ndarray, kernel: Kernel, part: Part | None = None) -> list[Sums]:
  """The sums over x's own pairs, over y's, and between them."""
  middle = None
  if kernel.centred:
    mean = sum(a.mean(axis=0, dtype=np.float64) for a in (x, y)) / 2
    middle = mean.astype(np.float32)
  return [sums(a, b, kernel, middle, part) for a, b in ((x, None), (y, None), (x, y))]


def _check(x: np.ndarray, y: np.ndarray) -> None:
  bad = [_not_finite(a) for a in (x, y)]
  if x.ndim != 2 or x.shape[1:] != y.shape[1:] or min(len(x), len(y)) < 2:
    raise InputError(
      f'a discrepancy is between two or more rows of features each, of one width, not {x.shape} '
      f'and {y.shape}.'
    )
  if any(bad):
    raise InputError(f'{sum(bad)} of {len(x) + len(y)} rows of features hold nan or inf.')


def _means(xx: Sums, yy: Sums, xy: Sums) -> tuple[tuple[float, float], float]:
  """The mean of either set's own pairs, and of those between them."""
  m, n = len(xx.rows), len(yy.rows)
  within = float(xx.rows.sum() / (m * (m - 1))), float(yy.rows.sum() / (n * (n - 1)))
  return within, float(xy.rows.sum() / (m * n))


def _not_finite(x: np.ndarray) -> int:
  """How many rows are not all numbers."""
  return int(sum(np.sum(~np.isfinite(x[part]).all(axis=-1)) for part in parts(len(x), BLOCK)))
