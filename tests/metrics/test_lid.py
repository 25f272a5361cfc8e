"""LID finds the dimension that data have; CrossLID grows as modes are dropped and with noise."""

import jax
import numpy as np
import pytest

from gan_jax.metrics.lid import across, cross_lid, estimates, lid, of_set
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)


BASIS = np.linalg.qr(RNG.normal(size=(12, 12)))[0]


def ball(n, m):
  """n points of a ball of m dimensions, in 12."""
  x = RNG.normal(size=(n, m))
  x *= RNG.random((n, 1)) ** (1 / m) / np.linalg.norm(x, axis=1, keepdims=True)
  return x @ BASIS[:m]


def test_estimates_are_the_formula():
  distance = np.sort(RNG.random((20, 9)), axis=1)
  expected = [-9 / sum(np.log(d / row[-1]) for d in row) for row in distance]
  np.testing.assert_allclose(estimates(distance), expected)
  theirs = np.sort(np.linalg.norm(ball(40, 2)[:, None] - ball(50, 2)[None], axis=-1), axis=1)[:, :5]
  np.testing.assert_allclose(estimates(theirs), 5 / np.log(theirs[:, -1:] / theirs).sum(1))


@pytest.mark.parametrize('m', [1, 2, 5])
def test_of_set_finds_the_dimension_of_a_ball(m):
  x = ball(2500, m)
  inner = np.linalg.norm(x, axis=1) < 0.6  # at the surface half of the neighbours are missing
  assert np.mean(of_set(x, 100)[inner]) == pytest.approx(m, rel=0.08)


def test_across_has_the_estimates_of_two_sets():
  x, y = ball(60, 3), ball(90, 3)
  square = np.sort(np.linalg.norm(x[:, None] - y[None], axis=-1), axis=1)[:, :10]
  np.testing.assert_allclose(across(x, y, 10), estimates(square))


def test_across_grows_as_modes_are_dropped_and_with_noise():
  modes = lambda n: np.concatenate([ball(n // 2, 3), 5 + ball(n // 2, 3)])
  real = modes(600)
  mean = lambda fake: np.mean(across(real, fake, 50))
  good = mean(modes(600))
  assert mean(ball(600, 3)) > 2 * good
  assert mean(modes(600) + RNG.normal(size=(600, 12))) > 1.3 * good


def test_estimates_of_copies_are_0_and_of_equal_distances_inf():
  assert estimates(np.array([[0.0, 1.0, 2.0]]))[0] == 0
  assert estimates(np.array([[1.0, 1.0, 1.0]]))[0] == np.inf
  assert estimates(np.zeros((1, 3)))[0] == np.inf


def test_lid_and_cross_lid_are_means_of_the_estimates():
  real, fake = (RNG.integers(0, 256, (80, 4, 4, 1)).astype(np.uint8) for _ in range(2))
  given = sampler_of(fake), source_of(real), jax.random.key(0)
  unit = lambda x: x.reshape(80, -1).astype(np.float32) / 255
  found = lid(*given, n=80, k=20, features='pixels')
  assert found['lid'] == pytest.approx(np.mean(of_set(unit(fake), 20)), rel=1e-4)
  assert found['real'] == pytest.approx(np.mean(of_set(unit(real), 20)), rel=1e-4)
  crossed = cross_lid(*given, n=80, k=20, features='pixels')
  each = across(unit(real), unit(fake), 20)
  assert crossed['cross_lid'] == pytest.approx(np.mean(each), rel=1e-4)
  assert crossed['stderr'] == pytest.approx(np.std(each) / 80**0.5, rel=1e-3)
  assert crossed['protocol']['k'] == 20


def test_of_set_refuses_too_few_neighbours():
  with refused('k=100'):
    of_set(ball(100, 2))
