"""A data set in which each example comes as often as its weight says."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_jax.data import npy
from gan_jax.data.opening import opened, remade
from gan_jax.data.source import Source
from gan_jax.errors import InputError


def reweighted(
  of: str | Mapping[str, Any], weights: str, split: str = 'train', weighted: str = 'train'
) -> Source:
  """Another source, dict(name='mnist', ...), resampled by the weights f64[N] in an .npy file.

  Of N examples N come again, example i floor(N w_i) or ceil(N w_i) times (systematic resampling, so
  without a random number). The weights are those of split `weighted`, as they lie there; any other
  split is given as it is. Raises InputError if they are no weights, or not one for each example.
  """
  base = opened(of, split=split)
  if split != weighted:
    return base
  rows = resampled(_weights(pathlib.Path(weights), len(base)))
  columns = {name: np.asarray(column[rows]) for name, column in base.arrays.items()}
  return remade(base, columns, f'resampled by {pathlib.Path(weights).name}')


def resampled(weights: np.ndarray) -> np.ndarray:
  """Weights f64[N] >= 0 -> rows i64[N] in order, row i about N w_i / sum(w) times."""
  n = len(weights)
  ends = np.cumsum(weights) / np.sum(weights)
  at = np.searchsorted(ends, (np.arange(n) + 0.5) / n, side='right')
  return np.minimum(at, np.flatnonzero(weights)[-1])


def _weights(path: pathlib.Path, n: int) -> np.ndarray:
  if not path.is_file():
    raise InputError(f'there is no file {path} of weights.')
  weights = npy.load(path, mapped=False)
  good = weights.shape == (n,) and weights.dtype.kind == 'f' and np.isfinite(weights).all()
  if not good or weights.min() < 0 or weights.max() <= 0:
    raise InputError(
      f'{path} holds {weights.dtype}{list(weights.shape)}; right would be a weight of 0 or more '
      f'for each of the {n} examples, and not all of them 0.'
    )
  return np.asarray(weights, np.float64)
