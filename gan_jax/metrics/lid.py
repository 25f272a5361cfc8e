"""Local intrinsic dimension: in how many directions samples vary, and data around samples.

The maximum-likelihood estimate (Amsaleg et al. 2015, eq. 8; Levina & Bickel 2004) from distances
d_1 <= ... <= d_k to k neighbours: LID = -(1/k sum_i ln d_i / d_k)^-1. CrossLID (Barua et al. 2019)
takes the neighbours of real images among samples: it is least where samples lie as the data do, and
grows as these are missed or modes are dropped.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.metrics import pairwise
from gan_jax.metrics.look import look
from gan_jax.metrics.nearest import nearest, nearest_others
from gan_jax.sampling import Sampler


def estimates(distance: np.ndarray) -> np.ndarray:
  """Ascending distances f64[N,k] -> LID f64[N]; inf where all are alike, 0 beside a copy."""
  with np.errstate(divide='ignore', invalid='ignore'):
    mean = np.mean(np.log(distance / distance[:, -1:]), axis=1)
    return np.where(distance[:, -1] > 0, -1 / np.where(mean < 0, mean, -0.0), np.inf)


def of_set(x: np.ndarray, k: int = 100) -> np.ndarray:
  """LID of each row of x [N,D] among the others, f64[N]; InputError if N <= k."""
  return estimates(nearest_others(pairwise.flat(x), k).distance)


def across(x: np.ndarray, y: np.ndarray, k: int = 100) -> np.ndarray:
  """LID of each row of x [N,D] among those of y [M,D], f64[N]; InputError if M < k."""
  return estimates(nearest(pairwise.flat(x), pairwise.flat(y), k).distance)


def lid(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  k: int = 100,
) -> Mapping[str, Any]:
  """The eval {'lid', 'stderr', 'real'}: the mean LID of n samples, and that of n real images."""
  a = look(sampler, source, key, features=features, n=n, split=split)
  real = float(np.mean(of_set(a.real.features, k)))
  return {**_told('lid', of_set(a.fake.features, k)), 'real': real,
          'protocol': {**a.protocol, 'k': k}}  # fmt: skip


def cross_lid(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  k: int = 100,
) -> Mapping[str, Any]:
  """The eval {'cross_lid', 'stderr', 'real'}: CrossLID of n real images among n samples.

  'real' is theirs among themselves, which a perfect generator comes to. (The authors' own code
  takes k - 1 neighbours, in batches of 1,000 samples.)
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  real = float(np.mean(of_set(a.real.features, k)))
  each = across(a.real.features, a.fake.features, k)
  return {**_told('cross_lid', each), 'real': real, 'protocol': {**a.protocol, 'k': k}}


def _told(name: str, each: np.ndarray) -> dict[str, float]:
  return {name: float(np.mean(each)), 'stderr': float(np.std(each) / np.sqrt(len(each)))}
