"""Are samples nearer to the training images than images held out are (Meehan et al. 2020)?

Space is cut into cells. In each, the distances of samples to the nearest training image of the cell
are ranked against those of held-out images: a Mann-Whitney test, whose z is far below 0 where
samples are copies and far above where they are unlike anything. C_T is the mean z over cells, each
weighted by its share of held-out images; of cells with few samples no account is taken.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics import pairwise
from gan_jax.metrics.look import look, reference
from gan_jax.metrics.nearest import nearest
from gan_jax.sampling import Sampler

FITTED = 10_000  # training images that cells are made of


class Sets(NamedTuple):
  """One thing of each of the three: features f[N,D], or the cells i[N] that rows lie in."""

  train: np.ndarray
  test: np.ndarray
  fake: np.ndarray


class Copying(NamedTuple):
  """C_T, and what it is made of."""

  c_t: float
  deviation: float  # of c_t, were samples and held-out images drawn from one distribution
  z: np.ndarray  # f64[cells], nan of those with too few samples


def rank_z(fake: np.ndarray, test: np.ndarray) -> float:
  """z of the Mann-Whitney U that counts pairs with fake f[m] > test f[n]; ties count a half.

  As the authors have it, with their correction for continuity and none for ties.
  """
  from scipy.stats import rankdata

  m, n = len(fake), len(test)
  u = rankdata(np.concatenate([fake, test]))[:m].sum() - m * (m + 1) / 2
  return float((u - (m * n / 2 - 0.5)) / np.sqrt(m * n * (m + n + 1) / 12))


def c_t(features: Sets, cells: Sets, *, least: int = 20) -> Copying:
  """C_T of features and the cells that they lie in, leaving out cells of fewer samples than that.

  Raises InputError for a cell without training or held-out images, or if all are left out.
  """
  count = int(max(np.max(part) for part in cells)) + 1
  z, weight = np.full(count, np.nan), np.zeros(count)
  for cell in range(count):
    train, test, fake = (rows[of == cell] for rows, of in zip(features, cells, strict=True))
    if not len(train) or not len(test):
      raise InputError(
        f'cell {cell} of {count} has {len(train)} training and {len(test)} held-out images: the '
        'test needs some of both in each, so fewer cells or more images.'
      )
    if len(fake) < least:
      continue
    z[cell] = rank_z(*(nearest(rows, train).distance[:, 0] for rows in (fake, test)))
    weight[cell] = len(test)
  if not weight.any():
    raise InputError(f'none of {count} cells has {least} samples: fewer cells, or more samples.')
  weight /= weight.sum()
  return Copying(float(np.nansum(weight * z)), float(np.sqrt(np.sum(weight**2))), z)


def cut(features: Sets, count: int, seed: int = 0) -> Sets:
  """Cells by k-means of the training features, of `FITTED` of them, as the authors cut them."""
  from sklearn.cluster import KMeans

  some = features.train[:: -(-len(features.train) // FITTED)]
  found = KMeans(count, n_init=1, random_state=seed).fit(some)
  return Sets(*(found.predict(rows) for rows in features))


def data_copying(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  test: str = 'test',
  train_n: int = 50_000,
  cells: int = 5,
  least: int = 20,
) -> Mapping[str, Any]:
  """The eval {'data_copying', 'deviation', 'p', 'cells'}: C_T of n samples.

  By up to n held-out and `train_n` training images: copies of others are not noticed. 'deviation'
  is what C_T has under no copying; 'p' is one-sided: the chance of a C_T as low.
  """
  from scipy.stats import norm

  a = look(sampler, source, key, features=features, n=n, split=split, real_n=train_n)
  held = reference(source, features=features, n=n, split=test, sampler=sampler)
  seen = Sets(*(pairwise.flat(one.features) for one in (a.real, held, a.fake)))
  found, how = c_t(seen, cut(seen, cells), least=least), {'cells': cells, 'least': least}
  return {
    'data_copying': found.c_t,
    'deviation': found.deviation,
    'p': float(norm.cdf(found.c_t / found.deviation)),
    'cells': int(np.sum(np.isfinite(found.z))),
    'protocol': {**a.protocol, 'held_out': test, 'n_held_out': len(held.features), **how},
  }
