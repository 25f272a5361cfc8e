"""Pictures as their statistics are taken: checked, in grey, so many at a time."""

from collections.abc import Iterator

import numpy as np

from gan_jax.errors import InputError

ROOM = 2**21  # numbers in a block: 16 MiB of float64
LUMA = np.array([0.299, 0.587, 0.114])  # of red, green and blue in grey, ITU-R BT.601


def checked(images: np.ndarray, least: int = 1, measure: str = 'this measure') -> np.ndarray:
  """images [N,H,W,C], N > 0, no side below `least`, all of them finite; else InputError."""
  images = np.asanyarray(images)
  if images.ndim != 4 or not images.size:
    raise InputError(
      f'{measure} looks at images [N,H,W,C] of N > 0, not at {images.dtype}{images.shape}.'
    )
  height, width = images.shape[1:3]
  if min(height, width) < least:
    raise InputError(
      f'{measure} needs images of {least}x{least} or more; these are {height}x{width}.'
    )
  if images.dtype != np.uint8 and not np.all(np.isfinite(images)):
    raise InputError(f'{measure} was given images among whose values are nan or inf.')
  return images


def alike(a: np.ndarray, b: np.ndarray, measure: str) -> None:
  """InputError unless the images of both sets [N,H,W,C], [M,H,W,C] are of one shape."""
  if a.shape[1:] != b.shape[1:]:
    raise InputError(
      f'{measure} compares images of one shape; these are {a.shape[1:]} and {b.shape[1:]}.'
    )


def blocks(images: np.ndarray) -> Iterator[np.ndarray]:
  """images [N,H,W,C] as f64[B,H,W,C], in order."""
  step = max(1, ROOM // max(1, int(np.prod(images.shape[1:]))))
  for start in range(0, len(images), step):
    yield np.asarray(images[start : start + step], np.float64)


def grey(images: np.ndarray) -> np.ndarray:
  """[N,H,W,C] -> f64[N,H,W] in the same range: `LUMA` of three channels, else their mean."""
  if images.shape[-1] == 3:
    return np.asarray(images @ LUMA)
  return np.asarray(np.mean(images, axis=-1, dtype=np.float64))


def grey_blocks(images: np.ndarray) -> Iterator[np.ndarray]:
  """images [N,H,W,C] as grey f64[B,H,W], in order."""
  return (grey(block) for block in blocks(images))
