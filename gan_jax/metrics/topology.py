"""Topological precision and recall (Kim et al. 2023): of supports that noise is not part of.

A density is estimated from each set by kernels, and how far resampling moves it anywhere: what lies
above that band is the support, with the confidence asked for. Outliers, which stretch the balls of
`manifold`, are not in it.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics import pairwise
from gan_jax.metrics.look import look
from gan_jax.sampling import Sampler

DIMENSIONS = 32  # that features of more are projected to
PER_DIMENSION = 5  # neighbours, of which the furthest says how wide a kernel is
ALPHA = 0.1  # of resampled densities, the share that leaves the band


class Support(NamedTuple):
  """Where a set surely has density, up to a factor that is everywhere the same."""

  rows: np.ndarray  # [N,D]
  width: float  # of the kernel
  density: np.ndarray  # f64[N], at the rows themselves
  band: float  # what lies above it is in the support


def projection(dimensions: int, rng: np.random.Generator) -> np.ndarray:
  """f64[D,32] of normal numbers, which keeps squared distances in the mean."""
  return np.asarray(rng.normal(size=(dimensions, DIMENSIONS)) / np.sqrt(DIMENSIONS))


def width(x: np.ndarray) -> float:
  """Rows [N,D] -> the median over rows of the distance to the 5D-th nearest of those after it.

  As the authors' code has it, the last 5D rows not asked; so rows in no order are expected. In 3
  dimensions or fewer the authors choose among widths by what survives; this is used all the same.
  """
  k = PER_DIMENSION * x.shape[1]
  if len(x) < k + 2:
    raise InputError(
      f'in {x.shape[1]} dimensions the width of a kernel takes {k + 2} images or more, '
      f'not {len(x)}.'
    )
  found = []
  for part in pairwise.parts(len(x) - k, 256):
    later = np.concatenate([t.square for t in pairwise.tiles(x[part], x, pairwise.DOUBLE)], axis=1)
    later[np.arange(len(x)) <= np.arange(part.start, part.stop)[:, None]] = np.inf
    found.append(np.partition(later, k - 1, axis=1)[:, k - 1])
  least = np.sort(np.concatenate(found))
  return float(np.sqrt(max(least[len(least) // 2 - 1], 0)))


def densities(at: np.ndarray, x: np.ndarray, h: float, weight: np.ndarray) -> np.ndarray:
  """at [P,D], x [N,D], weights f64[N,W] of each x -> f64[P,W]: sums of kernels cos(pi d / 2 h)."""
  out = np.zeros((len(at), weight.shape[1]))
  for tile in pairwise.tiles(at, x, pairwise.DOUBLE):
    near = np.sqrt(np.maximum(tile.square, 0))
    far = near > h if h else tile.square > tile.slack  # all are copies: so are the neighbours
    kernel = np.where(far, 0, np.cos(np.pi / 2 * near / (h or 1)))
    out[tile.rows] += kernel @ weight[tile.columns]
  return out


def support(x: np.ndarray, resampled: np.ndarray, alpha: float = ALPHA) -> Support:
  """Rows [N,D], and B samples with replacement of them i[B,N] -> the support (alg. 1)."""
  counts = np.stack([np.bincount(rows, minlength=len(x)) for rows in resampled], axis=1)
  h = width(x)
  weight = np.concatenate([np.ones((len(x), 1)), counts], axis=1) / len(x)
  found = densities(x, x, h, weight)
  furthest = np.abs(found[:, 1:] - found[:, :1]).max(axis=0)
  return Support(x, h, found[:, 0], float(np.quantile(furthest, 1 - alpha)))


def precision_recall(real: Support, fake: Support) -> dict[str, float]:
  """{'fidelity', 'diversity', 'top_pr': their harmonic mean}, each in [0, 1] (eq. 2 and 3).

  Fidelity is the share of samples in their own support that are in the real one's; diversity the
  other way round. A set none of whose images is in its own support gets nan: it takes more images.
  """
  fidelity, diversity = _within(fake, real), _within(real, fake)
  both = fidelity + diversity
  return dict(
    top_pr=2 * fidelity * diversity / both if both else 0.0, fidelity=fidelity, diversity=diversity
  )


def top_pr(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 5000,
  split: str = 'train',
  alpha: float = ALPHA,
  resamples: int = 10,
  seed: int = 99,
) -> Mapping[str, Any]:
  """The eval {'top_pr', 'fidelity', 'diversity'} of n samples and n images of a split.

  Features of more than 32 dimensions are seen through the `projection` of `seed`, whatever the key.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
  x, y = (pairwise.flat(v) for v in (a.real.features, a.fake.features))
  if x.shape[1] > DIMENSIONS:
    by = projection(x.shape[1], np.random.default_rng(seed))
    x, y = x @ by, y @ by
  sets = [support(rng.permutation(v), _resampled(len(v), resamples, rng), alpha) for v in (x, y)]
  how = dict(alpha=alpha, resamples=resamples, projection_seed=seed, dimensions=x.shape[1])
  return {**precision_recall(*sets), 'protocol': {**a.protocol, **how}}


def _within(a: Support, b: Support) -> float:
  """Of the rows of a in its support, the share that is in b's."""
  own = a.density > a.band
  if not own.any():
    return float('nan')
  there = densities(a.rows[own], b.rows, b.width, np.full((len(b.rows), 1), 1 / len(b.rows)))
  return float(np.mean(there[:, 0] > b.band))


def _resampled(n: int, times: int, rng: np.random.Generator) -> np.ndarray:
  return rng.integers(0, n, (times, n))
