"""How much of the samples, and of real images, falls into each of K bins (Richardson & Weiss 2018).

Bins are the cells of K-means centres of real images. A dropped mode leaves bins with too few
samples, whatever the samples look like elsewhere.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics import pairwise
from gan_jax.metrics.look import look
from gan_jax.metrics.nearest import nearest
from gan_jax.sampling import Sampler

LEVEL = 0.05  # at which a bin counts as different


def counts(x: np.ndarray, centres: np.ndarray) -> np.ndarray:
  """Features [N,D], centres [K,D] -> i64[K]: how many rows are nearest to each centre."""
  x = pairwise.flat(x)
  row = nearest(x, np.asarray(centres, x.dtype)).row[:, 0]
  return np.bincount(row, minlength=len(centres))


def z_scores(a: np.ndarray, b: np.ndarray) -> np.ndarray:
  """Counts i[K] of two sets -> f64[K]: of the test that a bin's two proportions are one.

  (p_a - p_b) / sqrt(p (1 - p) (1 / n_a + 1 / n_b)) with p that of both together; 0 where neither
  has any or both have all.
  """
  n_a, n_b = np.sum(a), np.sum(b)
  if min(n_a, n_b) < 1 or np.shape(a) != np.shape(b):
    raise InputError(f'counts of {np.shape(a)} and {np.shape(b)} bins are no two sets to compare.')
  p = (a + b) / (n_a + n_b)
  error = np.sqrt(p * (1 - p) * (1 / n_a + 1 / n_b))
  gap = np.asarray(a) / n_a - np.asarray(b) / n_b
  return np.divide(gap, error, out=np.zeros(len(gap)), where=error > 0)


def different(a: np.ndarray, b: np.ndarray, level: float = LEVEL) -> np.ndarray:
  """Counts i[K] of two sets -> bool[K]: which bins differ, two-sided, at that level each."""
  from scipy.stats import norm

  return 2 * norm.sf(np.abs(z_scores(a, b))) < level


def jensen_shannon(a: np.ndarray, b: np.ndarray) -> float:
  """Counts or proportions f[K] twice -> their Jensen-Shannon divergence in nats, at most log 2."""
  p, q = (np.asarray(x, np.float64) / np.sum(x) for x in (a, b))
  middle = (p + q) / 2
  return float(sum(np.sum(x[x > 0] * np.log(x[x > 0] / middle[x > 0])) for x in (p, q)) / 2)


def centres_of(x: np.ndarray, k: int, seed: int = 0) -> np.ndarray:
  """Features [N,D] -> f[K,D]: K-means, from one start by k-means++. InputError if N < K."""
  from sklearn.cluster import KMeans

  x = pairwise.flat(x)
  if len(x) < k:
    raise InputError(f'{k} bins are asked for, but there are {len(x)} real images to make them of.')
  return np.asarray(KMeans(k, n_init=1, max_iter=100, random_state=seed).fit(x).cluster_centers_)


def ndb(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'pixels',
  n: int = 10_000,
  split: str = 'train',
  k: int = 100,
) -> Mapping[str, Any]:
  """The eval: {'ndb', 'jsd', 'real', 'real_jsd'}, of n samples against n images of the split.

  'ndb' is the share of k bins whose proportions differ: 0.05 if it were chance alone. The bins are
  of these very images, which fit them better than others do: 'real' is what n further images of the
  split come to, or half and half if it has no more.
  """
  a = look(sampler, source, key, features=features, n=n, split=split, real_n=2 * n)
  own, other = a.real.features[::2], a.real.features[1::2]
  centres = centres_of(own, k)
  known, others, fakes = (counts(x, centres) for x in (own, other, a.fake.features))
  share = lambda some: float(np.mean(different(known, some)))
  return {
    'ndb': share(fakes),
    'jsd': jensen_shannon(known, fakes),
    'real': share(others),
    'real_jsd': jensen_shannon(known, others),
    'protocol': {**a.protocol, 'bins': k, 'level': LEVEL, 'n_bins_of': len(own)},
  }
