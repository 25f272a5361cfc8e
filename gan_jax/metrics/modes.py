"""Modes of a mixture: how many of them the samples find, and how often they hit one."""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.sampling import Sampler


def coverage(points: np.ndarray, centres: np.ndarray, sigma: float) -> dict[str, float]:
  """Which modes were found: points f32[N,D], centres f32[K,D] -> numbers.

  A sample is of high quality if it lies within 3 sigma of the nearest mode; a mode is found if it
  has such a sample (Srivastava et al. 2017, section 4.1). 'kl' is KL(share of the high-quality
  samples in each mode || uniform), in nats.
  """
  distance = np.linalg.norm(points[:, None] - centres[None], axis=-1)
  nearest = np.argmin(distance, axis=1)
  good = np.min(distance, axis=1) <= 3 * sigma
  counts = np.bincount(nearest[good], minlength=len(centres))
  share = counts / max(counts.sum(), 1)
  kl = float(np.sum(share[share > 0] * np.log(share[share > 0] * len(centres))))
  return {
    'modes': float(np.sum(counts > 0)),
    'high_quality': float(np.mean(good)),
    'kl': kl if counts.sum() else float('inf'),
  }


def modes(
  sampler: Sampler, source: Callable, key: jax.Array, *, n: int = 2500
) -> Mapping[str, float]:
  """The eval, on n samples, for sources whose sidecar gives 'centres' and 'sigma'."""
  meta = source().meta
  if 'centres' not in meta:
    raise InputError(f'{meta.get("name")} has no modes to count: its sidecar names no centres.')
  return coverage(sampler.draw(key, n), np.asarray(meta['centres']), float(meta['sigma']))
