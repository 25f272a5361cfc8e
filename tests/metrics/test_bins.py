"""Bins: the z-test and the divergence against packages, and what bins see."""

import jax
import numpy as np
import pytest

from gan_jax.metrics.bins import centres_of, counts, different, jensen_shannon, ndb, z_scores
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)
A = np.array([40, 0, 25, 35, 0])
B = np.array([70, 10, 60, 60, 0])


def test_z_scores_equal_statsmodels():
  package = pytest.importorskip('statsmodels.stats.proportion')
  for i in range(4):
    z, p = package.proportions_ztest([A[i], B[i]], [100, 200])
    assert z_scores(A, B)[i] == pytest.approx(z, abs=1e-12)
    assert different(A, B)[i] == (p < 0.05)
    assert different(A, B, level=p * 1.001)[i]
    assert not different(A, B, level=p * 0.999)[i]
  assert z_scores(A, B)[4] == 0


def test_jensen_shannon_equals_scipy():
  from scipy.spatial.distance import jensenshannon

  assert jensen_shannon(A, B) == pytest.approx(jensenshannon(A, B) ** 2, abs=1e-12)
  assert jensen_shannon(A, 3 * A) == 0
  assert jensen_shannon([1, 0], [0, 2]) == pytest.approx(np.log(2))


def test_counts_are_of_the_nearest_centre():
  x, centres = RNG.normal(size=(200, 5)), RNG.normal(size=(7, 5))
  label = np.linalg.norm(x[:, None] - centres[None], axis=-1).argmin(1)
  np.testing.assert_array_equal(counts(x, centres), np.bincount(label, minlength=7))
  assert counts(np.zeros((4, 2)), np.array([[0.0, 0], [9, 9]])).tolist() == [4, 0]


def test_z_scores_and_divergence_are_golden_numbers():
  """z by hand: 0.05 / sqrt(11/30 x 19/30 x 3/200)."""
  assert z_scores(A, B)[0] == pytest.approx(0.8471737, abs=1e-6)
  assert different(A, B).tolist() == [False, True, False, False, False]
  assert jensen_shannon(A, B) == pytest.approx(0.0202631, abs=1e-6)


def test_different_are_a_twentieth_of_the_bins_by_chance():
  draw = lambda: RNG.multinomial(2000, np.full(400, 1 / 400))
  shares = [np.mean(different(draw(), draw())) for _ in range(5)]
  assert np.mean(shares) == pytest.approx(0.05, abs=0.02)  # counts near 5 are not quite normal


def modes(n, k=6):
  centre = np.random.default_rng(1).integers(40, 216, (6, 4, 4, 1))
  noise = RNG.normal(0, 10, (n, 4, 4, 1))
  return np.clip(centre[RNG.integers(0, k, n)] + noise, 0, 255).astype(np.uint8)


def measured(fake, real):
  return ndb(sampler_of(fake), source_of(real), jax.random.key(0), n=300, k=12)


def test_ndb_sees_dropped_modes():
  real = modes(600)
  same, dropped = measured(modes(300), real), measured(modes(300, 3), real)
  assert same['ndb'] <= 0.3
  assert dropped['ndb'] > 0.7
  assert dropped['jsd'] > 5 * same['jsd']
  assert dropped['real'] == same['real'] <= 0.3
  assert same['protocol']['bins'] == 12
  assert same['protocol']['n_bins_of'] == 300


def test_ndb_of_copies_is_less_than_of_further_real_images():
  real = RNG.integers(0, 256, (600, 4, 4, 1)).astype(np.uint8)
  found = measured(real[::2], real)
  assert found['ndb'] == 0
  assert found['jsd'] == 0
  assert found['real_jsd'] > 0.001


def test_counts_and_z_scores_refuse_bad_input():
  with refused('50 bins', '20 real'):
    centres_of(np.zeros((20, 3)), 50)
  with refused('nan', (3, 2)):
    counts(np.full((3, 2), np.nan), np.zeros((2, 2)))
  with refused((2,), 'bins'):
    z_scores(np.array([1, 2]), np.array([0, 0]))
