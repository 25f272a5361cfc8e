"""Samples beside the training images that are nearest to them: has G learnt its data by heart?

As in Figure 2 of Goodfellow et al. 2014: a row of samples, drawn at random and not picked, and at
its end the training image nearest to the sample beside it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.figures.grids import enlarged, grid
from gan_jax.metrics import look
from gan_jax.metrics.nearest import nearest
from gan_jax.metrics.pairwise import flat
from gan_jax.sampling import Sampler

FRAME = 255, 210, 0  # around what is no sample, as in the paper's figure
WIDE = 2  # pixels of the frame


def neighbours(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  rows: int = 8,
  columns: int = 5,
  features: Any = None,
  split: str = 'train',
  zoom: int = 0,
) -> Mapping[str, Any]:
  """{'neighbours': uint8[H,W,3], 'distance'}: `columns` samples in a row, the nearest at its end.

  Nearest to the last of the row among all images of the split, by Euclidean distance of pixels in
  [0, 1], or of what the extractor `features` makes of both. 'distance' is its mean over the rows;
  whether that is nearer than images held out are is what `metrics.copying` measures. Raises
  InputError of points.
  """
  n, whole = rows * columns, np.arange(len(source(split)))
  images = look.drawn(sampler, key, n)
  if images.dtype != np.uint8:
    raise InputError(f'neighbours are shown of images; this G draws points {images.shape[1:]}.')
  stored = source(split).arrays['image']
  if features is None:
    pair = nearest(
      flat(images)[columns - 1 :: columns], flat(look.as_drawn(stored, whole, sampler))
    )
    distance = pair.distance / 255
  else:
    seen = look.look(sampler, source, key, features=features, n=n, split=split, real_n=len(whole))
    pair = nearest(seen.fake.features[columns - 1 :: columns], seen.real.features)
    distance = pair.distance
  found = look.as_drawn(stored, pair.row[:, 0], sampler)
  shape = (rows, columns, *images.shape[1:])
  return {
    'neighbours': _rows(images.reshape(shape), found, zoom),
    'distance': float(np.mean(distance)),
  }


def _rows(samples: np.ndarray, found: np.ndarray, zoom: int) -> np.ndarray:
  """samples uint8[R,C,h,w,c], found uint8[R,h,w,c] -> uint8[H,W,3], framed."""
  columns = samples.shape[1] + 1
  together = np.concatenate([samples, found[:, None]], axis=1).reshape(-1, *found.shape[1:])
  zoom = zoom or max(1, round(500 / (columns * found.shape[2])))
  large = np.pad(
    enlarged(together, zoom), ((0, 0), (WIDE, WIDE), (WIDE, WIDE), (0, 0)), constant_values=255
  )
  colour = np.broadcast_to(large, (*large.shape[:3], 3)).copy()
  inner = (slice(WIDE, -WIDE), slice(WIDE, -WIDE))
  for image in colour[columns - 1 :: columns]:
    kept = image[inner].copy()
    image[:] = FRAME
    image[inner] = kept
  return grid(colour, columns, zoom=1, gap=0)
