"""Grids of samples: what the generator draws, from the same z every time it is asked."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.sampling import Sampler


def samples(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  rows: int = 8,
  columns: int = 8,
  zoom: int = 0,
) -> Mapping[str, np.ndarray]:
  """{'samples': uint8[H,W,C]}: random draws, not picked; each pixel drawn `zoom` times over.

  zoom=0 chooses it so that the grid is some 500 pixels wide.
  """
  images = sampler.display(sampler.draw(key, rows * columns))
  return {'samples': grid(images, columns, zoom)}


def data(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  rows: int = 8,
  columns: int = 8,
  zoom: int = 0,
) -> Mapping[str, np.ndarray]:
  """{'data': uint8[H,W,C]}: training images drawn at random, to look at beside the samples."""
  images = source().arrays['image']
  rng = np.random.default_rng(jax.random.bits(key, (2,)).tolist())
  at = np.sort(rng.choice(len(images), size=min(rows * columns, len(images)), replace=False))
  return {'data': grid(np.asarray(images[at]), columns, zoom)}


def grid(images: np.ndarray, columns: int = 8, zoom: int = 0, gap: int = 2) -> np.ndarray:
  """uint8[N,h,w,C] -> uint8[H,W,C], `columns` to a row, white between, each pixel zoom x zoom."""
  if images.ndim != 4:
    raise InputError(f'a grid is of images [N,h,w,C]; these are {images.dtype}{images.shape}.')
  n, h, w, c = images.shape
  zoom = zoom or max(1, round(500 / (columns * w)))
  rows = -(-n // columns)
  images = enlarged(images, zoom)
  h, w = h * zoom, w * zoom
  out = np.full((rows * (h + gap) + gap, columns * (w + gap) + gap, c), 255, np.uint8)
  for i, image in enumerate(images):
    y, x = gap + (i // columns) * (h + gap), gap + (i % columns) * (w + gap)
    out[y : y + h, x : x + w] = image
  return out


def enlarged(images: np.ndarray, zoom: int) -> np.ndarray:
  """[N,h,w,C] -> [N,zoom*h,zoom*w,C], each pixel zoom x zoom."""
  return np.repeat(np.repeat(images, zoom, axis=1), zoom, axis=2)


def save(path: Any, images: np.ndarray, **options: Any) -> None:
  """Writes a grid of uint8[N,h,w,C] as a PNG."""
  from gan_jax.log import save_png

  save_png(path, grid(images, **options))
