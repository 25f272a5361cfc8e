"""The Parzen-window log-likelihood of Goodfellow et al. 2014, table 1, as the authors computed it.

A Gaussian of width sigma is put on each of 10,000 samples; sigma is the one of ten that suits
validation images best; what is reported is the mean log-density of test images, in nats, with its
standard error. It says more about the number of samples than about the model (Theis et al. 2016):
training images in place of samples score 241 on MNIST. It is here because the papers report it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.source import Source
from gan_jax.game import Array
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
  means = [float(np.mean(log_likelihood(valid, samples, s))) for s in sigmas]
  sigma = float(sigmas[int(np.argmax(means))])
  found = log_likelihood(test, samples, sigma)
  return Parzen(
    float(np.mean(found)), float(np.std(found) / np.sqrt(len(found))), sigma, len(samples)
  )


def log_likelihood(
  x: np.ndarray, centres: np.ndarray, sigma: float, block: int = 500
) -> np.ndarray:
  """log (1/M) sum_j N(x; c_j, sigma^2 I) of every x: [N,...], [M,...] -> f64[N], in nats.

  In blocks of `block` images at a time; the distances are f32 products, which on MNIST is within
  0.002 nats of float64, the sums over the d pixels' constants are float64.
  """
  x, centres = (np.asarray(a, np.float32).reshape(len(a), -1) for a in (x, centres))
  middle = centres.mean(axis=0)  # distances do not change, but less cancels in them
  x, centres = x - middle, centres - middle
  constant = np.log(len(centres)) + x.shape[1] * np.log(sigma * np.sqrt(2 * np.pi))
  found = [_log_sum(x[i : i + block], centres, sigma) for i in range(0, len(x), block)]
  return np.concatenate([np.asarray(part, np.float64) for part in found]) - constant


@jax.jit
def _log_sum(x: Array, centres: Array, sigma: Array) -> Array:
  """log sum_j exp(-|x - c_j|^2 / 2 sigma^2): f32[B,d], f32[M,d] -> f32[B]."""
  cross = jnp.matmul(x, centres.T, precision='highest')
  square = jnp.sum(x**2, 1)[:, None] - 2 * cross + jnp.sum(centres**2, 1)[None]
  return jax.nn.logsumexp(-jnp.maximum(square, 0) / (2 * sigma**2), axis=1)


def parzen(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 10_000,
  valid: str = 'train[50000:]',
  test: str = 'test',
  limit: int = 1000,
) -> Mapping[str, float]:
  """The eval: {'parzen', 'stderr', 'sigma', 'centres'}, by the authors' protocol.

  n samples; sigma on the first `limit` images of split `valid` (0: on all); the estimate on `test`.
  """
  samples = sampler.unit(sampler.draw(key, n))
  on, against = (_unit(source(split)) for split in (valid, test))
  found = estimate(samples, on[:limit] if limit else on, against)
  return dict(parzen=found.mean, **{k: v for k, v in found._asdict().items() if k != 'mean'})


def parzen_folds(
  sampler: Sampler, source: Callable, key: jax.Array, *, n: int = 10_000, folds: int = 5
) -> Mapping[str, float]:
  """The same over TFD's folds, each with a sigma of its own; 'stderr' is over the folds' means."""
  samples = sampler.unit(sampler.draw(key, n))
  means = [
    estimate(samples, _unit(source('valid', fold=f)), _unit(source('test', fold=f))).mean
    for f in range(folds)
  ]
  return dict(parzen=float(np.mean(means)), stderr=float(np.std(means) / np.sqrt(folds)), centres=n)


def _unit(source: Source) -> np.ndarray:
  return np.asarray(source.arrays['image'], np.float32) / 255
