"""Means and covariances of features that come block by block, in float64, on the host.

Blocks are joined by Chan, Golub & LeVeque 1979, about a mean that moves with them: nothing
cancels, and the numbers are those of all rows at once to the last digits, however the blocks fall.
Of no more rows than columns the rows themselves are kept, which say more than their covariance.
"""

import hashlib
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from gan_jax.errors import InputError

BLOCK = 2048  # rows that are float64 at a time


class Moments(NamedTuple):
  """The mean of n rows of D numbers, and their unbiased covariance C or, if n <= D, its root."""

  n: int  # 0 if unknown
  mean: np.ndarray  # f64[D]
  dense: np.ndarray | None  # f64[D,D]: C
  root: np.ndarray | None = None  # f64[n-1,D]: root' root = C

  @property
  def covariance(self) -> np.ndarray:
    """C f64[D,D], divided by n - 1."""
    return np.asarray(self.dense if self.root is None else self.root.T @ self.root)

  @property
  def trace(self) -> float:
    """Of C: the sum of the variances."""
    if self.root is not None:
      return float(np.vdot(self.root, self.root))
    return float(np.trace(self.covariance))


def moments(features: np.ndarray) -> Moments:
  """Features [N,D] -> Moments; what lies in a file is read a block at a time.

  Raises InputError for fewer than 2 rows, or numbers that are not finite.
  """
  if features.ndim != 2 or len(features) < 2:
    raise InputError(
      f'a distance between Gaussians takes two or more rows of features, not {features.shape}.'
    )
  n, d = features.shape
  if n <= d:
    rows = np.array(features, np.float64)
    _refuse(int(np.sum(~np.isfinite(rows).all(axis=1))), n)
    return _few(rows)
  return _many(features[i : i + BLOCK] for i in range(0, n, BLOCK))


def merged(blocks: Iterable[Any]) -> Moments:
  """The moments of a stream of blocks [B,D] of any sizes, NumPy's or on devices.

  Small blocks wait for each other until there are enough to be worth a product. InputError as
  `moments` has it.
  """
  groups = _grouped(blocks)
  first = next(groups, np.zeros((0, 0)))
  second = next(groups, None)
  if second is None:
    return moments(first)
  return _many(g for part in ([first, second], groups) for g in part)


def merge(a: Moments, b: Moments) -> Moments:
  """The moments of two sets together; InputError where it is not known how many rows they had."""
  same_width(a, b)
  if not a.n or not b.n:
    raise InputError('statistics of an unknown number of images cannot be joined with others.')
  n, gap = a.n + b.n, b.mean - a.mean
  mean, between = a.mean + gap * (b.n / n), gap * np.sqrt(a.n * b.n / n / (n - 1))
  weight = [np.sqrt((m.n - 1) / (n - 1)) for m in (a, b)]
  if n <= len(mean) and a.root is not None and b.root is not None:
    root = np.concatenate([weight[0] * a.root, weight[1] * b.root, between[None]])
    return Moments(n, mean, None, root)
  dense = sum(w**2 * m.covariance for w, m in zip(weight, (a, b), strict=True))
  return Moments(n, mean, dense + np.outer(between, between))


def read(path: str) -> Moments:
  """Statistics as TTUR and pytorch-fid keep them: an .npz of mu and sigma, perhaps of n."""
  try:
    with np.load(path) as file:
      mean, sigma = (np.asarray(file[name], np.float64) for name in ('mu', 'sigma'))
      n = int(file['n']) if 'n' in file else 0
  except (OSError, KeyError, ValueError, EOFError) as error:
    raise InputError(f'{path} holds no statistics, an .npz of mu and sigma: {error}.') from None
  if mean.ndim != 1 or sigma.shape != (len(mean), len(mean)):
    raise InputError(f'{path}: mu {mean.shape} and sigma {sigma.shape} are to be [D] and [D,D].')
  if not (np.isfinite(mean).all() and np.isfinite(sigma).all()):
    raise InputError(f'{path} holds nan or inf.')
  return Moments(n, mean, (sigma + sigma.T) / 2)


def digest(path: str) -> str:
  """The first letters of the file's SHA-256, for protocols."""
  return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()[:12]


def same_width(a: Moments, b: Moments) -> None:
  """InputError for features of two widths."""
  if a.mean.shape != b.mean.shape:
    raise InputError(
      f'features of {len(a.mean)} and of {len(b.mean)} numbers have no distance: both sets are to '
      'come from one extractor.'
    )


def _few(rows: np.ndarray) -> Moments:
  """Of n rows, n-1 of the same scatter: a reflection turns the mean into the one left out."""
  n, mean = len(rows), rows.mean(axis=0)
  rows -= mean
  root = (rows[1:] + rows[0] / (np.sqrt(n) - 1)) / np.sqrt(n - 1)
  return Moments(n, mean, None, root)


def _many(blocks: Iterable[Any]) -> Moments:
  n, bad, mean, scatter = 0, 0, np.zeros(1), np.zeros((1, 1))
  for block in blocks:
    rows = np.array(block, np.float64)
    finite = np.isfinite(rows).all(axis=1)
    bad += int(np.sum(~finite))
    if bad or not len(rows):  # go on only to count them
      n += len(rows)
      continue
    more, own = len(rows), rows.mean(axis=0)
    gap = own - mean if n else np.zeros_like(own)
    n, before = n + more, n
    mean = own - gap * (before / n)
    rows -= own
    # The step between the means is one row more: it needs no product of its own.
    step = np.sqrt(before * more / n) * gap
    rows = np.concatenate([rows, step[None]]) if before else rows
    scatter = np.add(scatter, rows.T @ rows, out=scatter if before else None)
  _refuse(bad, n)
  scatter /= n - 1
  return Moments(n, mean, scatter)


def _grouped(blocks: Iterable[Any]) -> Iterator[np.ndarray]:
  """The same rows in blocks of more rows than columns, and of BLOCK or more, but for the last."""
  held: list[np.ndarray] = []
  for block in blocks:
    held.append(np.asarray(block))
    if sum(map(len, held)) >= max(BLOCK, held[0].shape[-1] + 1):
      yield np.concatenate(held)
      held = []
  if held:
    yield np.concatenate(held)


def _refuse(bad: int, n: int) -> None:
  if bad:
    raise InputError(f'{bad} of {n} rows of features hold nan or inf.')
