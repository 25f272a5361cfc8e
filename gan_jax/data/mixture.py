"""Points of the plane on which one can see and count what a GAN has learnt.

Ring and grid are those of "Unrolled GANs" (Metz et al. 2017) and WGAN-GP (Gulrajani et al. 2017),
but for one thing: the published notebook places eight with `linspace(0, 2 pi, 8)`, whose first
and last coincide, so it has seven. Here eight are eight.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_jax.data import split as splits
from gan_jax.data.source import Source, in_memory
from gan_jax.errors import InputError


def ring(
  split: str = 'train',
  n: int = 50_000,
  modes: int = 8,
  radius: float = 2.0,
  sigma: float = 0.02,
  scale: float = 1.0,
  seed: int = 0,
) -> Source:
  """`modes` distinct Gaussians on a circle -> image f32[n,2], label i32[n] = the mode.

  Points are divided by `scale` (WGAN-GP: 1.414); meta's 'centres' and 'sigma' are of the points
  as they come out.
  """
  angle = np.linspace(0, 2 * np.pi, modes, endpoint=False)
  centres = radius * np.stack([np.cos(angle), np.sin(angle)], -1)
  return _gaussians('mixture.ring', split, n, centres, sigma, scale, seed)


def grid(
  split: str = 'train',
  n: int = 50_000,
  side: int = 5,
  spacing: float = 2.0,
  sigma: float = 0.05,
  scale: float = 1.0,
  seed: int = 0,
) -> Source:
  """side x side Gaussians around the origin -> image f32[n,2], label i32[n] = row * side + column.

  Points are divided by `scale` (WGAN-GP: 2.828); meta's 'centres' and 'sigma' are of the points
  as they come out.
  """
  axis = spacing * (np.arange(side) - (side - 1) / 2)
  centres = np.stack(np.meshgrid(axis, axis, indexing='ij'), -1).reshape(-1, 2)
  return _gaussians('mixture.grid', split, n, centres, sigma, scale, seed)


def swiss_roll(
  split: str = 'train',
  n: int = 50_000,
  noise: float = 0.25,
  scale: float = 7.5,
  seed: int = 0,
) -> Source:
  """The roll of WGAN-GP's toy -> image f32[n,2]: scikit-learn's, axes 0 and 2, over `scale`."""

  def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    t = 1.5 * np.pi * (1 + 2 * rng.random(n))
    roll = np.stack([t * np.cos(t), t * np.sin(t)], -1) + noise * rng.standard_normal((n, 2))
    return {'image': (roll / scale).astype(np.float32)}

  return _drawn('mixture.swiss_roll', split, draw, n, seed, noise=noise / scale, scale=scale)


def _gaussians(
  name: str, split: str, n: int, centres: np.ndarray, sigma: float, scale: float, seed: int
) -> Source:
  def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
    label = rng.integers(len(centres), size=n)
    point = (centres[label] + sigma * rng.standard_normal((n, 2))) / scale
    return {'image': point.astype(np.float32), 'label': label.astype(np.int32)}

  facts = {'centres': (centres / scale).tolist(), 'sigma': sigma / scale, 'scale': scale}
  classes = [f'mode {i}' for i in range(len(centres))]
  return _drawn(name, split, draw, n, seed, **facts, classes=classes)


def _drawn(name: str, split: str, draw: Any, n: int, seed: int, **facts: Any) -> Source:
  if n < 1:
    raise InputError(f'n={n} points of {name}: right would be 1 or more')
  streams: Mapping[str, int] = {'train': 0, 'test': 1}  # other draws, never the same points

  def read(part: str) -> Source:
    arrays = draw(np.random.default_rng((seed, streams[part])))
    return in_memory(
      arrays,
      name=name,
      origin=f'generated, seed {seed}, numpy default_rng',
      preprocessing=f'divided by {facts["scale"]:g}',
      **facts,
    )

  return splits.select(split, tuple(streams), read, name)
