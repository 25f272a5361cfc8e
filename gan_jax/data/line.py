"""Points of the line, whose density is known: where one can see what D and G are doing."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gan_jax.data import split as splits
from gan_jax.data.source import Source, in_memory
from gan_jax.errors import InputError


def gaussian(
  split: str = 'train', n: int = 50_000, mean: float = 0.0, sigma: float = 1.0, seed: int = 0
) -> Source:
  """N(mean, sigma^2) -> image f32[n,1]."""
  return _gaussians('line.gaussian', split, n, (mean,), sigma, (1.0,), seed)


def mixture(
  split: str = 'train',
  n: int = 50_000,
  means: Sequence[float] = (-2.0, 1.0),
  sigma: float = 0.5,
  weights: Sequence[float] = (),
  seed: int = 0,
) -> Source:
  """Gaussians of one width -> image f32[n,1], label i32[n] = which; equal weights unless said."""
  return _gaussians('line.mixture', split, n, means, sigma, weights, seed)


def dirac(split: str = 'train', n: int = 64, at: float = 0.0) -> Source:
  """One point, n times: the data of the Dirac-GAN (Mescheder et al. 2018) -> image f32[n,1]."""
  draw = lambda rng: {'image': np.full((n, 1), at, np.float32)}
  return _drawn('line.dirac', split, n, draw, 0, at=at)


def density(meta: Mapping[str, Any], x: np.ndarray) -> np.ndarray:
  """p_data(x), f64, of points of any shape, from the sidecar of one of the first two sources.

  Raises InputError for a sidecar that does not give 'centres' on the line, 'sigma', 'weights'.
  """
  centres = np.asarray(meta.get('centres', ()), np.float64)
  if centres.ndim != 2 or centres.shape[1] != 1 or 'weights' not in meta:
    raise InputError(
      f'the density of {meta.get("name", "these data")} is not known: it is of line.gaussian and '
      'line.mixture.'
    )
  z = (np.asarray(x, np.float64)[..., None] - centres[:, 0]) / meta['sigma']
  return np.exp(-(z**2) / 2) @ np.asarray(meta['weights']) / (meta['sigma'] * np.sqrt(2 * np.pi))


def _gaussians(
  name: str,
  split: str,
  n: int,
  means: Sequence[float],
  sigma: float,
  weights: Sequence[float],
  seed: int,
) -> Source:
  share = np.asarray(weights or [1 / len(means)] * len(means), np.float64)
  if len(share) != len(means) or np.any(share < 0) or not np.sum(share) or sigma <= 0:
    raise InputError(
      f'{name} has {len(means)} means, weights {tuple(weights)} and sigma={sigma}: right would be '
      'a weight of 0 or more for each mean, and a sigma above 0.'
    )
  share = share / share.sum()

  def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    label = rng.choice(len(means), size=n, p=share)
    point = np.asarray(means)[label] + sigma * rng.standard_normal(n)
    return {'image': point[:, None].astype(np.float32), 'label': label.astype(np.int32)}

  facts = dict(centres=[[float(m)] for m in means], sigma=sigma, weights=share.tolist())
  classes = [f'mode {i}' for i in range(len(means))]
  return _drawn(name, split, n, draw, seed, **facts, classes=classes)


def _drawn(name: str, split: str, n: int, draw: Any, seed: int, **facts: Any) -> Source:
  if n < 1:
    raise InputError(f'n={n} points of {name}: right would be 1 or more')
  streams = {'train': 0, 'test': 1}  # other draws, never the same points

  def read(part: str) -> Source:
    arrays = draw(np.random.default_rng((seed, streams[part])))
    origin = f'generated, seed {seed}, numpy default_rng'
    return in_memory(arrays, name=name, origin=origin, preprocessing='none', **facts)

  return splits.select(split, tuple(streams), read, name)
