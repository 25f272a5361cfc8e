"""Pictures of translations: what was given, what was made of it, what would have been right."""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.figures.grids import grid
from gan_jax.sampling import Sampler, label_at


def translations(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  split: str = 'val',
  n: int = 8,
  zoom: int = 0,
) -> Mapping[str, np.ndarray]:
  """{'translations': uint8[H,W,C]}: three rows, the first n pairs of the split, not picked.

  Source, G(source), and the image beside the source, which unpaired training never saw as such.
  """
  if 'source' not in source().arrays:
    raise InputError("these data have no column 'source' to be translated.")
  held = source(split).arrays
  x, y = (sampler.see(np.asarray(held[column][:n])) for column in ('source', 'image'))
  rows = [sampler.display(images) for images in (x, sampler.generate(x), y)]
  channels = max(images.shape[-1] for images in rows)
  alike = [np.broadcast_to(images, (*images.shape[:-1], channels)) for images in rows]
  return {'translations': grid(np.concatenate(alike), len(x), zoom)}


def coupled(
  sampler: Sampler, source: Callable, key: jax.Array, *, n: int = 10, zoom: int = 0
) -> Mapping[str, np.ndarray]:
  """{'coupled': uint8[H,W,C]}: a row for each class, and in each column one z."""
  told = sampler.prior is not None and label_at(sampler.fill(key, 1)) == 1
  if not (told and source().meta.get('classes')):
    raise InputError('rows of classes are of a generator of z and a label, and of named classes.')
  z = sampler.prior(key, n)  # type: ignore[misc]
  classes = range(len(source().meta['classes']))
  rows = [sampler.generate(z, np.full(n, k, np.int32)) for k in classes]
  return {'coupled': grid(sampler.display(np.concatenate(rows)), n, zoom)}
