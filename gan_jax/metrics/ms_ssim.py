"""How alike samples are to each other, by the structural similarity at several scales.

The mean over random pairs, within classes where G is told any (Odena et al. 2017, sec. 4.2): the
higher, the less diverse; real images stand beside, and a collapsed generator is at 1.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics import image_quality, pictures
from gan_jax.metrics.image_quality import WINDOW
from gan_jax.metrics.look import images, labelled
from gan_jax.sampling import Sampler

# Of the scales from the finest to the coarsest (Wang et al. 2003, sec. 3.2).
WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])


def scales(height: int, width: int, window: int = WINDOW) -> int:
  """How many scales, 5 at most, have images that a window fits in; 0 if none has.

  5 from 161 pixels on, at a window of 11; 3 of 64 pixels; 2 of 28 or 32.
  """
  side, count = min(height, width), 0
  while side >= window and count < len(WEIGHTS):
    side, count = -(-side // 2), count + 1
  return count


def multi_scale(
  a: np.ndarray, b: np.ndarray, peak: float = 255.0, *, window: int = WINDOW
) -> np.ndarray:
  """Images [N,H,W,C] twice -> f64[N]: MS-SSIM (Wang et al. 2003, eq. 7), 1 for equal images.

  Luminance at the coarsest scale only, contrast and structure at each, from halves by means of 2x2
  (an odd side has its last row twice). Where fewer than 5 scales fit, the weights of those that do
  are scaled to the sum of all. A negative similarity counts as 0. Channels are averaged at the end.
  """
  a, b = (pictures.checked(x, 1, 'MS-SSIM') for x in (a, b))
  image_quality.fits(a, window, 'MS-SSIM')
  if a.shape != b.shape:
    raise InputError(f'MS-SSIM is of pairs of images, but there are {a.shape} and {b.shape}.')
  count = scales(a.shape[1], a.shape[2], window)
  weights = WEIGHTS[:count] * (WEIGHTS.sum() / WEIGHTS[:count].sum())
  both = zip(pictures.blocks(a), pictures.blocks(b), strict=True)
  return np.concatenate([_product(x, y, peak, window, weights) for x, y in both])


def apart(n: int, label: np.ndarray | None, rng: np.random.Generator) -> Iterator[np.ndarray]:
  """Rows i[P,2] of random pairs of n images, no image twice: class by class, if there are any."""
  groups = (
    [np.arange(n)] if label is None else [np.flatnonzero(label == k) for k in _classes(label)]
  )
  for rows in groups:
    yield rng.permutation(rows)[: len(rows) // 2 * 2].reshape(-1, 2)


def ms_ssim(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 1000,
  split: str = 'train',
  window: int = WINDOW,
) -> Mapping[str, Any]:
  """The eval: `multi_scale` of the n / 2 pairs that n samples make, and of n real images.

  {'ms_ssim', 'stderr', 'real', 'real_stderr'}: means over pairs, 'real' of real images. If both G
  and the data know classes, pairs are within them, the means are over classes, and 'diverse' is the
  share of classes whose samples are no more alike than their real images.
  """
  real, fake, protocol = images(sampler, source, key, n=n, split=split)
  asked, known = _asked(sampler, key, n), _known(source(split), len(real))
  by_class = asked is not None and known is not None
  if not by_class:
    asked = known = None
  rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
  found = {
    name: _alike(some, label, rng, window)
    for name, some, label in [('ms_ssim', fake, asked), ('real', real, known)]
  }
  mean, error = zip(*(_over(values) for values in found.values()), strict=True)
  result = dict(ms_ssim=mean[0], stderr=error[0], real=mean[1], real_stderr=error[1])
  if by_class:
    shared = found['ms_ssim'].keys() & found['real'].keys()
    gaps = [found['ms_ssim'][k].mean() - found['real'][k].mean() for k in shared]
    result['diverse'] = float(np.mean(np.array(gaps) <= 0)) if gaps else float('nan')
  how = dict(
    scales=scales(fake.shape[1], fake.shape[2], window), window=window, within_classes=by_class
  )
  return {**result, 'protocol': {**protocol, **how}}


def _product(
  x: np.ndarray, y: np.ndarray, peak: float, window: int, weights: np.ndarray
) -> np.ndarray:
  x, y = (np.ascontiguousarray(np.moveaxis(v, 3, 1)) for v in (x, y))
  out = np.ones(x.shape[:2])
  for i, weight in enumerate(weights):
    whole, structure = image_quality.similarity(x, y, peak, window)
    last = i == len(weights) - 1
    out *= np.maximum(whole if last else structure, 0) ** weight
    x, y = _halved(x), _halved(y)
  return out.mean(axis=1)


def _halved(x: np.ndarray) -> np.ndarray:
  n, c, h, w = x.shape
  x = np.pad(x, ((0, 0), (0, 0), (0, h % 2), (0, w % 2)), mode='edge')
  return x.reshape(n, c, (h + 1) // 2, 2, (w + 1) // 2, 2).mean(axis=(3, 5))


def _alike(
  some: np.ndarray, label: np.ndarray | None, rng: np.random.Generator, window: int
) -> dict[int, np.ndarray]:
  """Class -> the similarities of its pairs; without classes, one of all."""
  names = [0] if label is None else _classes(label)
  pairs = zip(names, apart(len(some), label, rng), strict=True)
  values = {k: multi_scale(some[p[:, 0]], some[p[:, 1]], window=window) for k, p in pairs if len(p)}
  if not values:
    raise InputError(f'{len(some)} images make no pair; MS-SSIM needs two or more, of a class.')
  return values


def _over(values: Mapping[int, np.ndarray]) -> tuple[float, float]:
  """(the mean of classes' means, its standard error)."""
  square = [np.var(v) / len(v) for v in values.values()]
  means = [np.mean(v) for v in values.values()]
  return float(np.mean(means)), float(np.sqrt(np.sum(square)) / len(square))


def _classes(label: np.ndarray) -> list[int]:
  return np.unique(label).tolist()


def _asked(sampler: Sampler, key: jax.Array, n: int) -> np.ndarray | None:
  try:
    return np.ravel(labelled(sampler, key, n)[1])
  except InputError:
    return None


def _known(source: Any, n: int) -> np.ndarray | None:
  """Labels of the n images spread evenly over a split that `images` takes."""
  if 'label' not in source.arrays:
    return None
  return np.asarray(source.arrays['label'])[np.arange(n) * len(source) // n]
