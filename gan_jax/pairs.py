"""Loss pairs: what the critic's outputs on real and on fake images cost D and G.

A pair maps `r` = D(x) and `f` = D(G(z)), the critic before any sigmoid and of one shape (scores
f32[B], or maps of patches), to a scalar each. Larger means "more real". Both are costs, to be
minimised: where a paper lets D ascend on V(D, G), `d` is -V, and descent on it is the ascent.

With s the logistic function, log s(v) = -softplus(-v) and log(1 - s(v)) = -softplus(v), so no
logarithm of a probability is taken and every pair is finite at any logit that float32 holds.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jax.nn import relu, softplus

from gan_jax.errors import InputError
from gan_jax.game import Array

mean = jnp.mean


class Pair(NamedTuple):
  """The costs of the two players."""

  d: Callable[[Array, Array], Array]  # (r, f) -> f32[]
  g: Callable[[Array, Array], Array]  # (r, f) -> f32[]


def real_or_fake(r: Array, f: Array, smooth: float = 1.0) -> Array:
  """-V(D, G), Goodfellow et al. 2014, eq. 1: cross-entropy of D with targets `smooth` and 0."""
  return mean(smooth * softplus(-r) + (1 - smooth) * softplus(r)) + mean(softplus(f))


def minimax(smooth: float = 1.0) -> Pair:
  """min_G max_D V(D, G) (Goodfellow et al. 2014, eq. 1). G's gradient dies where D is sure.

  `smooth` is D's target for real images: 0.9 is one-sided label smoothing (Salimans et al. 2016).
  """
  return Pair(d=lambda r, f: real_or_fake(r, f, smooth), g=lambda r, f: -mean(softplus(f)))


def saddle(smooth: float = 1.0) -> Pair:
  """min_G max_D V in full: G pays V's term of real images too, which D's answer to G changes.

  That is minimax() but where D is seen to follow G, in unrolled GANs (Metz et al. 2017, eq. 5).
  """
  return Pair(d=lambda r, f: real_or_fake(r, f, smooth), g=lambda r, f: -real_or_fake(r, f, smooth))


def nonsaturating(smooth: float = 1.0) -> Pair:
  """G maximises log D(G(z)) instead (Goodfellow et al. 2014, section 3): same fixed point."""
  return Pair(d=lambda r, f: real_or_fake(r, f, smooth), g=lambda r, f: mean(softplus(-f)))


def softened(smooth: float = 0.75, target: float = 0.375) -> Pair:
  """D's target for real images is `smooth`, and G aims at D(G(z)) = `target`, not at certainty.

  The numbers are those of Salimans et al. 2016's code for ImageNet: with p_g = p_data the best D is
  smooth / 2 everywhere, and that is where G stops pushing.
  """
  return Pair(
    d=lambda r, f: real_or_fake(r, f, smooth),
    g=lambda r, f: mean(target * softplus(-f) + (1 - target) * softplus(f)),
  )


def log_ratio(smooth: float = 1.0) -> Pair:
  """G minimises log (1 - D) / D = -f: with D optimal, KL(p_g || p_data) (Sønderby et al. 2017)."""
  return Pair(d=lambda r, f: real_or_fake(r, f, smooth), g=lambda r, f: -mean(f))


def least_squares(a: float = 0.0, b: float = 1.0, c: float = 1.0) -> Pair:
  """LSGAN (Mao et al. 2017, eq. 2): D aims at b and a, G at c.

  (0, 1, 1) is their eq. 9; (-1, 1, 0), their eq. 8, minimises a Pearson chi-square divergence.
  """
  return Pair(
    d=lambda r, f: (mean((r - b) ** 2) + mean((f - a) ** 2)) / 2,
    g=lambda r, f: mean((f - c) ** 2) / 2,
  )


def wasserstein() -> Pair:
  """WGAN (Arjovsky et al. 2017, eq. 2): the critic must be kept Lipschitz by other means."""
  return Pair(d=lambda r, f: mean(f) - mean(r), g=lambda r, f: -mean(f))


def hinge() -> Pair:
  """The hinge (Lim & Ye 2017; Miyato et al. 2018, eqs. 16 and 17)."""
  return Pair(d=lambda r, f: mean(relu(1 - r)) + mean(relu(1 + f)), g=lambda r, f: -mean(f))


def relativistic() -> Pair:
  """RpGAN: is this real image more real than that fake? (Jolicoeur-Martineau 2019, section 4.1)."""
  return Pair(d=lambda r, f: mean(softplus(f - r)), g=lambda r, f: mean(softplus(r - f)))


def relativistic_average() -> Pair:
  """RaSGAN: more real than the average fake? (Jolicoeur-Martineau 2019, section 4.2)."""

  def d(r: Array, f: Array) -> Array:
    return (mean(softplus(mean(f) - r)) + mean(softplus(f - mean(r)))) / 2

  return Pair(d=d, g=lambda r, f: d(f, r))


def relativistic_least_squares() -> Pair:
  """RaLSGAN (Jolicoeur-Martineau 2019, appendix)."""

  def d(r: Array, f: Array) -> Array:
    return (mean((r - mean(f) - 1) ** 2) + mean((f - mean(r) + 1) ** 2)) / 2

  return Pair(d=d, g=lambda r, f: d(f, r))


def relativistic_hinge() -> Pair:
  """RaHingeGAN (Jolicoeur-Martineau 2019, appendix)."""

  def d(r: Array, f: Array) -> Array:
    return (mean(relu(1 - (r - mean(f)))) + mean(relu(1 + (f - mean(r))))) / 2

  return Pair(d=d, g=lambda r, f: d(f, r))


# --- f-GAN: Nowozin et al. 2016, tables 1 and 2, with V(x) = D(x) and T = g_f(V) -----------------

LOG2 = math.log(2)
STEEP = 40.0  # e^40 = 2e17: its square, and 1e4 times it, are still numbers in float32


def exp(v: Array) -> Array:
  """e^v up to v = 40, and then its tangent: a wild critic costs much, but not infinity."""
  return jnp.exp(jnp.minimum(v, STEEP)) * (1 + relu(v - STEEP))


class Divergence(NamedTuple):
  """One row of the tables, as functions of V and with the two steps composed in closed form."""

  output: Callable[[Array], Array]  # V -> g_f(V)
  conjugate: Callable[[Array], Array]  # V -> f*(g_f(V))


DIVERGENCES: Mapping[str, Divergence] = {
  'kl': Divergence(lambda v: v, lambda v: exp(v - 1)),
  'reverse_kl': Divergence(lambda v: -exp(-v), lambda v: v - 1),
  'pearson': Divergence(lambda v: v, lambda v: v**2 / 4 + v),
  'neyman': Divergence(lambda v: 1 - exp(-v), lambda v: 2 - 2 * exp(-v / 2)),
  'squared_hellinger': Divergence(lambda v: 1 - exp(-v), lambda v: exp(v) - 1),
  'jensen_shannon': Divergence(lambda v: LOG2 - softplus(-v), lambda v: softplus(v) - LOG2),
  'gan': Divergence(lambda v: -softplus(-v), softplus),
  'total_variation': Divergence(lambda v: jnp.tanh(v) / 2, lambda v: jnp.tanh(v) / 2),
}


def fgan(divergence: str = 'kl') -> Pair:
  """f-GAN (Nowozin et al. 2016, eq. 6): D ascends, G descends on E_p[g_f(V)] - E_q[f*(g_f(V))].

  Raises InputError for a divergence that the tables do not have.
  """
  row = _row(divergence)
  return Pair(
    d=lambda r, f: mean(row.conjugate(f)) - mean(row.output(r)),
    g=lambda r, f: -mean(row.conjugate(f)),
  )


def fgan_practical(divergence: str = 'kl') -> Pair:
  """f-GAN whose G maximises E_q[g_f(V)], as in the non-saturating game (their section 3.2)."""
  row = _row(divergence)
  return Pair(d=fgan(divergence).d, g=lambda r, f: -mean(row.output(f)))


def _row(divergence: str) -> Divergence:
  if divergence not in DIVERGENCES:
    known = ', '.join(DIVERGENCES)
    raise InputError(f'f-GAN has no divergence {divergence!r}; its tables have {known}.')
  return DIVERGENCES[divergence]


# --- b-GAN: Uehara et al. 2016, D as the logarithm of a density ratio -----------------------------


class Bregman(NamedTuple):
  """A convex f, at r = e^v: closed forms of what the two costs are made of, as functions of v."""

  slope: Callable[[Array], Array]  # f'(r)
  conjugate: Callable[[Array], Array]  # r f'(r) - f(r)
  value: Callable[[Array], Array]  # f(r)


BREGMANS: Mapping[str, Bregman] = {
  # r log r - (1 + r) log(1 + r): D's cost is that of the GAN of 2014
  'gan': Bregman(lambda v: -softplus(-v), softplus, lambda v: -exp(v) * softplus(-v) - softplus(v)),
  # (r - 1)^2 / 2: least squares
  'pearson': Bregman(
    lambda v: exp(v) - 1, lambda v: (exp(2 * v) - 1) / 2, lambda v: (exp(2 * v) + 1) / 2 - exp(v)
  ),
  # r log r
  'kl': Bregman(lambda v: v + 1, exp, lambda v: v * exp(v)),
  # -log r
  'reverse_kl': Bregman(lambda v: -exp(-v), lambda v: v - 1, lambda v: -v),
}


def bregman(divergence: str = 'gan') -> Pair:
  """b-GAN: D estimates the density ratio r = p_data / p_g = e^logit, G descends on E_q[f(r)].

  The Bregman divergence of r from the true ratio, E_q[f(p/q) - f(r) - f'(r) (p/q - r)], is up to a
  constant E_q[f'(r) r - f(r)] - E_p[f'(r)], which is D's cost; an f-divergence with the ratio put
  in is G's (Uehara et al. 2016). G is drawn to where f(r) is least: r as large as can be for 'gan'
  and 'reverse_kl', r = 1 for 'pearson', r = 1/e for 'kl'. Raises InputError for another name.
  """
  if divergence not in BREGMANS:
    raise InputError(f'b-GAN has no divergence {divergence!r}; there are {", ".join(BREGMANS)}.')
  row = BREGMANS[divergence]
  return Pair(
    d=lambda r, f: mean(row.conjugate(f)) - mean(row.slope(r)),
    g=lambda r, f: mean(row.value(f)),
  )
