"""Curves of precision and recall: against the definition by loops, and their corners."""

import jax
import numpy as np
import pytest

from gan_jax.metrics import prd as module
from gan_jax.metrics.prd import Curve, clustered, curve, f_score, prd
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)


def test_curve_is_its_definition():
  fake, real = RNG.integers(0, 9, 15), RNG.integers(0, 9, 15)
  found = curve(fake, real, 51)
  p, q = fake / fake.sum(), real / real.sum()
  for i, angle in enumerate(np.linspace(1e-10, np.pi / 2 - 1e-10, 51)):
    slope = np.sin(angle) / np.cos(angle)
    alpha = sum(min(slope * q[k], p[k]) for k in range(15))
    assert found.precision[i] == pytest.approx(alpha, rel=1e-9)
    assert found.recall[i] == pytest.approx(alpha / slope, rel=1e-9)


def test_curve_is_attained_by_a_common_part_at_every_point():
  """Definition 1 of the paper: fake = a m + (1 - a) u and real = b m + (1 - b) v."""
  p, q = RNG.dirichlet(np.ones(6)), RNG.dirichlet(np.ones(6))
  found = curve(p, q, 21)
  for a, b, angle in zip(*found, np.linspace(1e-10, np.pi / 2 - 1e-10, 21), strict=True):
    common = np.minimum(np.tan(angle) * q, p)
    common /= common.sum()
    assert np.all(p - a * common >= -1e-12)
    assert np.all(q - b * common >= -1e-12)


def test_curve_has_known_corners():
  same = curve([1, 1, 2], [2, 2, 4])
  assert max(same.precision * same.recall) == pytest.approx(1)
  assert [f_score(same, beta) for beta in (1 / 8, 1, 8)] == pytest.approx([1, 1, 1])
  apart = curve([1, 0], [0, 1])
  assert np.max(apart.precision) == 0
  assert f_score(apart, 8) == 0
  half = curve([1, 0], [1, 1])  # half of what is real, and nothing else
  assert np.max(half.precision) == pytest.approx(1)
  assert np.max(half.recall) == pytest.approx(0.5)
  twice = curve([1, 1], [1, 0])
  np.testing.assert_allclose(twice.precision, half.recall[::-1], atol=1e-9)


def test_f_score_of_one_point_is_known():
  one = Curve(np.array([0.5]), np.array([0.25]))
  assert f_score(one, 1) == pytest.approx(1 / 3)
  assert f_score(one, 8) == pytest.approx(65 * 0.125 / (64 * 0.5 + 0.25))
  assert f_score(one, 1 / 8) == pytest.approx((1 + 1 / 64) * 0.125 / (0.5 / 64 + 0.25))


def test_clustered_holds_everybody():
  fake, real = RNG.normal(size=(60, 3)), RNG.normal(6, 1, (60, 3))
  of_fake, of_real = clustered(fake, real, 4, 0)
  assert of_fake.sum() == of_real.sum() == 60
  assert np.all((of_fake == 0) | (of_real == 0))  # they lie far apart


def modes(n, which, sd=8):
  centre = np.random.default_rng(1).integers(40, 216, (8, 4, 4, 1))
  pixels = centre[RNG.choice(which, n)] + RNG.normal(0, sd, (n, 4, 4, 1))
  return np.clip(pixels, 0, 255).astype(np.uint8)


def measured(fake, real):
  return prd(
    sampler_of(fake), source_of(real), jax.random.key(0), n=160, features='pixels', k=10, runs=3
  )


def test_prd_tells_dropping_from_inventing(monkeypatch):
  four, eight = [0, 1, 2, 3], list(range(8))
  same = measured(modes(160, eight), modes(160, eight))
  monkeypatch.setattr(module, 'chart', lambda *of, **how: None)  # one picture is enough
  dropping = measured(modes(160, four), modes(160, eight))
  inventing = measured(modes(160, eight), modes(160, four))
  assert min(same['f8'], same['f1_8']) > 0.9
  assert dropping['f1_8'] > 0.9
  assert dropping['f8'] < 0.65
  assert inventing['f8'] > 0.9
  assert inventing['f1_8'] < 0.65
  assert max(dropping['prd'], inventing['prd']) < same['prd']
  assert same['curve'].shape == (320, 420, 3)
  assert same['protocol']['clusters'] == 10


def test_clustered_and_curve_refuse_bad_input():
  with refused('30 and 31'):
    clustered(RNG.normal(size=(30, 2)), RNG.normal(size=(31, 2)), 4, 0)
  with refused('50 or more', '30 and 30'):
    clustered(RNG.normal(size=(30, 2)), RNG.normal(size=(30, 2)), 50, 0)
  with refused((2,), (3,)):
    curve([1, 2], [1, 2, 3])
  with refused('nan', (30, 2)):
    clustered(np.full((30, 2), np.nan), RNG.normal(size=(30, 2)), 4, 0)
