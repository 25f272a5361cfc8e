"""Grids in which one thing varies: a row for each class or value of a code, a column for each z."""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.figures.grids import grid
from gan_jax.priors import Structured
from gan_jax.sampling import Sampler, label_at


def classes(
  sampler: Sampler, source: Callable, key: jax.Array, *, columns: int = 10, zoom: int = 0
) -> Mapping[str, np.ndarray]:
  """{'classes': uint8[H,W,C]}: row k is class k, and all of a column have one z.

  Raises InputError if G is told no class.
  """
  given = [np.asarray(a) for a in sampler.fill(key, columns)]
  at = label_at(given)
  count = int(np.max(source().arrays['label'])) + 1
  rows = [np.concatenate([a] * count) for a in given]
  rows[at] = np.repeat(np.arange(count, dtype=np.int32), columns)
  return {'classes': grid(sampler.display(sampler.generate(*rows)), columns, zoom)}


def codes(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  rows: int = 10,
  columns: int = 10,
  reach: float = 2.0,
  zoom: int = 0,
) -> Mapping[str, np.ndarray]:
  """A picture for each code of InfoGAN's z, which that code alone changes from row to row.

  'categorical_0', ... has a row for each category; 'continuous_0', ... `rows` of them, from -reach
  to reach: codes are drawn from U(-1,1), but the paper's figure 2 goes on to 2. Else a column keeps
  its z, whose first categorical code goes through the categories from column to column.
  """
  prior = sampler.prior
  if not isinstance(prior, Structured):
    raise InputError("z has no codes to be varied: that of prior=dict(name='structured') has.")
  z = np.array(prior(key, columns))
  one_hots, numbers = prior.columns(z.shape[1])

  def picture(place: slice, values: np.ndarray) -> np.ndarray:
    """values f32[R,width of the code] -> a grid of R rows."""
    varied = np.stack([z] * len(values))
    varied[:, :, place] = values[:, None]
    images = sampler.generate(varied.reshape(-1, z.shape[1]))
    return grid(sampler.display(images), columns, zoom)

  if one_hots:
    first = prior.categorical[0]
    z[:, one_hots[0]] = np.eye(first)[np.arange(columns) % first]
  discrete = {
    f'categorical_{i}': picture(place, np.eye(size))
    for i, (place, size) in enumerate(zip(one_hots, prior.categorical, strict=True))
  }
  continuous = {
    f'continuous_{i}': picture(slice(at, at + 1), np.linspace(-reach, reach, rows)[:, None])
    for i, at in enumerate(range(numbers.start, numbers.stop))
  }
  return discrete | continuous
