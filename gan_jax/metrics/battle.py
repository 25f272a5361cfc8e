"""Generators compared by discriminators, each other's or a common one: no features, no reference.

Scores are logits: above 0 an image was taken for real. `scores[i][j]` is what the discriminator of
model i says of images f[N], of generator j; `own` what the discriminators say of real test images.
All numbers are relative to the models that take part.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gan_jax.errors import InputError


class Gam(NamedTuple):
  """The generative adversarial metric of model 1 against model 2 (Im et al. 2016, eqs. 7 to 9)."""

  test: float  # error of D1 on test images / error of D2; the samples decide if it is about 1
  samples: float  # error of D1 on images of G2 / error of D2 on images of G1; below 1, G1 is better
  winner: int  # 1 or 2; 0 of a tie


def gam(
  real_1: np.ndarray,
  real_2: np.ndarray,
  of_2_by_1: np.ndarray,
  of_1_by_2: np.ndarray,
  about: float = 0.1,
) -> Gam:
  """Logits f[N] of D1 and D2 on real test images, of D1 on G2's images, of D2 on G1's.

  It is a tie if the discriminators do not do equally well on real images, to `about` of 1: then one
  of them was overfitted, and its verdict on samples says nothing. Two errors of 0 are as 1 to 1.
  """
  wrong = lambda logits: float(np.mean(_checked(logits) <= 0))
  fooled = lambda logits: float(np.mean(_checked(logits) > 0))
  test = _ratio(wrong(real_1), wrong(real_2))
  samples = _ratio(fooled(of_2_by_1), fooled(of_1_by_2))
  fair = abs(test - 1) <= about and samples != 1
  return Gam(test, samples, (1 if samples < 1 else 2) if fair else 0)


def fooled(scores: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
  """The share of each generator's images that each discriminator takes for real: f64[D,G]."""
  return np.array([[np.mean(_checked(of) > 0) for of in row] for row in scores])


def win_rates(rates: np.ndarray, others: bool = True) -> np.ndarray:
  """How often each generator fools, over the discriminators: rates f[M,M] -> f64[M].

  The tournament win rate of Olsson et al. 2018. The one that a generator was trained against knows
  it best, and is left out unless `others` is False or there is no other.
  """
  rates = np.asarray(rates, np.float64)
  if not others or len(rates) == 1:
    return rates.mean(axis=0)
  return (rates.sum(axis=0) - np.diagonal(rates)) / (len(rates) - 1)


def nrds(curves: np.ndarray) -> np.ndarray:
  """Normalised relative discriminative scores (Zhang et al. 2018, eqs. 9 and 10): f64[M], sum 1.

  curves f[M,E]: the mean output in [0, 1] of a discriminator of real images against all models'
  fakes, on those of each model, after each of E epochs. A_i is the area under a curve, by
  trapezia, and A_i / sum A the score: the later its fakes are found out, the higher.
  """
  curves = np.asarray(curves, np.float64)
  if curves.ndim != 2 or curves.shape[1] < 2:
    raise InputError(f'NRDS takes curves [models, epochs > 1], not {curves.shape}.')
  if not (np.all(curves >= 0) and np.all(curves <= 1)):
    raise InputError('NRDS takes what a discriminator says in [0, 1], not logits, not nan.')
  areas = np.trapezoid(curves, axis=1)
  return areas / areas.sum() if areas.sum() else np.full(len(curves), 1 / len(curves))


def found_out(
  real: np.ndarray, fakes: Sequence[np.ndarray], epochs: int = 20, width: int = 64, seed: int = 0
) -> np.ndarray:
  """The curves that `nrds` takes: features real f[N,D], fakes M times f[n,D] -> f64[M,epochs].

  The discriminator is one hidden layer of ReLUs, trained by Adam, 64 images at a time, on the real
  and all the fakes, each model's as many. Raises InputError if they are not.
  """
  from sklearn.neural_network import MLPClassifier

  real, *fakes = (np.asarray(a, np.float32).reshape(len(a), -1) for a in (real, *fakes))
  if len({f.shape for f in fakes}) != 1 or real.shape[1:] != fakes[0].shape[1:]:
    raise InputError(
      f'models are compared by equally many images of one shape; there are {real.shape} of real '
      f'ones and {", ".join(str(f.shape) for f in fakes)} of fakes.'
    )
  middle, unit = real.mean(axis=0), float(real.std()) or 1.0
  real, *fakes = ((a - middle) / unit for a in (real, *fakes))
  x = np.concatenate([real, *fakes])
  y = np.arange(len(x)) < len(real)
  D = MLPClassifier((width,), batch_size=min(64, len(x)), random_state=seed)
  curves = []
  for _ in range(epochs):
    D.partial_fit(x, y, classes=[False, True])
    curves.append([np.mean(D.predict_proba(fake)[:, 1]) for fake in fakes])
  return np.array(curves).T


def _ratio(a: float, b: float) -> float:
  if a == b:
    return 1.0
  return a / b if b else float('inf')


def _checked(logits: np.ndarray) -> np.ndarray:
  logits = np.asarray(logits)
  if logits.ndim != 1 or not len(logits) or not np.all(np.isfinite(logits)):
    raise InputError(f'a battle is of finite logits f[N], N > 0, not of {logits.shape} or nan.')
  return logits
