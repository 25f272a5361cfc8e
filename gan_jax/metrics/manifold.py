"""How far samples lie among real images, and real ones among samples: balls around neighbours.

Precision and recall: Kynkäänniemi et al. 2019, eqs. 1-3. Density and coverage: Naeem et al. 2020,
eqs. 3-4. All from one pass over the distances between the sets and one over those within each.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.metrics import pairwise
from gan_jax.metrics.look import look
from gan_jax.metrics.nearest import nearest_others
from gan_jax.sampling import Sampler

TINY = np.finfo(np.float32).tiny


class Hits(NamedTuple):
  """Image by image, what the four numbers are means of; N real images, M drawn ones.

  A ball lies around each image and reaches to the k-th nearest of its own set, itself not counted.
  """

  held: np.ndarray  # bool[M], by the ball of some real image, its edge included
  reached: np.ndarray  # bool[N], by the ball of some drawn image, its edge included
  balls: np.ndarray  # i64[M], how many that reach to the `near`-th hold it, edges excluded
  covered: np.ndarray  # bool[N], whether such a ball of its own holds a drawn image
  realism: np.ndarray  # f64[M], see `hits`
  near: int


def hits(real: np.ndarray, fake: np.ndarray, *, k: int = 3, near: int = 5) -> Hits:
  """Features real f[N,D], fake f[M,D] -> Hits. InputError if either has no more than k images.

  k is for precision, recall and realism, `near` for density and coverage. The realism of an image
  is max_i r_i / |x - real_i| over the half of the balls that are smallest (Kynkäänniemi et al.,
  eq. 3): 1 or more if one of these holds it, inf for a copy.
  """
  real, fake = pairwise.flat(real, 'real features'), pairwise.flat(fake, 'features of samples')
  known = nearest_others(real, max(k, near)).square
  radius, dense = known[:, k - 1], known[:, near - 1]
  own = nearest_others(fake, k).square[:, -1]
  held, balls = np.zeros(len(fake), bool), np.zeros(len(fake), np.int64)
  reached, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
  least, at = np.full(len(fake), np.inf), np.zeros(len(fake), np.int64)
  with np.errstate(divide='ignore', over='ignore'):
    scale = np.where(radius <= np.median(radius), 1 / radius, np.inf).astype(np.float32)
  for tile in pairwise.tiles(fake, real):
    rows, columns = tile.rows, tile.columns
    held[rows] |= pairwise.inside(tile, radius[None, columns], np.less_equal).any(axis=1)
    reached[columns] |= pairwise.inside(tile, own[rows, None], np.less_equal).any(axis=0)
    dense_hits = pairwise.inside(tile, dense[None, columns], np.less)
    balls[rows] += np.count_nonzero(dense_hits, axis=1)
    covered[columns] |= dense_hits.any(axis=0)
    with np.errstate(over='ignore'):
      relative = np.maximum(tile.square, TINY) * scale[columns]
    best = relative.argmin(axis=1)
    value = np.take_along_axis(relative, best[:, None], 1)[:, 0]
    at[rows] = np.where(value < least[rows], best + columns.start, at[rows])
    least[rows] = np.minimum(value, least[rows])
  square = pairwise.exact(fake, real, np.arange(len(fake)), at)
  realism = np.where(square > 0, np.sqrt(radius[at] / np.maximum(square, TINY)), np.inf)
  return Hits(held, reached, balls, covered, realism, near)


def shares(found: Hits) -> dict[str, float]:
  """{'precision', 'recall', 'density', 'coverage'} and '<name>_stderr' of each.

  The errors are of the mean over the images that are counted, the balls taken as they are:
  binomial but for density, which is a mean of counts.
  """
  each = dict(
    precision=found.held,
    recall=found.reached,
    density=found.balls / found.near,
    coverage=found.covered,
  )
  means = {name: float(np.mean(values)) for name, values in each.items()}
  stderr = {f'{name}_stderr': float(np.std(v) / np.sqrt(len(v))) for name, v in each.items()}
  return {**means, **stderr}


def prdc(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  k: int = 3,
  near: int = 5,
) -> Mapping[str, Any]:
  """The eval: the `shares` of n samples and n images of a split, and 'realism', the median one.

  The numbers of two runs are to be of one n: balls shrink as it grows.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  found = hits(a.real.features, a.fake.features, k=k, near=near)
  protocol = {**a.protocol, 'k': k, 'near': near}
  return {**shares(found), 'realism': float(np.median(found.realism)), 'protocol': protocol}
