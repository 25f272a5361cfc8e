"""The geometry score (Khrulkov & Oseledets 2018): how many holes two sets have, and how lasting.

A few images of a set are landmarks; the others say which of them are close, at a distance that is
let grow; loops come and go. For how much of the growth there are 0, 1, 2, ... of them is compared.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics import pairwise
from gan_jax.metrics.look import look
from gan_jax.sampling import Sampler

LANDMARKS = 64
MOST = 100  # loops at a time that are told apart
BLURRED = 1e-9  # of a squared distance: those that rounding may change by more are computed again


def reach(n: int) -> float:
  """The share of the largest distance up to which distances grow, for n images (the authors')."""
  return n / 5000 / 128


def distances(x: np.ndarray) -> np.ndarray:
  """Rows [N,D] -> f64[N,N], those between copies 0."""
  x = pairwise.flat(x)
  square = np.zeros((len(x), len(x)))
  for tile in pairwise.tiles(x, x, pairwise.DOUBLE):
    found = np.array(tile.square)
    i, j = np.nonzero(BLURRED * found <= tile.slack)
    found[i, j] = tile.exact(i, j)
    square[tile.rows, tile.columns] = found
  return np.sqrt(square)


def loops(gap: np.ndarray, gamma: float | None = None) -> tuple[np.ndarray, float]:
  """Distances f64[N,L] of images to landmarks -> (births and deaths f64[P,2], when it ends).

  Persistent homology of dimension 1, mod 2, of the witness complex. As in the authors' code, what
  the complex calls squares are distances, and grow to `gamma` (`reach`) times the largest.
  """
  gudhi = _gudhi()
  end = float(gap.max() * (reach(len(gap)) if gamma is None else gamma))
  if not end:  # copies of one image would be joined in all ways there are, at no distance
    return np.zeros((0, 2)), 0.0
  order = np.argsort(gap, axis=1)
  complex_ = gudhi.WitnessComplex(np.dstack([order, np.take_along_axis(gap, order, 1)]))
  tree = complex_.create_simplex_tree(max_alpha_square=end, limit_dimension=2)
  tree.persistence(homology_coeff_field=2)
  return np.reshape(tree.persistence_intervals_in_dimension(1), (-1, 2)), end


def living_times(intervals: np.ndarray, end: float, most: int = MOST) -> np.ndarray:
  """Births and deaths f64[P,2] -> f64[most]: of the time until `end`, the share with i loops.

  (Eq. 2 and 3.) What never dies lives to the end. Times with `most` loops or more count nowhere.
  """
  if not end:
    return np.eye(1, most)[0]
  births, deaths = np.minimum(intervals, end).T
  when = np.concatenate([[0.0], births, deaths])
  order = np.argsort(when, kind='stable')
  change = np.repeat([0, 1, -1], [1, len(births), len(deaths)])
  alive = np.cumsum(change[order])
  lasting = np.diff(when[order], append=end)
  return np.bincount(alive, lasting, minlength=most)[:most] / end


def mean_living_times(
  x: np.ndarray, draws: np.ndarray, gamma: float | None = None, most: int = MOST
) -> np.ndarray:
  """Rows [N,D], landmarks i[T,L] -> f64[T,most]; their mean over draws is the MRLT (alg. 1).

  The distances of all pairs are held, 8 N^2 bytes.
  """
  gap = distances(x)
  return np.stack([living_times(*loops(gap[:, rows], gamma), most) for rows in draws])


def score(a: np.ndarray, b: np.ndarray) -> float:
  """Living times f64[T,most] of two sets -> the squared distance of their means (alg. 2)."""
  return float(np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2))


def geometry(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'pixels',
  n: int = 2000,
  split: str = 'train',
  landmarks: int = LANDMARKS,
  draws: int = 100,
  gamma: float | None = None,
) -> Mapping[str, Any]:
  """The eval {'geometry', 'real', 'holes', 'real_holes'}, of n samples and n images of a split.

  'real' is the score between these images and n others, beside which 'geometry' is to be held;
  'holes' the mean number of loops over time and draws. n is at most half of the split. The authors
  draw 1,000 times.
  """
  _gudhi()
  n = min(n, len(source(split)) // 2)
  if n < 3:
    raise InputError(f'{split!r} has {len(source(split))} images; geometry takes 6 or more.')
  a = look(sampler, source, key, features=features, n=n, split=split, real_n=2 * n)
  rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
  sets = (a.fake.features, a.real.features[::2], a.real.features[1::2])
  fake, own, other = (
    mean_living_times(x, rng.integers(0, n, (draws, landmarks)), gamma) for x in sets
  )
  holes = [float(times.mean(axis=0) @ np.arange(MOST)) for times in (fake, own)]
  how = dict(landmarks=landmarks, draws=draws, gamma=reach(n) if gamma is None else gamma)
  return {
    'geometry': score(fake, own),
    'real': score(other, own),
    'holes': holes[0],
    'real_holes': holes[1],
    'protocol': {**a.protocol, **how},
  }


def _gudhi() -> Any:
  try:
    import gudhi
  except ImportError:
    raise InputError("the geometry score needs GUDHI: pip install 'gan_jax[metrics]'") from None
  return gudhi
