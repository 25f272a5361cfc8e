"""From one z to another: rows of images between two, and a walk that comes back to where it began.

Figure 3 of Goodfellow et al. 2014 goes along straight lines in z; Figure 4 of Radford et al. 2016
goes on from one random point to the next. What has been learnt by heart would jump; here things
turn into one another.
"""

import itertools
from collections.abc import Callable, Mapping

import jax
import numpy as np

from gan_jax import paths
from gan_jax.errors import InputError
from gan_jax.figures.grids import grid
from gan_jax.sampling import Sampler


def interpolation(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  rows: int = 8,
  columns: int = 10,
  way: str = 'lerp',
  zoom: int = 0,
) -> Mapping[str, np.ndarray]:
  """{'interpolation': uint8[H,W,C]}: each row from one random z to another, both ends exact.

  `way` is 'lerp', along the line, as in both papers, or 'slerp', along the arc, on which |z| stays
  what the prior makes it. Labels and the like are the same in all of a row.
  """
  given, at = paths.inputs(sampler, key, 2 * rows)
  z = given[at]
  path = paths.between(z[:rows], z[rows:], columns, paths.along(way))
  images = paths.pictures(sampler, given, at, path)
  return {'interpolation': grid(images, columns, zoom)}


def walk(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  points: int = 9,
  columns: int = 10,
  way: str = 'slerp',
  zoom: int = 0,
) -> Mapping[str, np.ndarray]:
  """{'walk': uint8[H,W,C]}: a row goes from each of `points` random z to the next, in columns.

  A row's last image is the first of the next row. Raises InputError for fewer than two points.
  """
  _enough(points)
  given, at = paths.inputs(sampler, key, points)
  z = given[at]
  path = paths.between(z[:-1], z[1:], columns, paths.along(way))
  return {'walk': grid(paths.pictures(sampler, given, at, path), columns, zoom)}


def tour(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  rows: int = 4,
  columns: int = 4,
  points: int = 6,
  steps: int = 12,
  way: str = 'slerp',
  zoom: int = 0,
) -> Mapping[str, np.ndarray]:
  """{'tour': uint8[points*steps,H,W,C]}: an animation of rows x columns walks, each a circle."""
  _enough(points)
  count = rows * columns
  given, at = paths.inputs(sampler, key, count * points)
  z = given[at].reshape(count, points, -1)
  stops = [*range(points), 0]
  legs = [
    paths.between(z[:, a], z[:, b], steps + 1, paths.along(way))[:, :-1]
    for a, b in itertools.pairwise(stops)
  ]
  path = np.concatenate(legs, axis=1)
  images = paths.pictures(sampler, given, at, path).reshape(count, path.shape[1], *sampler.shape)
  frames = [grid(images[:, t], columns, zoom) for t in range(path.shape[1])]
  return {'tour': np.stack(frames)}


def _enough(points: int) -> None:
  if points < 2:
    raise InputError(f'points={points}: a walk goes from a z to another, so right is 2 or more.')
