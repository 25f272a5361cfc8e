"""What is found among samples by asking for the nearest: to images held out, and with their class.

`retrieval`: Wang et al. 2016, as Borji 2019, section 2.15, has it. `nnd` and `nnc`: the two numbers
that the authors of DCGAN log.
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


class Paired(NamedTuple):
  """Which of two generators has the nearer samples, by the same images held out."""

  difference: float  # the median of first - second: below 0 if the first has
  p: float  # two-sided, of the Wilcoxon signed-rank test that the median is 0


def distances(test: np.ndarray, found: np.ndarray, k: int = 1) -> np.ndarray:
  """To the k-th nearest row of found f[M,D] from each of test f[N,D]: f64[N]."""
  test, found = pairwise.flat(test, 'images held out'), pairwise.flat(found, 'samples')
  return nearest(test, found, k).distance[:, -1]


def paired(first: np.ndarray, second: np.ndarray) -> Paired:
  """Distances f64[N] of two generators' samples from the same images -> Paired."""
  from scipy.stats import wilcoxon

  difference = np.asarray(first) - np.asarray(second)
  p = float(wilcoxon(difference).pvalue) if difference.any() else 1.0
  return Paired(float(np.median(difference)), p)


def retrieval(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  test: str = 'test',
  k: int = 1,
  against: str = '',
) -> Mapping[str, Any]:
  """The eval {'retrieval', 'stderr', 'distance', 'ideal', 'p'}, of n samples and up to n held out.

  'distance' is the mean from images of split `test` to the k-th nearest sample, 'ideal' to the k-th
  nearest of as many images of `split`, and 'retrieval' by how much the first is larger, relative to
  the second: 0 of a perfect generator, 0.1 if samples are a tenth further. 'p' is that the median
  of the difference is 0. With the workdir of another run `against`, 'rival' is the median of this
  run's distance less that one's, and 'rival_p' that it is 0.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  held = reference(source, features=features, n=n, split=test, sampler=sampler).features
  ours, ideal = (distances(held, one.features, k) for one in (a.fake, a.real))
  best = float(np.mean(ideal))
  if not best:
    raise InputError(f'each image of {test!r} is one of {split!r}: ask for what was held out.')
  found = {
    'retrieval': float(np.mean(ours)) / best - 1,
    'stderr': float(np.std(ours - ideal) / np.sqrt(len(held)) / best),
    'distance': float(np.mean(ours)),
    'ideal': best,
    'p': paired(ours, ideal).p,
  }
  if against:
    from gan_jax import runs  # a metric of two runs

    other = look(runs.sampler(against), source, key, features=features, n=n, split=split)
    rival = paired(ours, distances(held, other.fake.features, k))
    found.update(rival=rival.difference, rival_p=rival.p)
  protocol = {**a.protocol, 'held_out': test, 'n_held_out': len(held), 'k': k}
  return {**found, 'protocol': protocol}


def nnd(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'pixels',
  n: int = 10_000,
  split: str = 'test',
  most: int = 10_000,
) -> Mapping[str, Any]:
  """The eval {'nnd', 'stderr'}: the mean distance from images to the nearest of n samples.

  Of up to `most` images of a split. The authors of DCGAN take 1,000, 10,000 and 100,000 samples, by
  pixels.
  """
  a = look(sampler, source, key, features=features, n=n, split=split, real_n=most)
  each = distances(a.real.features, a.fake.features)
  stderr = float(np.std(each) / np.sqrt(len(each)))
  return {'nnd': float(np.mean(each)), 'stderr': stderr, 'protocol': a.protocol}


def nnc(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'pixels',
  n: int = 10_000,
  split: str = 'test',
  most: int = 10_000,
) -> Mapping[str, Any]:
  """The eval {'nnc', 'stderr', 'real'}: how often the nearest of n samples is of an image's class.

  A classifier that knows samples alone, by the classes they were asked for, on up to `most` images
  of a split; 'real' is what it comes to with as many images of 'train'. InputError without labels.
  """
  a = look(sampler, source, key, features=features, n=n, split=split, real_n=most)
  train = reference(source, features=features, n=n, split='train', sampler=sampler)
  if a.fake.label is None or a.real.label is None or train.label is None:
    whose = 'this generator is told no class' if a.fake.label is None else 'the data have no labels'
    raise InputError(f'a classifier of classes has none to learn: {whose}.')
  right = _right(a.real, a.fake)
  stderr = float(np.std(right) / np.sqrt(len(right)))
  return {
    'nnc': float(np.mean(right)),
    'stderr': stderr,
    'real': float(np.mean(_right(a.real, train))),
    'protocol': a.protocol,
  }


def _right(asked: Any, known: Any) -> np.ndarray:
  """Whether the nearest of `known` has the label of each of `asked`, two `Seen`: bool[N]."""
  row = nearest(pairwise.flat(asked.features), pairwise.flat(known.features)).row[:, 0]
  return np.asarray(known.label)[row] == np.asarray(asked.label)
