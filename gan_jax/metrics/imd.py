"""The intrinsic multi-scale distance of two sets (Tsitsulin et al. 2020): how heat spreads in each.

It compares the shapes of two sets, not where they lie: features of different extractors, or of
different widths, will do. From the eigenvalues themselves, of which the authors estimate sums.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.metrics import pairwise
from gan_jax.metrics.look import look
from gan_jax.metrics.nearest import nearest_others
from gan_jax.sampling import Sampler

TIMES = np.logspace(-1, 1, 256)
SCALE = 1e6  # by which the authors' code multiplies


def eigenvalues(x: np.ndarray, k: int = 5) -> np.ndarray:
  """Features [N,D] -> f64[N] in [0, 2]: of the normalised Laplacian of the graph of neighbours.

  Two images are joined if either is among the k nearest of the other. InputError if N <= k. N x N
  numbers are held, and the time grows as N^3: 5,000 images take a minute or less.
  """
  x = pairwise.flat(x)
  row = nearest_others(x, k).row
  joined = np.zeros((len(x), len(x)))
  np.put_along_axis(joined, row, 1.0, axis=1)
  joined = np.maximum(joined, joined.T)
  root = 1 / np.sqrt(joined.sum(axis=1))
  return np.asarray(np.linalg.eigvalsh(np.eye(len(x)) - root[:, None] * joined * root))


def heat_trace(eigen: np.ndarray, times: np.ndarray = TIMES) -> np.ndarray:
  """f64[N] -> f64[T]: mean over eigenvalues of exp(-t l), the heat that stays where it was."""
  return np.asarray(np.exp(-np.outer(times, eigen)).mean(axis=1))


def distance(a: np.ndarray, b: np.ndarray, times: np.ndarray = TIMES) -> float:
  """Heat traces f64[T] twice -> 10^6 max over t of exp(-2 (t + 1/t)) |a - b| (eq. 8)."""
  return float(SCALE * np.max(np.exp(-2 * (times + 1 / times)) * np.abs(a - b)))


def imd(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 2000,
  split: str = 'train',
  k: int = 5,
) -> Mapping[str, Any]:
  """The eval {'imd', 'real'}: between n samples and n images of a split; and these and n others.

  n is at most half of the split.
  """
  n = min(n, len(source(split)) // 2)
  a = look(sampler, source, key, features=features, n=n, split=split, real_n=2 * n)
  sets = (a.fake.features, a.real.features[::2], a.real.features[1::2])
  fake, own, other = (heat_trace(eigenvalues(x, k)) for x in sets)
  protocol = {**a.protocol, 'k': k, 'times': '256 from 0.1 to 10', 'eigenvalues': 'exact'}
  return {'imd': distance(fake, own), 'real': distance(other, own), 'protocol': protocol}
