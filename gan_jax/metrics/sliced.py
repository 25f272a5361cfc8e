"""Sets of features compared along random directions, in each of which transport is sorting.

Between sorted values the distance is that of the best transport, and no density, no neighbour and
no covariance is estimated on the way.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics import pairwise
from gan_jax.metrics.look import Look, look
from gan_jax.sampling import Sampler

TOGETHER = 2**24  # numbers of directions, or of projections, at a time: 64 MiB


def directions(count: int, d: int, rng: np.random.Generator) -> np.ndarray:
  """Unit vectors f32[count,d], uniform on the sphere."""
  v = rng.normal(size=(count, d))
  return (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32)


class Gaps(NamedTuple):
  """Between sorted projections, along each of M directions."""

  first: np.ndarray  # f64[M], mean |x_(i) - y_(i)|: the Wasserstein distance W_1
  second: np.ndarray  # f64[M], mean |x_(i) - y_(i)|^2: the square of W_2


def gaps(x: np.ndarray, y: np.ndarray, along: np.ndarray) -> Gaps:
  """Features [N,D] twice, directions [M,D] -> Gaps. InputError unless both are of one size."""
  x, y = pairwise.flat(x, 'features'), pairwise.flat(y, 'features')
  if x.shape != y.shape or x.shape[1] != along.shape[1]:
    raise InputError(
      f'sets of one size are sorted against each other, along directions of as many numbers: not '
      f'{x.shape} and {y.shape} along {along.shape}.'
    )
  step = max(1, TOGETHER // len(x))
  return joined(_gaps(x, y, along[i : i + step]) for i in range(0, len(along), step))


def random_gaps(x: np.ndarray, y: np.ndarray, count: int, rng: np.random.Generator) -> Gaps:
  """The same along random `directions`, of which few are held at a time."""
  x, y = pairwise.flat(x, 'features'), pairwise.flat(y, 'features')
  step = max(1, TOGETHER // x.shape[1])
  sizes = [min(step, count - start) for start in range(0, count, step)]
  return joined(gaps(x, y, directions(size, x.shape[1], rng)) for size in sizes)


def joined(parts: Iterable[Gaps]) -> Gaps:
  """Along all of their directions."""
  return Gaps(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def monge_distance(second: np.ndarray, d: int) -> tuple[float, float]:
  """(3 D times the mean of `Gaps.second`, its error) (Berthet et al. 2026).

  3 D mu^2 for a shift of every feature by mu. The error is that of having only so many directions,
  not so many samples.
  """
  return _mean(3 * d * second)


def sliced(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  count: int = 1000,
) -> Mapping[str, Any]:
  """The eval: {'sliced': mean W_1 over `count` directions, 'stderr', 'w2': root mean squared W_2}.

  Of as many samples as real images. Both are biased upwards, the more the fewer there are: numbers
  of different n are not to be compared. 'stderr' is of the directions alone.
  """
  a, found = _seen(sampler, source, key, features, n, split, count)
  value, error = _mean(found.first)
  w2 = float(np.sqrt(found.second.mean()))
  return {
    'sliced': value,
    'stderr': error,
    'w2': w2,
    'protocol': {**a.protocol, 'directions': count},
  }


def monge(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 5000,
  split: str = 'train',
  count: int = 1000,
) -> Mapping[str, Any]:
  """The eval {'monge', 'stderr'}: `monge_distance` in any features.

  With Inception's it is `mind`; with others it is not, and is not to be compared with it.
  """
  a, found = _seen(sampler, source, key, features, n, split, count)
  value, error = monge_distance(found.second, a.real.features.shape[1])
  return {'monge': value, 'stderr': error, 'protocol': {**a.protocol, 'directions': count}}


def mind(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 5000,
  split: str = 'train',
  count: int = 1000,
) -> Mapping[str, Any]:
  """The Monge Inception distance (Berthet et al. 2026): {'mind', 'stderr'}, of n samples."""
  found = dict(monge(sampler, source, key, features='inception', n=n, split=split, count=count))
  return {'mind': found.pop('monge'), **found}


def emd(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 1000,
  split: str = 'train',
) -> Mapping[str, Any]:
  """The eval {'emd', 'real'}: `transported` between n samples and n images of a split.

  'real' is the distance between those images and n others of the split, which is far from 0: so few
  images are in a space of many dimensions. n is at most half of the split. Time grows as n^3.
  """
  n = min(n, len(source(split)) // 2)
  a = look(sampler, source, key, features=features, n=n, split=split, real_n=2 * n)
  own, other = a.real.features[::2], a.real.features[1::2]
  found = {'emd': transported(a.fake.features, own), 'real': transported(other, own)}
  return {**found, 'protocol': {**a.protocol, 'distance': 'Euclidean'}}


def transported(x: np.ndarray, y: np.ndarray) -> float:
  """Features [N,D] twice -> W_1: the least mean Euclidean distance over all ways to pair them.

  The exact earth mover's distance of equally many equally heavy points.
  """
  from scipy.optimize import linear_sum_assignment
  from scipy.spatial.distance import cdist

  x, y = pairwise.flat(x, 'features'), pairwise.flat(y, 'features')
  if x.shape != y.shape:
    raise InputError(f'sets of one size are paired, not {x.shape} and {y.shape}.')
  cost = cdist(x, y)
  return float(cost[linear_sum_assignment(cost)].mean())


def _seen(
  sampler: Sampler, source: Callable, key: jax.Array, features: Any, n: int, split: str, count: int
) -> tuple[Look, Gaps]:
  n = min(n, len(source(split)))
  a = look(sampler, source, key, features=features, n=n, split=split)
  rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
  return a, random_gaps(a.fake.features, a.real.features, count, rng)


def _gaps(x: np.ndarray, y: np.ndarray, along: np.ndarray) -> Gaps:
  gap = np.sort(x @ along.T, axis=0).astype(np.float64) - np.sort(y @ along.T, axis=0)
  return Gaps(np.abs(gap).mean(axis=0), np.einsum('nm,nm->m', gap, gap) / len(gap))


def _mean(values: np.ndarray) -> tuple[float, float]:
  return float(np.mean(values)), float(np.std(values) / np.sqrt(len(values)))
