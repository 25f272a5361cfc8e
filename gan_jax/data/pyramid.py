"""The levels of a Laplacian pyramid (Burt & Adelson 1983; Denton et al. 2015), of any pictures.

With d halving a picture's size and u doubling it, I_k is the original halved k times, and level k
of the pyramid is what d loses: h_k = I_k - u(I_{k+1}). A level here has I_k as 'image' and
u(I_{k+1}) as 'source', so that what a generator adds to the source is h_k.
"""

import numpy as np

from gan_jax.data.opening import opened, remade
from gan_jax.data.source import Source
from gan_jax.errors import InputError

_BLOCK = 4096  # pictures at a time: floats of all would take several times their room


def level(of: str | dict, halved: int = 0, split: str = 'train') -> Source:
  """Level k = `halved`: 'image' I_k, 'source' u(I_{k+1}), both uint8[N,H/2^k,W/2^k,C].

  `of` is the source that the pictures are from, a name or dict(name=..., ...); its other columns
  stay. Raises InputError for sides that cannot be halved so often.
  """
  base = opened(of, split=split)
  fine = shrunk(base.arrays['image'], halved)
  columns = {**base.arrays, 'image': fine, 'source': doubled(shrunk(fine, 1))}
  return remade(base, columns, f'level {halved} of a pyramid: means of 2x2, bilinear doubling')


def coarsest(of: str | dict, halved: int = 2, split: str = 'train') -> Source:
  """Where the pyramid ends: 'image' I_k, k = `halved`. Arguments and errors as for `level`."""
  base = opened(of, split=split)
  columns = {**base.arrays, 'image': shrunk(base.arrays['image'], halved)}
  return remade(base, columns, f'halved {halved} times: means of 2x2')


def shrunk(images: np.ndarray, times: int) -> np.ndarray:
  """d as often as that: uint8[N,H,W,C] -> uint8[N,H/2^times,W/2^times,C], to the nearest grey."""
  height, width = images.shape[1:3]
  if height % 2**times or width % 2**times:
    raise InputError(
      f'images of {height}x{width} cannot be halved {times} times; resize them, or say fewer.'
    )
  for _ in range(times):
    images = _in_blocks(_halved, images)
  return np.asarray(images)


def doubled(images: np.ndarray) -> np.ndarray:
  """u: uint8[N,H,W,C] -> uint8[N,2H,2W,C], bilinear between the centres of pixels."""
  return _in_blocks(lambda x: _stretched(_stretched(x, 1), 2), images)


def _in_blocks(function, images: np.ndarray) -> np.ndarray:
  blocks = [images[i : i + _BLOCK].astype(np.float32) for i in range(0, len(images), _BLOCK)]
  return np.concatenate([np.rint(function(b)).astype(np.uint8) for b in blocks])


def _halved(x: np.ndarray) -> np.ndarray:
  n, h, w, c = x.shape
  return x.reshape(n, h // 2, 2, w // 2, 2, c).mean((2, 4))


def _stretched(x: np.ndarray, axis: int) -> np.ndarray:
  """Twice as long: a new pixel lies a quarter away from the nearest old one, at an edge on it."""
  n = x.shape[axis]
  before = np.take(x, [0, *range(n - 1)], axis)
  after = np.take(x, [*range(1, n), n - 1], axis)
  both = np.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1)
  return both.reshape(*x.shape[:axis], 2 * n, *x.shape[axis + 1 :])
