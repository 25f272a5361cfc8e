"""Glicko-2 (Glickman 2013, "Example of the Glicko-2 system"): skill and how sure one is of it.

Olsson et al. 2018 rate generators and discriminators by it: every meeting of the two is a match,
which the generator wins as often as its images are taken for real.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gan_jax.errors import InputError

SCALE = 173.7178  # rating points per unit of the model


class Rating(NamedTuple):
  """A player's: chances of winning are 1 to 10 where ratings lie 400 apart."""

  rating: float = 1500.0
  deviation: float = 350.0  # the standard error of the rating
  volatility: float = 0.06  # how much the skill is expected to change from period to period


def rated(
  player: Rating, opponents: Sequence[Rating], scores: Sequence[float], tau: float = 0.5
) -> Rating:
  """The rating after a period of games, with scores in [0, 1]: 1 won, 0 lost; steps 2 to 8.

  `tau` restrains the volatility, 0.3 to 1.2. Without games the deviation grows. Raises InputError
  for scores that do not go with the opponents.
  """
  s = np.asarray(scores, np.float64)
  if len(s) != len(opponents) or not np.all((s >= 0) & (s <= 1)):
    raise InputError(f'{len(opponents)} opponents take as many scores in [0, 1], not {scores}.')
  phi = player.deviation / SCALE
  if not len(s):
    return player._replace(deviation=SCALE * float(np.hypot(phi, player.volatility)))
  mu = (player.rating - 1500) / SCALE
  theirs = np.array([o[:2] for o in opponents], np.float64)
  mu_j, phi_j = (theirs[:, 0] - 1500) / SCALE, theirs[:, 1] / SCALE
  g = 1 / np.sqrt(1 + 3 * phi_j**2 / np.pi**2)
  expected = 1 / (1 + np.exp(-g * (mu - mu_j)))
  v = 1 / np.sum(g**2 * expected * (1 - expected))
  gain = np.sum(g * (s - expected))
  sigma = _volatility(player.volatility, v * gain, phi, v, tau)
  phi_new = 1 / np.sqrt(1 / (phi**2 + sigma**2) + 1 / v)
  mu_new = mu + phi_new**2 * gain
  return Rating(1500 + SCALE * float(mu_new), SCALE * float(phi_new), float(sigma))


def skills(rates: np.ndarray, periods: int = 10) -> tuple[list[Rating], list[Rating]]:
  """Ratings of D discriminators and G generators, of how often each fools each: f[D,G] in [0, 1].

  Every generator meets every discriminator once in a period; all are rated at its end. After more
  periods ratings lie further apart and deviations are smaller: compare at the same number only.
  """
  rates = np.asarray(rates, np.float64)
  judges, makers = [Rating()] * rates.shape[0], [Rating()] * rates.shape[1]
  for _ in range(periods):
    judges, makers = (
      [rated(d, makers, list(1 - row)) for d, row in zip(judges, rates, strict=True)],
      [rated(g, judges, list(column)) for g, column in zip(makers, rates.T, strict=True)],
    )
  return judges, makers


def _volatility(sigma: float, delta: float, phi: float, v: float, tau: float) -> float:
  """Step 5: the root of f, by the Illinois algorithm to 1e-6."""
  a = np.log(sigma**2)

  def f(x: float) -> float:
    e = np.exp(x)
    spread = phi**2 + v + e
    return e * (delta**2 - spread) / (2 * spread**2) - (x - a) / tau**2

  low = a
  if delta**2 > phi**2 + v:
    high = np.log(delta**2 - phi**2 - v)
  else:
    k = 1
    while f(a - k * tau) < 0:
      k += 1
    high = a - k * tau
  f_low, f_high = f(low), f(high)
  while abs(high - low) > 1e-6:
    middle = low + (low - high) * f_low / (f_high - f_low)
    f_middle = f(middle)
    if f_middle * f_high <= 0:
      low, f_low = high, f_high
    else:
      f_low /= 2
    high, f_high = middle, f_middle
  return float(np.exp(low / 2))
