"""Low-level statistics of images, beside those of real ones (Zeng et al. 2017).

How contrast is distributed, how random filters respond, and how large regions of one grey are:
natural images have heavy tails in all three.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.metrics import pictures
from gan_jax.metrics.bins import jensen_shannon
from gan_jax.metrics.look import images
from gan_jax.sampling import Sampler

FILTER = 8  # pixels a side
SHADES = 16  # of grey, of which a region has one
EDGES = 2.0 ** np.arange(-2, 10, 0.25)  # of bins, in grey levels: quarters of octaves
PLACES = 2**15  # where filters are laid at a time
VALUES = 2**20  # gradients at most that a Weibull distribution is fitted to


class Statistics(NamedTuple):
  """Of a set of images."""

  contrast: np.ndarray  # i64[49], lengths of gradients of grey, in bins by `EDGES`
  weibull: tuple[float, float]  # the shape and the scale (in grey levels) of those above 0
  filtered: np.ndarray  # i64[F,49], absolute responses of each filter, in bins by `EDGES`
  kurtosis: np.ndarray  # f64[F], of the responses: 3 if they were Gaussian
  areas: np.ndarray  # i64[A], regions of 1, 2-3, 4-7, ... pixels
  regions: float  # of an image


def filters(count: int, rng: np.random.Generator) -> np.ndarray:
  """f64[count,8,8], Gaussian, each of mean 0 and length 1."""
  v = rng.normal(size=(count, FILTER, FILTER))
  v -= v.mean(axis=(1, 2), keepdims=True)
  return np.asarray(v / np.linalg.norm(v, axis=(1, 2), keepdims=True))


def statistics(some: np.ndarray, by: np.ndarray) -> Statistics:
  """Images uint8[N,H,W,C] of 8x8 or more, filters f64[F,8,8] -> Statistics of them in grey."""
  some = pictures.checked(some, FILTER, 'low_level')
  contrast, areas = np.zeros(len(EDGES) + 1, np.int64), np.zeros(0, np.int64)
  filtered, powers = np.zeros((len(by), len(EDGES) + 1), np.int64), np.zeros((len(by), 5))
  kept, thin = [], -(-some[..., 0].size // VALUES)
  for x in pictures.grey_blocks(some):
    lengths = gradients(x)
    contrast += _binned(lengths)
    kept.append(lengths[::thin])
    for response in responses(x, by):
      for i, one in enumerate(response):
        filtered[i] += _binned(np.abs(one))
        square = one * one
        sums = one.sum(), square.sum(), square @ one, square @ square
        powers[i] += [len(one), *sums]
    areas = _added(areas, np.bincount(np.log2(region_areas(x)).astype(int)))
  above = np.concatenate(kept)
  return Statistics(
    contrast, weibull(above[above > 0]), filtered, _kurtosis(powers), areas, areas.sum() / len(some)
  )


def gradients(grey: np.ndarray) -> np.ndarray:
  """f64[N,H,W] -> f64[N(H-1)(W-1)]: lengths of gradients, by forward differences."""
  corner = grey[:, :-1, :-1]
  return np.hypot(grey[:, 1:, :-1] - corner, grey[:, :-1, 1:] - corner).ravel()


def weibull(x: np.ndarray) -> tuple[float, float]:
  """Values above 0 f64[P] -> (shape, scale), the likeliest; nan of fewer than two of them.

  The shape k solves sum x^k log x / sum x^k - 1 / k = mean log x, by Newton's method.
  """
  if len(x) < 2 or np.ptp(x) == 0:
    return float('nan'), float('nan')
  logs = np.log(x / x.max())  # so that no power overflows
  k = np.pi / np.sqrt(6) / np.std(logs)  # by moments of the logarithm
  for _ in range(50):
    w = np.exp(k * logs)
    first, second = (np.sum(w * logs**p) / np.sum(w) for p in (1, 2))
    step = (first - 1 / k - logs.mean()) / (second - first**2 + 1 / k**2)
    k -= min(step, 0.9 * k)
    if abs(step) < 1e-10 * k:
      break
  return float(k), float(x.max() * np.mean(np.exp(k * logs)) ** (1 / k))


def responses(grey: np.ndarray, by: np.ndarray) -> Iterator[np.ndarray]:
  """f64[N,H,W], filters f64[F,8,8] -> parts f64[F,P]: at all places wholly within an image."""
  flat = by.reshape(len(by), -1)
  windows = np.lib.stride_tricks.sliding_window_view(grey, by.shape[1:], axis=(1, 2))
  step = max(1, PLACES // windows.shape[2])
  for image in windows:
    for start in range(0, len(image), step):
      yield flat @ image[start : start + step].reshape(-1, flat.shape[1]).T


def region_areas(grey: np.ndarray, shades: int = SHADES) -> np.ndarray:
  """f64[N,H,W] in 0..255 -> i64[R]: the pixels of each connected region of one shade.

  Shades are equally wide; neighbours are those above, below, left and right.
  """
  from scipy.ndimage import label

  shade = np.minimum(grey * (shades / 256), shades - 1).astype(int)
  cross = np.zeros((3, 3, 3), int)
  cross[1] = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
  sizes = [np.bincount(label(shade == s, cross)[0].ravel())[1:] for s in np.unique(shade)]
  return np.concatenate(sizes)


def exponent(areas: np.ndarray) -> float:
  """Regions by octaves of area i64[A] -> b of the least squares log density = a + b log area.

  About -2 of natural images, at whose every scale as much is covered (Alvarez et al. 1999).
  """
  at = np.flatnonzero(areas)
  if len(at) < 2:
    return float('nan')
  width = 2.0**at
  return float(np.polyfit(np.log(1.5 * width), np.log(areas[at] / width), 1)[0])


def distances(a: Statistics, b: Statistics) -> dict[str, float]:
  """{'contrast', 'filters', 'regions'}: Jensen-Shannon divergences in nats, between 0 and log 2."""
  size = max(len(a.areas), len(b.areas))
  padded = [np.pad(s.areas, (0, size - len(s.areas))) for s in (a, b)]
  filtered = [jensen_shannon(x, y) for x, y in zip(a.filtered, b.filtered, strict=True)]
  return {
    'contrast': jensen_shannon(a.contrast, b.contrast),
    'filters': float(np.mean(filtered)),
    'regions': jensen_shannon(*padded),
  }


def low_level(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 1000,
  split: str = 'train',
  count: int = 8,
  seed: int = 0,
) -> Mapping[str, Any]:
  """The eval: {'low_level': the mean of the three `distances`, 'halves', 'contrast', ...}.

  'halves' is what the halves of the real images are apart. Then each set's 'weibull_shape' and
  'weibull_scale', 'kurtosis' (the mean over filters), 'area_exponent' and 'regions_per_image', of
  real images as 'real_...'; nan where images are too plain to tell. The `count` random filters are
  those of `seed`, whatever the key.
  """
  real, fake, protocol = images(sampler, source, key, n=n, split=split)
  by = filters(count, np.random.default_rng(seed))
  of = {'': statistics(fake, by), 'real_': statistics(real, by)}
  apart = distances(of[''], of['real_'])
  halves = float('nan')
  if len(real) > 1:
    within = distances(*(statistics(real[i::2], by) for i in (0, 1)))
    halves = float(np.mean(list(within.values())))
  told = {f'{prefix}{name}': v for prefix, s in of.items() for name, v in _told(s).items()}
  protocol = {**protocol, 'filters': count, 'filter_seed': seed, 'shades': SHADES}
  mean = float(np.mean(list(apart.values())))
  return {'low_level': mean, 'halves': halves, **apart, **told, 'protocol': protocol}


def _told(s: Statistics) -> dict[str, float]:
  shape, scale = s.weibull
  return dict(
    weibull_shape=shape,
    weibull_scale=scale,
    kurtosis=float(np.mean(s.kurtosis)),
    area_exponent=exponent(s.areas),
    regions_per_image=float(s.regions),
  )


def _binned(x: np.ndarray) -> np.ndarray:
  """Counts i64[49] between `EDGES`, by logarithms, which is several times as fast as a search."""
  with np.errstate(divide='ignore'):
    at = np.floor(4 * np.log2(x.ravel())) + 9
  return np.bincount(np.clip(at, 0, len(EDGES)).astype(np.int32), minlength=len(EDGES) + 1)


def _kurtosis(powers: np.ndarray) -> np.ndarray:
  """From the sums of the powers 0 to 4 f64[F,5]."""
  m1, m2, m3, m4 = (powers[:, 1:] / powers[:, :1]).T
  var = m2 - m1**2
  fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
  return np.divide(fourth, var**2, out=np.full(len(var), np.nan), where=var > 1e-9)


def _added(a: np.ndarray, b: np.ndarray) -> np.ndarray:
  out = np.zeros(max(len(a), len(b)), np.int64)
  out[: len(a)] += a
  out[: len(b)] += b
  return out
