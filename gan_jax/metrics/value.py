"""V(D, G) and what theory says it should be, on a line whose density is known.

Goodfellow et al. 2014, eq. 1, proposition 1 and theorem 1: for a fixed G the best D is
D* = p_data / (p_data + p_g), and V(D*, G) = -log 4 + 2 JSD(p_data || p_g). Both sides are computed
here, each in its own way: V as means over points, JSD by quadrature of densities.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy import integrate
from scipy.ndimage import gaussian_filter1d
from scipy.special import expit, rel_entr

from gan_jax.data.line import density
from gan_jax.errors import InputError
from gan_jax.sampling import Sampler

POINTS = 1501, 20_001  # of the quadrature, at least and at most
FINE = 5  # points to the width of a Gaussian, if that makes no more of them
MARGIN = 8  # widths of the narrowest thing there is beyond all points
NARROW = 20  # the data's sigma is so many widths of the Gaussians that p_g is made of


class Line(NamedTuple):
  """Both densities over a stretch of the line that holds all of them."""

  x: np.ndarray  # f64[P]
  data: np.ndarray  # f64[P], p_data, exact
  fake: np.ndarray  # f64[P], p_g, of Gaussians about the samples
  width: float  # of these Gaussians

  def logit(self, at: np.ndarray) -> np.ndarray:
    """log p_data / p_g at points of the stretch, which is the logit of D*."""
    tiny = np.finfo(np.float64).tiny
    log = lambda p: np.interp(at, self.x, np.log(np.maximum(p, tiny)))
    return log(self.data) - log(self.fake)


def best(data: np.ndarray, fake: np.ndarray) -> np.ndarray:
  """D* = p_data / (p_data + p_g) of two densities, f64 of one shape; 1/2 where both are 0."""
  total = data + fake
  return np.divide(data, total, out=np.full_like(total, 0.5), where=total > 0)


def jensen_shannon(x: np.ndarray, p: np.ndarray, q: np.ndarray) -> float:
  """JSD(p || q) in nats, from 0 to log 2, of densities f64[P] at x, by Simpson's rule."""
  middle = (p + q) / 2
  # Of densities so small that half of them is 0 nothing is to be had.
  entropies = np.where(middle > 0, rel_entr(p, middle) + rel_entr(q, middle), 0.0)
  return float(integrate.simpson(entropies, x=x) / 2)


def minimax(real: np.ndarray, fake: np.ndarray) -> float:
  """V(D, G) = E log D(x) + E log (1 - D(G(z))) (eq. 1), from D's logits f[N] and f[M]."""
  real, fake = np.asarray(real, np.float64), np.asarray(fake, np.float64)
  return float(-np.mean(np.logaddexp(0, -real)) - np.mean(np.logaddexp(0, fake)))


def densities(
  meta: Mapping[str, Any],
  sampler: Sampler,
  key: jax.Array,
  n: int = 100_000,
  bandwidth: float = 0.0,
) -> Line:
  """The densities of a run on the line: that of its data, by their sidecar, and that of n samples.

  `bandwidth` is the width of p_g's Gaussians; 0 stands for a twentieth of the data's own sigma.
  Raises InputError for data of unknown density.
  """
  density(meta, np.zeros(1))  # refuses what has none
  width, centres = bandwidth or meta['sigma'] / NARROW, np.asarray(meta['centres'])
  # In one call: `draw` makes a hundred at a time.
  drawn = np.asarray(sampler.function('G')(*sampler.fill(key, n)), np.float64)[:, 0]
  ends = [
    (drawn.min(), drawn.max(), width),
    (centres.min(), centres.max(), meta['sigma']),
  ]
  low, high = min(a - MARGIN * s for a, _, s in ends), max(b + MARGIN * s for _, b, s in ends)
  x = np.linspace(low, high, int(np.clip(FINE * (high - low) / width, *POINTS)))
  return Line(x, density(meta, x), smoothed(drawn, x, width), width)


def smoothed(drawn: np.ndarray, x: np.ndarray, width: float) -> np.ndarray:
  """The density f64[P] of a Gaussian about each sample f[N], at evenly spaced x f64[P].

  Samples are counted by the nearest x, so x should be several times finer than `width`.
  """
  step = x[1] - x[0]
  edges = np.append(x - step / 2, x[-1] + step / 2)
  counts = np.histogram(drawn, edges)[0] / (len(drawn) * step)
  return gaussian_filter1d(counts, width / step, mode='constant', truncate=MARGIN)


def value(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 100_000,
  points: int = 10_000,
  bandwidth: float = 0.0,
  split: str = 'train',
) -> Mapping[str, Any]:
  """The eval {'value', 'best', 'bound', 'jsd'}: V(D, G), V(D*, G), -log 4 + 2 JSD on the line.

  D's verdict is read as a logit. V is of `points` points of the data and as many samples, D* and
  JSD of the densities of the data and of n other samples; V(D*, G) takes samples that are blurred
  as their density is. Raises InputError for a run without a D, or data of unknown density.
  """
  if sampler.critic is None:
    raise InputError('V(D, G) asks for a D that judges one point at a time.')
  k_density, k_points, k_blur = jax.random.split(key, 3)
  at = densities(source().meta, sampler, k_density, n, bandwidth)
  real = np.asarray(source(split).arrays['image'])[:points]
  fake = np.asarray(sampler.draw(k_points, points))
  logits = [sampler.critic(x) for x in (sampler.see(real), fake)]
  blurred = fake + at.width * np.asarray(jax.random.normal(k_blur, fake.shape))
  ideal = [at.logit(np.asarray(x[:, 0], np.float64)) for x in (real, blurred)]
  jsd = jensen_shannon(at.x, at.data, at.fake)
  p_g = f'Gaussians of {at.width:g} about {n:,} samples'
  protocol = dict(n_fake=points, n_real=len(real), p_g=p_g, **sampler.facts)
  return {'value': minimax(*logits), 'best': minimax(*ideal), 'bound': bound(jsd), 'jsd': jsd,
          'protocol': protocol}  # fmt: skip


def bound(jsd: float) -> float:
  """-log 4 + 2 JSD (theorem 1): what V comes to with the best D."""
  return 2 * jsd - float(np.log(4))


def probability(logit: np.ndarray) -> np.ndarray:
  """D(x) in [0, 1] from a verdict that is a logit."""
  return expit(np.asarray(logit, np.float64))
