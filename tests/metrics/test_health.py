"""Health and diversity: by loops over pairs, and of generators that are well and that collapsed."""

import jax
import numpy as np
import pytest

from gan_jax.metrics.frechet import distance, moments
from gan_jax.metrics.health import health
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def images(n, high=256):
  return RNG.integers(0, high, (n, 3, 3, 1)).astype(np.uint8)


def of(fake, real):
  return health(sampler_of(fake), source_of(real), KEY, n=60, features='pixels')


def test_health_is_the_distance_and_the_ratio_of_pairs_squares():
  real, fake = images(60), images(60, 200)
  found = of(fake, real)
  flat = lambda x: x.reshape(len(x), -1) / 255
  pairs = lambda x: np.mean([np.sum((a - b) ** 2) for a in flat(x) for b in flat(x)])
  assert found['diversity'] == pytest.approx(pairs(fake) / pairs(real), rel=1e-5)
  expected = distance(moments(flat(real)), moments(flat(fake)))
  assert found['health'] == pytest.approx(expected, rel=1e-4)
  assert found['protocol']['n_fake'] == 60


def test_health_falls_behind_as_a_generator_collapses():
  real = images(60)
  well, few, one = of(images(60), real), of(images(4)[np.arange(60) % 4], real), of(
    np.repeat(images(1), 60, axis=0), real
  )  # fmt: skip
  assert well['diversity'] == pytest.approx(1, abs=0.15)
  assert one['diversity'] == pytest.approx(0, abs=1e-9)
  assert well['diversity'] > few['diversity'] > one['diversity']
  assert well['health'] < few['health'] < one['health']
