"""How many different images can a generator draw (Arora & Zhang 2018)?

Among n draws from S equally likely images two are alike with probability 1/S each pair: in s of
them a pair is more likely than not once s^2 is about 2 ln 2 S. People judged in the paper which
pairs are alike; here it is a distance below a threshold, which is told, and what the same threshold
makes of real images stands beside it.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics import pairwise
from gan_jax.metrics.look import look
from gan_jax.metrics.nearest import nearest_others
from gan_jax.sampling import Sampler

SURE = 0.95


class Support(NamedTuple):
  """1 / sum p^2 of the probabilities p of images: how many equally likely ones meet as often."""

  size: float  # inf if no two were alike
  low: float  # the bounds of the 95% interval
  high: float
  batch: float  # images among which two alike are as likely as not
  pairs: int  # alike that were found


def alike(x: np.ndarray, threshold: float) -> np.ndarray:
  """How many others lie within `threshold` of each row of x [N,D]: i64[N]."""
  x = pairwise.flat(x)
  count, square = np.zeros(len(x), np.int64), np.full((1, 1), float(threshold) ** 2)
  for tile in pairwise.triangle(x):
    found = pairwise.inside(tile, square, np.less_equal)
    if tile.rows == tile.columns:
      np.fill_diagonal(found, False)
    else:
      count[tile.columns] += np.count_nonzero(found, axis=0)
    count[tile.rows] += np.count_nonzero(found, axis=1)
  return count


def support(count: np.ndarray) -> Support:
  """From how many others are like each of n draws, i[n]. InputError for fewer than 2.

  The number of pairs is Poisson if images are equally likely; where a few are likelier than others
  it varies more, and the interval is as much wider as the jackknife over the draws says.
  """
  from scipy.stats import chi2

  n = len(count)
  if n < 2:
    raise InputError(f'two of {n} draws cannot be alike: the birthday test needs 2 or more.')
  found, all_ = count.sum() / 2, n * (n - 1) / 2
  without = (found - count) / ((n - 1) * (n - 2) / 2) if n > 2 else np.zeros(n)
  variance = (n - 1) / n * np.sum((without - without.mean()) ** 2) * all_**2
  spread = max(1.0, variance / found) if found else 1.0
  seen = found / spread
  low, high = chi2.ppf((1 - SURE) / 2, 2 * seen), chi2.ppf((1 + SURE) / 2, 2 * seen + 2)
  pairs = lambda some: all_ / (some * spread) if some > 0 else np.inf
  size = float(pairs(seen))
  batch = float(0.5 + np.sqrt(0.25 + 2 * np.log(2) * size))  # s (s - 1) / 2 = S ln 2
  return Support(size, float(pairs(high / 2)), float(pairs(low / 2)), batch, int(found))


def birthday(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  threshold: float | None = None,
  quantile: float = 0.001,
) -> Mapping[str, Any]:
  """The eval {'birthday', 'low', 'high', 'batch', 'pairs', 'threshold', 'real'}: a `Support`.

  Images are alike if they are no further apart than `threshold`; unsaid, no further than that
  `quantile` of real images from their nearest others. 'real' is the size by the lower bound that n
  images of the split come to: more cannot be told apart by this threshold.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  if threshold is None:
    real = pairwise.flat(a.real.features, 'real features')
    threshold = float(np.quantile(nearest_others(real).distance[:, 0], quantile))
  found = support(alike(a.fake.features, threshold))
  return {
    'birthday': found.size,
    **{name: value for name, value in found._asdict().items() if name != 'size'},
    'threshold': threshold,
    'real': support(alike(a.real.features, threshold)).low,
    'protocol': {**a.protocol, 'quantile': quantile},
  }
