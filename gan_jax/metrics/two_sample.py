"""Can samples and images that were held out be told apart by their nearest neighbours?"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics import pairwise
from gan_jax.metrics.look import look
from gan_jax.metrics.nearest import nearest_others
from gan_jax.sampling import Sampler


def leave_one_out(fake: np.ndarray, real: np.ndarray) -> dict[str, float]:
  """fake, real [N,...] each -> how often an image's nearest neighbour among all is of its own kind.

  The 1-NN two-sample test (Lopez-Paz & Oquab 2017; Xu et al. 2018): 1/2 if both are drawn from one
  distribution. 'fake' near 1 and 'real' near 0 is collapse: real images are nearest to samples,
  which are nearest to each other. 'both' near 1: samples lie where no data do; near 0: they are
  copies of these very images. By Euclidean distance. 'stderr' and the two-sided 'p' are of 'both'
  if it were chance which images are called fake.
  """
  fake, real = pairwise.flat(fake, 'samples'), pairwise.flat(real, 'real images')
  if len(fake) + len(real) < 4:
    raise InputError(f'{len(fake)} samples and {len(real)} images are too few to tell apart.')
  kind = np.repeat([0, 1], [len(fake), len(real)])
  row = nearest_others(np.concatenate([fake, real])).row[:, 0]
  same = kind[row] == kind
  of = {'fake': same[kind == 0], 'real': same[kind == 1], 'both': same}
  shares = {name: float(np.mean(right)) for name, right in of.items()}
  return {**shares, **_chance(shares['both'], row, len(fake), len(real))}


def by_chance(row: np.ndarray, m: int, n: int) -> tuple[float, float]:
  """Mean and deviation of 'both' over all ways to call m of the m + n images fake.

  `row` i[m+n] is whose neighbour is whose (Henze 1988; Schilling 1986, of k=1): two of these arrows
  join 2 images, 3 or 4, and how often both ends of both agree is a matter of counting.
  """
  size = m + n
  down = lambda a, k: float(np.prod(np.arange(a, a - k, -1.0)))
  two, three = ((down(m, k) + down(n, k)) / down(size, k) for k in (2, 3))
  four = (down(m, 4) + down(n, 4) + 2 * down(m, 2) * down(n, 2)) / down(size, 4)
  mutual = np.sum(row[row] == np.arange(size))
  into = np.bincount(row, minlength=size)
  joined = np.sum(into * (into - 1)) + 2 * (size - mutual)
  apart = size * (size - 1) - mutual - joined
  square = (size + mutual) * two + joined * three + apart * four
  return two, float(np.sqrt(max(square - (size * two) ** 2, 0.0)) / size)


def _chance(both: float, row: np.ndarray, m: int, n: int) -> dict[str, float]:
  from scipy.stats import norm

  mean, deviation = by_chance(row, m, n)
  p = 2 * norm.sf(abs(both - mean) / deviation) if deviation else 1.0
  return {'stderr': deviation, 'p': float(p)}


def two_sample(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 1000,
  split: str = 'test',
  features: Any = 'pixels',
) -> Mapping[str, Any]:
  """The eval, on n samples and images of a split, or as many as it has: 'two_sample' is 'both'."""
  n = min(n, len(source(split)))
  a = look(sampler, source, key, features=features, n=n, split=split)
  found = leave_one_out(a.fake.features, a.real.features)
  return {'two_sample': found['both'], **found, 'protocol': a.protocol}
