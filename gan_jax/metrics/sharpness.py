"""How sharp single images are, without another beside them: real ones say what is right."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.metrics import pictures
from gan_jax.metrics.look import images
from gan_jax.sampling import Sampler

SPAN = 11  # pixels over which `blur` blurs again


def laplacian(pixels: np.ndarray) -> np.ndarray:
  """[N,H,W,C] -> f64[N]: the variance of the Laplacian of the grey image (Pech-Pacheco 2000).

  The five-point Laplacian where all of its points are in the image. In squares of the units given.
  """
  pixels = pictures.checked(pixels, 3, 'the Laplacian')
  return np.concatenate([_variance(x) for x in pictures.grey_blocks(pixels)])


def gradient(pixels: np.ndarray) -> np.ndarray:
  """[N,H,W,C] -> f64[N]: the mean length of the grey image's gradient, of forward differences."""
  pixels = pictures.checked(pixels, 2, 'the gradient')
  return np.concatenate([_slope(x) for x in pictures.grey_blocks(pixels)])


def blur(pixels: np.ndarray, span: int = SPAN) -> np.ndarray:
  """[N,H,W,C] -> f64[N] in [0, 1]: the perceptual blur of Crete et al. 2007, 1 the most blurred.

  How little of an image's variation is lost when it is blurred again, by means of `span` pixels in
  a row; the worse of the two directions. Derivatives by Sobel, the outermost pixels left out.
  An image without edges counts as 1.
  """
  pixels = pictures.checked(pixels, 5, 'blur')
  return np.concatenate([_kept(x, span) for x in pictures.grey_blocks(pixels)])


MEASURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
  'sharpness': laplacian,
  'gradient': gradient,
  'blur': blur,
}


def sharpness(
  sampler: Sampler, source: Callable, key: jax.Array, *, n: int = 2000, split: str = 'train'
) -> Mapping[str, Any]:
  """The eval: means over n samples, and over n images of a split as 'real_<name>'.

  {'sharpness': the variance of the Laplacian, 'stderr', 'gradient', 'blur'}. Of samples that are
  more blurred than real images the first and the third are lower and 'blur' is higher.
  """
  real, fake, protocol = images(sampler, source, key, n=n, split=split)
  found = {name: measure(fake) for name, measure in MEASURES.items()}
  beside = {f'real_{name}': measure(real) for name, measure in MEASURES.items()}
  means = {name: float(np.mean(values)) for name, values in {**found, **beside}.items()}
  error = float(np.std(found['sharpness']) / np.sqrt(len(fake)))
  protocol = {**protocol, 'grey': 'ITU-R BT.601, 0..255'}
  return {'sharpness': means.pop('sharpness'), 'stderr': error, **means, 'protocol': protocol}


def _variance(x: np.ndarray) -> np.ndarray:
  around = x[:, :-2, 1:-1] + x[:, 2:, 1:-1] + x[:, 1:-1, :-2] + x[:, 1:-1, 2:]
  return np.var(around - 4 * x[:, 1:-1, 1:-1], axis=(1, 2))


def _slope(x: np.ndarray) -> np.ndarray:
  corner = x[:, :-1, :-1]
  return np.hypot(x[:, 1:, :-1] - corner, x[:, :-1, 1:] - corner).mean(axis=(1, 2))


def _kept(x: np.ndarray, span: int) -> np.ndarray:
  from scipy import ndimage

  shares = []
  for axis in (1, 2):
    before = _edges(x, axis)
    again = _edges(ndimage.uniform_filter1d(x, span, axis=axis), axis)
    lost = np.maximum(before - again, 0).sum(axis=(1, 2))
    total = before.sum(axis=(1, 2))
    shares.append(np.divide(total - lost, total, out=np.ones(len(x)), where=total > 0))
  return np.max(shares, axis=0)


def _edges(x: np.ndarray, axis: int) -> np.ndarray:
  from scipy import ndimage

  slope = ndimage.correlate1d(x, [-1, 0, 1], axis=axis)
  return np.abs(ndimage.correlate1d(slope, [1, 2, 1], axis=3 - axis))[:, 2:-1, 2:-1]
