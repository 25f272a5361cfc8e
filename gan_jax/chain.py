"""A pyramid's samples, coarse to fine (Denton et al. 2015, section 2.2, eq. 6).

I~_K = G_K(z_K), and level by level I~_k = u(I~_{k+1}) + h~_k, h~_k what G_k(z_k, u(I~_{k+1})) adds.
"""

import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax import runs
from gan_jax import whole as wholes
from gan_jax.data.pyramid import doubled
from gan_jax.errors import InputError
from gan_jax.game import Array, Key
from gan_jax.sampling import Sampler


class Level(NamedTuple):
  """A generator of the pyramid, and the names of what it takes: ('z', 'source'), say."""

  sampler: Sampler
  inputs: tuple[str, ...]


def sampler(workdir: str | pathlib.Path) -> Sampler:
  """The runs in `workdir`, coarsest first, as one sampler; raises InputError if one is missing."""
  folders = wholes.folders(workdir)
  inputs = [tuple(runs.read_json(f / 'config.json')['nets']['G']['inputs']) for f in folders]
  return chained([Level(runs.sampler(f), i) for f, i in zip(folders, inputs, strict=True)])


def chained(levels: Sequence[Level]) -> Sampler:
  """A sampler of the finest level whose sources are what the level before has drawn.

  `generate` takes what all levels take, one after another, but for the sources; labels are the same
  on each. Between levels an image is rounded to grey levels, as the sources in training are. The
  critic, the display and the networks by name are the finest level's. Raises InputError unless
  every level but the first takes a source.
  """
  first, *finer = levels
  if 'source' in first.inputs or any('source' not in level.inputs for level in finer):
    raise InputError(
      'a chain begins with a generator that takes no source and goes on with such as do, but here '
      f'they take {"; ".join(", ".join(level.inputs) for level in levels)}.'
    )

  def fill(key: Key, n: int) -> tuple[Array, ...]:
    keys = jax.random.split(key, len(levels))
    out: list[Array] = []
    for level, k in zip(levels, keys, strict=True):
      filled = zip(level.inputs, level.sampler.fill(k, n), strict=True)
      out += [a for name, a in filled if name != 'source']
    return tuple(out)

  def generate(*given: Any) -> np.ndarray:
    left, images = iter(given), np.zeros(0)
    for level in levels:
      coarse = lambda see=level.sampler.see, images=images: see(doubled(images))
      inputs = [coarse() if name == 'source' else next(left) for name in level.inputs]
      drawn = level.sampler.generate(*inputs)
      images = level.sampler.display(drawn)
    return drawn

  finest = levels[-1].sampler
  draw = lambda key, n: generate(*fill(key, n))
  return finest._replace(generate=generate, draw=draw, fill=fill, prior=None, z_at=None, along=None)
