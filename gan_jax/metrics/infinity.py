"""What a score would be of infinitely many samples, from that of fewer (Chong & Forsyth 2020).

Both the Frechet distance and the Inception score of N samples are off by some C / N. They are
measured at several N, and a line through them, over 1 / N, is followed to 0.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics.frechet import distance
from gan_jax.metrics.look import look
from gan_jax.metrics.moments import Moments, moments
from gan_jax.metrics.scores import inception_score
from gan_jax.sampling import Sampler

POINTS = 15  # sizes at which the paper measures
LEAST = 10  # the smallest of them is a tenth of all: 5,000 of the paper's 50,000


class Limit(NamedTuple):
  """Where the line goes."""

  value: float  # at 1 / N = 0
  stderr: float  # of that, by the scatter about the line, as if the sizes shared no samples
  slope: float  # C


def limit(values: Sequence[float], sizes: Sequence[int]) -> Limit:
  """Least squares of values over 1 / sizes, of 3 or more: values = value + slope / size."""
  x, y = 1 / np.asarray(sizes, np.float64), np.asarray(values, np.float64)
  if len(x) < 3 or len(np.unique(x)) < 2 or x.shape != y.shape:
    raise InputError(f'a line wants 3 or more values at different sizes, not {y.shape} at {sizes}.')
  design = np.stack([np.ones_like(x), x], axis=1)
  (value, slope), *_ = np.linalg.lstsq(design, y, rcond=None)
  left = y - design @ [value, slope]
  scatter = np.sum(left**2) / (len(x) - 2)
  spread = np.sum((x - x.mean()) ** 2)
  error = np.sqrt(scatter * (1 / len(x) + x.mean() ** 2 / spread))
  return Limit(float(value), float(error), float(slope))


def sizes_of(n: int, points: int = POINTS) -> list[int]:
  """Evenly from n / 10 to n."""
  return np.linspace(max(n // LEAST, 2), n, points).astype(int).tolist()


def parts(n: int, sizes: Sequence[int], rng: np.random.Generator) -> Iterator[np.ndarray]:
  """For each size the rows, so many of n, of a shuffle of its own, in the order of the file."""
  for size in sizes:
    yield np.sort(rng.permutation(n)[:size])


def frechet_limit(
  real: Moments, fake: np.ndarray, sizes: Sequence[int], rng: np.random.Generator
) -> Limit:
  """FID_infinity: fake [N,D]; the real set is what it is, and so is its own share of the bias."""
  found = [distance(real, moments(fake[rows])) for rows in parts(len(fake), sizes, rng)]
  return limit(found, sizes)


def score_limit(logits: np.ndarray, sizes: Sequence[int], rng: np.random.Generator) -> Limit:
  """IS_infinity: logits [N,K], one split at every size."""
  found = [inception_score(logits[rows], 1).mean for rows in parts(len(logits), sizes, rng)]
  return limit(found, sizes)


def frechet_infinity(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  points: int = POINTS,
) -> Mapping[str, Any]:
  """The eval {'frechet_infinity', 'stderr', 'frechet'}; the last is that of all n.

  FID_infinity with Inception's features. With fewer samples than features the bias is no C / N yet,
  which a note in the protocol says.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  real, fake, sizes = moments(a.real.features), a.fake.features, sizes_of(n, points)
  found = frechet_limit(real, fake, sizes, _rng(key))
  protocol = {**a.protocol, 'sizes': f'{points}, {sizes[0]:,} to {sizes[-1]:,}'}
  if sizes[0] <= fake.shape[1]:
    protocol['note'] = f'no line: {sizes[0]:,} samples are no more than {fake.shape[1]:,} features'
  return {
    'frechet_infinity': found.value,
    'stderr': found.stderr,
    'frechet': distance(real, moments(fake)),
    'protocol': protocol,
  }


def score_infinity(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  points: int = POINTS,
) -> Mapping[str, Any]:
  """The eval {'score_infinity', 'stderr', 'score'}: IS_infinity with Inception's logits."""
  a = look(sampler, source, key, features=features, n=n, split=split)
  if a.fake.logits is None:
    raise InputError(f"{a.protocol['features']} gives no classes; ask for features='classifier'.")
  sizes = sizes_of(n, points)
  found = score_limit(a.fake.logits, sizes, _rng(key))
  return {
    'score_infinity': found.value,
    'stderr': found.stderr,
    'score': inception_score(a.fake.logits, 1).mean,
    'protocol': {**a.protocol, 'sizes': f'{points}, {sizes[0]:,} to {sizes[-1]:,}'},
  }


def _rng(key: jax.Array) -> np.random.Generator:
  return np.random.default_rng(np.asarray(jax.random.key_data(key)))
