"""alpha-precision and beta-recall: against the formula by loops; on shifted and dropped data."""

import jax
import numpy as np
import pytest

from gan_jax.metrics.alpha_beta import SHARES, alpha_beta, curves, integrated
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)


def normal(n, d=6):
  return RNG.normal(size=(n, d)).astype(np.float32)


def both(real, fake, **how):
  return [integrated(curve) for curve in curves(real, fake, **how)]


def test_curves_are_the_estimator_of_the_authors():
  real, fake = normal(140), 0.9 * normal(120) + 0.1
  norm = lambda a, b: np.linalg.norm(a[:, None] - b[None], axis=-1)
  among, across = np.sort(norm(real, real), axis=1), norm(real, fake)
  centre, middle = real.mean(0, keepdims=True), fake.mean(0, keepdims=True)
  of_nearest = norm(fake, middle)[across.argmin(1), 0]
  found = curves(real, fake, k=1)
  for i, share in enumerate(SHARES):
    radius = np.quantile(norm(real, centre), share)
    assert found.precision[i] == np.mean(norm(fake, centre) <= radius * (1 + 1e-6))
    typical = of_nearest <= np.quantile(of_nearest, share) * (1 + 1e-6)
    assert found.recall[i] == np.mean((across.min(1) <= among[:, 1]) & typical)


def test_integrated_is_one_on_the_diagonal_and_falls_off_it():
  assert integrated(SHARES) == 1
  assert integrated(SHARES / 2) == pytest.approx(0.5, abs=0.02)  # the rectangles of 30 points
  assert integrated(np.zeros(30)) == pytest.approx(0, abs=0.04)


def test_integrated_is_nearly_one_of_samples_of_the_distribution():
  precision, recall = both(normal(600), normal(600))
  assert precision > 0.9
  assert recall > 0.9
  assert both(normal(600), normal(600), k=1)[1] == pytest.approx(0.5, abs=0.08)


def test_integrated_falls_where_it_should():
  real = np.concatenate([normal(300), 8 + normal(300)])
  iid = both(real, np.concatenate([normal(300), 8 + normal(300)]))
  dropped = both(real, normal(600))
  noisy = both(real, np.concatenate([3 * normal(300), 8 + 3 * normal(300)]))
  assert dropped[1] < iid[1] - 0.2
  assert noisy[0] < iid[0] - 0.1
  assert both(real, 1000 + normal(600))[0] < 0.05


def test_alpha_beta_is_of_the_features_of_both_sets():
  real, fake = (RNG.integers(0, 256, (60, 4, 4, 1)).astype(np.uint8) for _ in range(2))
  found = alpha_beta(
    sampler_of(fake), source_of(real), jax.random.key(0), n=60, features='pixels', k=3
  )
  unit = lambda x: x.reshape(60, -1).astype(np.float32) / 255
  expected = both(unit(real), unit(fake), k=3)
  assert [found['alpha_precision'], found['beta_recall']] == pytest.approx(expected, abs=0.05)
  assert found['protocol']['k'] == 3


def test_curves_refuse_too_few():
  with refused('k=5'):
    curves(normal(4), normal(9))
