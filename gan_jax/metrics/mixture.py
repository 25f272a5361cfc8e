"""The density of a mixture of equal Gaussians, one on each of M centres, however many come.

What is summed is float32 products' squared distances; of the nearest centres, which make nearly
all of a sum, they are measured again in float64. Every width has a sum of its own, of the same
distances.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gan_jax.metrics import nearest, pairwise

REFINED = 8  # centres that are measured again
ROUNDING = 1e-6  # of a float32 sum; what is left of it and is less is nothing


class LogMeanExp(NamedTuple):
  """log (1/M) sum_j exp(a_j), of numbers that come in parts: of S sums for each of N points."""

  top: np.ndarray  # f64[S,N], near the largest so far
  total: np.ndarray  # f64[S,N], sum_j exp(a_j - top)
  terms: int  # M

  def value(self) -> np.ndarray:
    """f64[S,N]."""
    return self.top + np.log(self.total / self.terms)


def log_sums(x: np.ndarray, centres: np.ndarray, sigmas: Sequence[float]) -> LogMeanExp:
  """a_j = -|x - c_j|^2 / 2 sigma^2 of points [N,...] and centres [M,...], for S sigmas."""
  x, centres = pairwise.flat(x, 'points'), pairwise.flat(centres, 'centres')
  scales = np.array([1 / (2 * s**2) for s in sigmas])[:, None]
  best = nearest.nothing(len(x), min(REFINED, len(centres)))
  top, total = np.full((len(sigmas), len(x)), -np.inf), np.zeros((len(sigmas), len(x)))
  for tile in pairwise.tiles(x, centres):
    nearest.keep(best, tile.rows, tile.square, tile.columns.start)
    so_far = LogMeanExp(top[:, tile.rows], total[:, tile.rows], 0)
    top[:, tile.rows], total[:, tile.rows], _ = merged(so_far, _of_tile(tile, scales))
  i = np.repeat(np.arange(len(x)), best.row.shape[1])
  true = pairwise.exact(x, centres, i, best.row.ravel()).reshape(best.row.shape)
  for s, scale in enumerate(scales[:, 0]):
    term = lambda square, scale=scale, s=s: np.exp(-scale * square - top[s][:, None]).sum(1)
    blurred = term(best.square)
    rest = total[s] - blurred
    total[s] = term(true) + np.where(rest > ROUNDING * blurred, rest, 0)
  return LogMeanExp(top, total, len(centres))


def merged(one: LogMeanExp, other: LogMeanExp) -> LogMeanExp:
  """The sums over both parts."""
  top = np.maximum(one.top, other.top)
  with np.errstate(invalid='ignore'):  # of nothing the top is -inf
    shares = [np.where(a.total, a.total * np.exp(a.top - top), 0.0) for a in (one, other)]
  return LogMeanExp(top, shares[0] + shares[1], one.terms + other.terms)


def log_densities(sums: LogMeanExp, dimensions: int, sigmas: Sequence[float]) -> np.ndarray:
  """log (1/M) sum_j N(x; c_j, sigma^2 I), f64[S,N], in nats, of points of so many dimensions."""
  widths = np.asarray(sigmas, np.float64)[:, None]
  return sums.value() - dimensions * np.log(widths * np.sqrt(2 * np.pi))


def _of_tile(tile: pairwise.Tile, scales: np.ndarray) -> LogMeanExp:
  """The sums over a tile's columns, [S,R]."""
  nearest_ = tile.square.min(axis=1)
  short = nearest_[:, None] - tile.square
  ones, term = np.ones(tile.square.shape[1], short.dtype), np.empty_like(short)
  total = np.empty((len(scales), len(short)))
  for s, scale in enumerate(scales.astype(short.dtype)):
    np.multiply(short, scale, out=term)
    total[s] = np.exp(term, out=term) @ ones
  return LogMeanExp(-scales * nearest_.astype(np.float64), total, tile.square.shape[1])
