"""The nearest training images, against brute force."""

import jax
import numpy as np
import pytest

from gan_jax.figures.neighbours import FRAME, neighbours
from gan_jax.sampling import still
from tests.messages import refused
from tests.metrics.standing import source_of

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def test_neighbours_ends_a_row_with_the_image_nearest_to_the_last():
  real = RNG.integers(0, 256, (50, 5, 4, 3), np.uint8)
  fake = RNG.integers(0, 256, (6, 5, 4, 3), np.uint8)
  found = neighbours(still(fake), source_of(real), KEY, rows=2, columns=3, zoom=1)
  for r, sample in enumerate(fake[2::3]):
    gap = np.linalg.norm(real.reshape(50, -1) - sample.reshape(-1).astype(float), axis=1)
    row = found['neighbours'][r * 9 : (r + 1) * 9]
    np.testing.assert_array_equal(row[2:7, 3 * 8 + 2 : 3 * 8 + 6], real[np.argmin(gap)])
    np.testing.assert_array_equal(row[2:7, 2 * 8 + 2 : 2 * 8 + 6], sample)
    np.testing.assert_array_equal(row[0, 3 * 8 : 4 * 8], np.broadcast_to(FRAME, (8, 3)))
  gaps = np.linalg.norm(
    real.reshape(1, 50, -1) - fake[2::3].reshape(2, 1, -1).astype(float), axis=2
  )
  assert found['distance'] == pytest.approx(gaps.min(1).mean() / 255)


def test_neighbours_of_copies_are_at_distance_0_in_any_features():
  real = RNG.integers(0, 256, (30, 4, 4, 1), np.uint8)
  for features in (None, 'pixels', 'random_conv'):
    options = dict(rows=2, columns=2, features=features)
    found = neighbours(still(real[:4]), source_of(real), KEY, **options)
    assert found['distance'] == pytest.approx(0, abs=1e-5)


def test_neighbours_refuses_points():
  point = np.zeros((40, 2), np.float32)
  with refused('points', '(2,)'):
    neighbours(still(point), source_of(point), KEY)
