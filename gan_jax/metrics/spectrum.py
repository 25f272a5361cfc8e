"""What frequencies images are made of, averaged over directions, beside those of real images.

Layers that enlarge leave traces here that other measures do not see (Durall et al. 2020; Dzanic et
al. 2020). Natural images have a power that falls as the square of the frequency.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics import pictures
from gan_jax.metrics.charts import Line, chart
from gan_jax.metrics.look import images
from gan_jax.sampling import Sampler

ROUNDING = 1 / 12  # the power that rounding to grey levels makes: what is below counts as that
HIGH = 0.75  # of the highest frequency along the sides, from where Dzanic et al. fit
LEAST = 8  # pixels a side: with fewer there is no slope above `HIGH`


class Profiles(NamedTuple):
  """Spectra of N images by R rings of frequencies, each a cycle per (shorter) side wide."""

  frequency: np.ndarray  # f64[R], cycles per pixel: 0, 1/S, 2/S, ... to the corners' 0.7
  power: np.ndarray  # f64[N,R], grey levels squared; noise of variance v has power v everywhere

  @property
  def within(self) -> np.ndarray:
    """bool[R]: what goes in every direction, the mean grey apart: up to half a cycle per pixel."""
    return (self.frequency > 0) & (self.frequency <= 0.5)


def profiles(some: np.ndarray) -> Profiles:
  """Images [N,H,W,C], 8x8 or more -> Profiles of them in grey."""
  some = pictures.checked(some, LEAST, 'the spectrum')
  height, width = some.shape[1:3]
  side = min(height, width)
  rows, columns = np.fft.fftfreq(height), np.fft.rfftfreq(width)
  ring = np.rint(side * np.hypot(rows[:, None], columns[None])).astype(int).ravel()
  # Half of the plane is computed: all but the first column, and the last of an even side, stand for
  # two.
  twice = np.where((columns > 0) & (columns < 0.5), 2.0, 1.0)
  weight = np.broadcast_to(twice, (height, len(columns))).ravel()
  whole = np.bincount(ring, weight)
  gather = np.zeros((len(ring), len(whole)))
  gather[np.arange(len(ring)), ring] = weight / whole[ring]
  power = [
    (np.abs(np.fft.rfft2(x)) ** 2 / (height * width)).reshape(len(x), -1) @ gather
    for x in pictures.grey_blocks(some)
  ]
  return Profiles(np.arange(len(whole)) / side, np.concatenate(power))


def mean(of: Profiles) -> np.ndarray:
  """The mean power f64[R] of the images, at least that of rounding."""
  return np.maximum(of.power.mean(axis=0), ROUNDING)


def slope(of: Profiles) -> float:
  """b of the least squares of log mean power = a + b log frequency: -2 of natural images."""
  at = of.within
  return float(np.polyfit(np.log(of.frequency[at]), np.log(mean(of)[at]), 1)[0])


def high_fit(of: Profiles) -> tuple[np.ndarray, np.ndarray]:
  """Of each image (b1, b2) f64[N]: amplitude / that of the mean grey = b1 (f / f_T)^b2 above f_T.

  By least squares of the logarithms, from f_T = `HIGH` times half a cycle per pixel to that half
  (Dzanic et al. 2020).
  """
  at = of.within & (of.frequency >= HIGH / 2)
  x = np.log(of.frequency[at] / (HIGH / 2))
  power = np.maximum(of.power, ROUNDING)
  y = 0.5 * np.log(power[:, at] / power[:, :1])
  b2, b1 = np.polyfit(x, y.T, 1)
  return np.exp(b1), b2


def log_distance(a: Profiles, b: Profiles) -> float:
  """The root mean square over rings, the mean grey apart, of 10 log10 mean(a) / mean(b), in dB."""
  gap = 10 * np.log10(mean(a) / mean(b))
  return float(np.sqrt(np.mean(gap[1:] ** 2)))


def durall(a: Profiles, b: Profiles) -> float:
  """The mean over rings of |mean(a) - mean(b)|, each in units of its power at frequency 0.

  Durall et al. 2020 normalise so; low frequencies outweigh all others.
  """
  unit = [mean(p) / mean(p)[0] for p in (a, b)]
  return float(np.mean(np.abs(unit[0] - unit[1])[1:]))


def told_apart(real: Profiles, fake: Profiles) -> float:
  """How often a logistic regression of log spectra is right: 1/2 is chance (Durall et al.).

  Fitted to every other image of each set, and asked about the rest, kinds weighing the same.
  """
  from sklearn.linear_model import LogisticRegression

  if min(len(real.power), len(fake.power)) < 4:
    raise InputError('to tell spectra apart takes 4 or more images of each kind.')
  x = np.log(np.maximum(np.concatenate([real.power, fake.power]), ROUNDING))
  kind = np.repeat([0, 1], [len(real.power), len(fake.power)])
  fit = np.concatenate([np.arange(len(p.power)) % 2 == 0 for p in (real, fake)])
  x = (x - x[fit].mean(axis=0)) / np.maximum(x[fit].std(axis=0), 1e-6)
  model = LogisticRegression(class_weight='balanced', max_iter=2000).fit(x[fit], kind[fit])
  right = model.predict(x[~fit]) == kind[~fit]
  return float(np.mean([np.mean(right[kind[~fit] == k]) for k in (0, 1)]))


def spectrum(
  sampler: Sampler, source: Callable, key: jax.Array, *, n: int = 2000, split: str = 'train'
) -> Mapping[str, Any]:
  """The eval: {'spectrum': `log_distance`, 'halves', 'durall', 'told_apart', 'slope', ...}.

  'halves' is the distance of every other real image from the rest: what chance alone makes of half
  as many. Of 'slope', and of 'high_amplitude' and 'high_slope', the medians of `high_fit`, there is
  a 'real_' one. 'spectra' is a picture: mean powers, and the middle half of the images.
  """
  real, fake, protocol = images(sampler, source, key, n=n, split=split)
  pictures.alike(real, fake, 'the spectrum')
  of = {'real_': profiles(real), '': profiles(fake)}
  even, odd = (of['real_']._replace(power=of['real_'].power[i::2]) for i in (0, 1))
  result: dict[str, Any] = {
    'spectrum': log_distance(of[''], of['real_']),
    'halves': log_distance(even, odd) if len(real) > 1 else float('nan'),
    'durall': durall(of[''], of['real_']),
    'told_apart': told_apart(of['real_'], of['']),
  }
  for prefix, some in of.items():
    amplitude, decay = high_fit(some)
    result[f'{prefix}slope'] = slope(some)
    result[f'{prefix}high_amplitude'] = float(np.median(amplitude))
    result[f'{prefix}high_slope'] = float(np.median(decay))
  lines = [_line(name, of[prefix]) for prefix, name in (('real_', 'real'), ('', 'samples'))]
  picture = chart(lines, 'cycles per pixel', 'power (grey levels²)', logarithmic=True)
  protocol = {**protocol, 'grey': 'ITU-R BT.601, 0..255', 'floor': 'rounding, 1/12'}
  return {**result, 'spectra': picture, 'protocol': protocol}


def _line(name: str, of: Profiles) -> Line:
  low, high = np.maximum(np.quantile(of.power, [0.25, 0.75], axis=0), ROUNDING)
  return Line(name, of.frequency[1:], mean(of)[1:], low[1:], high[1:])
