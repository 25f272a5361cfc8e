"""How like the image beside it each of N images is: PSNR, SSIM, sharpness difference.

Functions take two sets [N,H,W,C] whose images belong together, uint8 or floats of the range that
`peak` says, and give f64[N].
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics import pictures
from gan_jax.sampling import Sampler

WINDOW = 11  # pixels a side, and
SIGMA = 1.5  # the deviation of the Gaussian in it (Wang et al. 2004, sec. III.C)
K1, K2 = 0.01, 0.03


def psnr(a: np.ndarray, b: np.ndarray, peak: float = 255.0) -> np.ndarray:
  """10 log10(peak^2 / MSE) in dB; inf for equal images."""
  square = [_mean((x - y) ** 2) for x, y in _pairs(a, b, 1, 'PSNR')]
  with np.errstate(divide='ignore'):
    return 10 * np.log10(peak**2 / np.concatenate(square))


def sharpness_difference(a: np.ndarray, b: np.ndarray, peak: float = 255.0) -> np.ndarray:
  """10 log10(peak^2 / mean |(di a + dj a) - (di b + dj b)|) in dB (Mathieu et al. 2016, sec. 3).

  di, dj are the absolute differences to the pixel above and to the left. inf where they agree.
  """
  pairs = _pairs(a, b, 2, 'the sharpness difference')
  gap = [_mean(np.abs(_edges(x) - _edges(y))) for x, y in pairs]
  with np.errstate(divide='ignore'):
    return 10 * np.log10(peak**2 / np.concatenate(gap))


def ssim(a: np.ndarray, b: np.ndarray, peak: float = 255.0, *, window: int = WINDOW) -> np.ndarray:
  """Structural similarity (Wang et al. 2004, eq. 13), 1 for equal images.

  The mean over channels and over all places where a whole window fits, moments not corrected for
  bias. Raises InputError for images smaller than the window, naming one that fits.
  """
  fits(a, window, 'SSIM')
  return np.concatenate([similarity(x, y, peak, window)[0] for x, y in _planes(a, b)]).mean(axis=1)


def similarity(
  a: np.ndarray, b: np.ndarray, peak: float, window: int
) -> tuple[np.ndarray, np.ndarray]:
  """Planes f64[N,C,H,W] twice -> (SSIM f64[N,C], its contrast and structure alone f64[N,C])."""
  c1, c2 = (K1 * peak) ** 2, (K2 * peak) ** 2
  of = lambda x: _windowed(x, window)
  mean_a, mean_b = of(a), of(b)
  var = of(a * a + b * b) - mean_a**2 - mean_b**2  # of a and of b: only their sum is needed
  both = of(a * b) - mean_a * mean_b
  structure = (2 * both + c2) / (var + c2)
  luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
  return (luminance * structure).mean(axis=(2, 3)), structure.mean(axis=(2, 3))


def fits(images: np.ndarray, window: int, measure: str) -> None:
  """InputError, with a window that would fit, unless this one does and is odd."""
  if window < 3 or window % 2 == 0:
    raise InputError(f'the window of {measure} is to have an odd side of 3 or more, not {window}.')
  side = min(images.shape[1:3]) if images.ndim == 4 else window
  if side < window:
    smaller = side - 1 + side % 2
    better = f'; window={smaller} would do' if smaller >= 3 else ''
    raise InputError(
      f'{measure} looks through a window of {window}x{window}, but these images are '
      f'{images.shape[1]}x{images.shape[2]}{better}.'
    )


def image_quality(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 200,
  split: str = 'val',
  window: int = WINDOW,
) -> Mapping[str, Any]:
  """The eval of a translation: G('source') against the 'image' beside it, for the first n pairs.

  {'image_quality': the mean SSIM, 'stderr', 'psnr', 'sharpness_difference'}, all of images as they
  are shown. Images that are equal count as if their error were one grey level in one pixel.
  """
  held, name = source(split).arrays, source(split).meta.get('name')
  if 'source' not in held:
    raise InputError(
      "image_quality compares translations with the one right answer: the data have no 'source' "
      'beside each image. Of samples, see sharpness, spectrum and low_level.'
    )
  x, y = (sampler.see(np.asarray(held[column][:n])) for column in ('source', 'image'))
  found, wanted = sampler.display(sampler.generate(x)), sampler.display(y)
  similar = ssim(found, wanted, window=window)
  most = 10 * np.log10(255.0**2 * float(np.prod(wanted.shape[1:])))
  capped = lambda values: float(np.mean(np.minimum(values, most)))
  return {
    'image_quality': float(np.mean(similar)),
    'stderr': float(np.std(similar) / np.sqrt(len(similar))),
    'psnr': capped(psnr(found, wanted)),
    'sharpness_difference': capped(sharpness_difference(found, wanted)),
    'protocol': dict(real=f'{name} {split}', n_fake=len(found), window=window, **sampler.facts),
  }


def _pairs(a: np.ndarray, b: np.ndarray, least: int, measure: str) -> Any:
  a, b = (pictures.checked(x, least, measure) for x in (a, b))
  if a.shape != b.shape:
    raise InputError(f'{measure} is of pairs of images, but there are {a.shape} and {b.shape}.')
  return zip(pictures.blocks(a), pictures.blocks(b), strict=True)


def _planes(a: np.ndarray, b: np.ndarray) -> Any:
  turned = lambda x: np.ascontiguousarray(np.moveaxis(x, 3, 1))
  return ((turned(x), turned(y)) for x, y in _pairs(a, b, 3, 'SSIM'))


def _mean(x: np.ndarray) -> np.ndarray:
  return x.reshape(len(x), -1).mean(axis=1)


def _edges(x: np.ndarray) -> np.ndarray:
  inner = x[:, 1:, 1:]
  return np.abs(inner - x[:, :-1, 1:]) + np.abs(inner - x[:, 1:, :-1])


def _windowed(x: np.ndarray, window: int) -> np.ndarray:
  """Gaussian means f64[...,H,W] -> f64[...,H-window+1,W-window+1], as two products with bands."""
  return _band(x.shape[-2], window) @ x @ _band(x.shape[-1], window).T


def _band(n: int, window: int) -> np.ndarray:
  at = np.arange(window) - window // 2
  taps = np.exp(-(at**2) / (2 * SIGMA**2))
  taps /= taps.sum()
  out = np.zeros((n - window + 1, n))
  for i, row in enumerate(out):
    row[i : i + window] = taps
  return out
