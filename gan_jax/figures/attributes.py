"""What can be seen of an image without a classifier: a number each, by which to choose examples.

Functions uint8[N,H,W,C] -> f64[N], named where a figure is asked for: arithmetic(a=slant, ...).
"""

import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics.pictures import grey


def brightness(images: np.ndarray) -> np.ndarray:
  """The mean of the grey image, in [0, 1]."""
  return grey(images).mean(axis=(1, 2)) / 255


def contrast(images: np.ndarray) -> np.ndarray:
  """The deviation of the grey image, in [0, 1/2]."""
  return grey(images).std(axis=(1, 2)) / 255


def warmth(images: np.ndarray) -> np.ndarray:
  """Mean red less mean blue, in [-1, 1]; InputError for images in grey."""
  if images.shape[-1] != 3:
    raise InputError('warmth is red less blue, and these images have no colours.')
  red, _, blue = np.moveaxis(images.mean(axis=(1, 2)) / 255, -1, 0)
  return np.asarray(red - blue)


def slant(images: np.ndarray) -> np.ndarray:
  """How far what is drawn leans to the right, as columns to the left for each row further down.

  The slope of x on y, by their moments weighted by how far a pixel is from the image's border: 0 of
  what stands upright, 1 at 45 degrees.
  """
  weight, x, y = _mass(images)
  mean = lambda a: np.sum(weight * a, axis=(1, 2), keepdims=True)
  across, down = x - mean(x), y - mean(y)
  return -(mean(across * down) / np.maximum(mean(down**2), 1e-12))[:, 0, 0]


def sideways(images: np.ndarray) -> np.ndarray:
  """How far to the right of the middle what is drawn lies, in [-1, 1]."""
  weight, x, _ = _mass(images)
  return 2 * np.sum(weight * x, axis=(1, 2)) / (images.shape[2] - 1)


def _mass(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """(weights f64[N,H,W] that sum to 1, x f64[H,W] and y f64[H,W] from the middle, in pixels)."""
  shade = grey(images)
  h, w = shade.shape[1:]
  edge = np.concatenate([shade[:, 0], shade[:, -1], shade[:, :, 0], shade[:, :, -1]], axis=1)
  weight = np.abs(shade - np.median(edge, axis=1)[:, None, None])
  weight /= np.maximum(weight.sum(axis=(1, 2), keepdims=True), 1e-12)
  y, x = np.mgrid[:h, :w]
  return weight, x - (w - 1) / 2, y - (h - 1) / 2
