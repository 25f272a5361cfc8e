"""The Parzen-window log-likelihood of Goodfellow et al. 2014, table 1, as the authors computed it.

A Gaussian of width sigma is put on each of 10,000 samples; sigma is the one of ten that suits
validation images best; what is reported is the mean log-density of test images, in nats, with its
standard error. It says more about the number of samples than about the model (Theis et al. 2016):
training images in place of samples score 241 on MNIST, and `parzen_kmeans`, of no model at all,
more than that. It is here because the papers report it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.data.source import Source
from gan_jax.errors import InputError
from gan_jax.metrics.mixture import LogMeanExp, log_densities, log_sums, merged
from gan_jax.metrics.nearest import nearest
from gan_jax.sampling import Sampler

SIGMAS = tuple(np.logspace(-1, 0, 10))  # the authors' grid: .1, .129, .167, .215, ..., 1


class Parzen(NamedTuple):
  """The estimate, and what it depends on."""

  mean: float  # nats per image
  stderr: float  # of the mean, over test images
  sigma: float
  centres: int


def estimate(
  samples: np.ndarray,
  valid: np.ndarray,
  test: np.ndarray,
  sigmas: Sequence[float] = SIGMAS,
) -> Parzen:
  """Parzen estimate of `test` under `samples`, sigma chosen on `valid`; all [N,...] in [0, 1]."""
  (last,) = stream(lambda: [samples], valid, test, sigmas)
  return last


def log_likelihood(x: np.ndarray, centres: np.ndarray, sigma: float) -> np.ndarray:
  """log (1/M) sum_j N(x; c_j, sigma^2 I) of every x: [N,...], [M,...] -> f64[N], in nats.

  Within 1e-4 nats of float64 throughout on MNIST, which `authors` is not.
  """
  return _of(log_sums(x, centres, [sigma]), x, [sigma])[0]


def authors(x: np.ndarray, centres: np.ndarray, sigma: float, block: int = 100) -> np.ndarray:
  """The same in the authors' arithmetic, f32[N]: (x - c_j) / sigma, squared, summed, in float32.

  Two hundred times as slow; here to show that nothing hangs on it.
  """
  x, centres = (np.asarray(a, np.float32).reshape(len(a), -1) for a in (x, centres))
  out = np.empty(len(x), np.float32)
  for i, one in enumerate(x):
    parts = [((one - centres[j : j + block]) / np.float32(sigma)) ** 2
             for j in range(0, len(centres), block)]  # fmt: skip
    a = -np.concatenate([part.sum(axis=1) for part in parts]) / 2
    out[i] = a.max() + np.log(np.mean(np.exp(a - a.max())))
  return out - np.float32(x.shape[1] * np.log(sigma * np.sqrt(2 * np.pi)))


def stream(
  batches: Callable[[], Iterable[np.ndarray]],
  valid: np.ndarray,
  test: np.ndarray,
  sigmas: Sequence[float] = SIGMAS,
) -> Iterator[Parzen]:
  """The estimate after each of any number of batches of samples, of which one is held at a time.

  The batches are gone through twice: sigma is chosen with all of them as centres.
  """
  sigma = sigmas[0]
  if len(sigmas) > 1:
    on = reduce(merged, (log_sums(valid, samples, sigmas) for samples in batches()))
    sigma = float(sigmas[int(np.argmax(np.mean(_of(on, valid, sigmas), axis=1)))])
  found: LogMeanExp | None = None
  for samples in batches():
    more = log_sums(test, samples, [sigma])
    found = merged(found, more) if found else more
    (each,) = _of(found, test, [sigma])
    stderr = float(np.std(each) / np.sqrt(len(each)))
    yield Parzen(float(np.mean(each)), stderr, float(sigma), found.terms)


def parzen(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 10_000,
  valid: str = 'train[50000:]',
  test: str = 'test',
  limit: int = 1000,
) -> Mapping[str, Any]:
  """The eval: {'parzen', 'stderr', 'sigma', 'centres'}, by the authors' protocol.

  n samples; sigma on the first `limit` images of split `valid` (0: on all); the estimate on `test`.
  """
  samples = sampler.unit(sampler.draw(key, n))
  found = estimate(samples, *_held(source, valid, test, limit))
  return _told('parzen', found, _protocol(sampler, source, n, valid, test, limit))


def parzen_stream(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 100_000,
  batch: int = 10_000,
  valid: str = 'train[50000:]',
  test: str = 'test',
  limit: int = 1000,
) -> Mapping[str, Any]:
  """The eval {'parzen_stream', ...}: the same from more samples than need lie in memory.

  They are drawn twice, `batch` at a time, each time with keys of their own.
  """

  def batches() -> Iterator[np.ndarray]:
    for i in range(-(-n // batch)):
      yield sampler.unit(sampler.draw(jax.random.fold_in(key, i), min(batch, n - i * batch)))

  *_, found = stream(batches, *_held(source, valid, test, limit))
  return _told('parzen_stream', found, _protocol(sampler, source, n, valid, test, limit))


def parzen_folds(
  sampler: Sampler, source: Callable, key: jax.Array, *, n: int = 10_000, folds: int = 5
) -> Mapping[str, Any]:
  """The same over TFD's folds, each with a sigma of its own; 'stderr' is over the folds' means."""
  samples = sampler.unit(sampler.draw(key, n))
  means = [
    estimate(samples, _unit(source('valid', fold=f)), _unit(source('test', fold=f))).mean
    for f in range(folds)
  ]
  protocol = _protocol(sampler, source, n, 'valid', f'test, {folds} folds', 0)
  stderr = float(np.std(means) / np.sqrt(folds))
  return dict(parzen=float(np.mean(means)), stderr=stderr, centres=n, protocol=protocol)


def parzen_kmeans(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 10_000,
  split: str = 'train[:50000]',
  valid: str = 'train[50000:]',
  test: str = 'test',
  limit: int = 1000,
  rounds: int = 5,
) -> Mapping[str, Any]:
  """The eval {'parzen_kmeans', ...}: what n means of training images score as if they were samples.

  A warning that belongs beside 'parzen': they are blurred, no generator made them, and they beat
  real images (Theis et al. 2016, table 1). The sampler is not looked at. `rounds` of Lloyd's
  algorithm from images of the split, which is to hold more than n.
  """
  train = _unit(source(split)).reshape(len(source(split)), -1)
  if len(train) <= n:
    raise InputError(f'{n:,} means need more than the {len(train):,} images of {split!r}.')
  start = np.random.default_rng(np.asarray(jax.random.key_data(key))).permutation(len(train))[:n]
  centres = means(train, train[start], rounds)
  found = estimate(centres, *_held(source, valid, test, limit))
  protocol = dict(centres=f'{n:,} means of {split}, {rounds} rounds', valid=valid, test=test)
  return _told('parzen_kmeans', found, protocol)


def means(x: np.ndarray, centres: np.ndarray, rounds: int) -> np.ndarray:
  """Lloyd's algorithm: x [N,D], the first centres [K,D] -> f32[K,D]."""
  for _ in range(rounds):
    index = nearest(x, centres).row[:, 0]
    order = np.argsort(index, kind='stable')
    filled, start = np.unique(index[order], return_index=True)
    sums = np.add.reduceat(x[order], start, axis=0, dtype=np.float64)
    centres = np.array(centres, np.float32)
    centres[filled] = sums / np.diff([*start, len(x)])[:, None]
  return centres


def _of(sums: LogMeanExp, x: np.ndarray, sigmas: Sequence[float]) -> np.ndarray:
  return log_densities(sums, int(np.prod(x.shape[1:])), sigmas)


def _held(source: Callable, valid: str, test: str, limit: int) -> tuple[np.ndarray, np.ndarray]:
  return _unit(source(valid))[: limit or None], _unit(source(test))


def _unit(source: Source) -> np.ndarray:
  return np.asarray(source.arrays['image'], np.float32) / 255


def _told(name: str, found: Parzen, protocol: Mapping[str, Any]) -> Mapping[str, Any]:
  return {name: found.mean, **{k: v for k, v in found._asdict().items() if k != 'mean'},
          'protocol': protocol}  # fmt: skip


def _protocol(
  sampler: Sampler, source: Callable, n: int, valid: str, test: str, limit: int
) -> dict[str, Any]:
  on = f'the first {limit:,} of {valid}' if limit else valid
  return dict(real=source().meta.get('name'), n_fake=n, sigma_on=on, test=test, **sampler.facts)
