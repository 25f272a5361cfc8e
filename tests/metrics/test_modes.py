"""Counting modes, on samples whose modes are known."""

import numpy as np
import pytest

from gan_jax.data import mixture
from gan_jax.metrics.modes import coverage


def test_the_ring_itself_covers_eight_distinct_modes():
  source = mixture.ring(n=2500)
  centres = np.asarray(source.meta['centres'])
  assert len(np.unique(centres.round(6), axis=0)) == 8
  found = coverage(source.arrays['image'], centres, source.meta['sigma'])
  assert found['modes'] == 8
  # Within 3 sigma of a plane Gaussian's centre lie 1 - e^-4.5 of its points.
  assert found['high_quality'] == pytest.approx(1 - np.exp(-4.5), abs=0.01)
  assert found['kl'] < 0.01


def test_a_collapsed_generator_finds_one_mode_and_its_kl_is_log_of_their_number():
  centres = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
  found = coverage(np.tile([1.0, 0.0], (100, 1)), centres, 0.1)
  assert found == {'modes': 1.0, 'high_quality': 1.0, 'kl': pytest.approx(np.log(4))}


def test_samples_far_from_every_mode_count_for_none():
  found = coverage(np.full((10, 2), 50.0), np.array([[0.0, 0], [1, 0]]), 0.1)
  assert (found['modes'], found['high_quality'], found['kl']) == (0.0, 0.0, np.inf)
