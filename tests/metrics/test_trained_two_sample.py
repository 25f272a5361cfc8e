"""A trained classifier tells two samples apart, and does so by chance where there is nothing."""

import jax
import numpy as np
import pytest
from scipy.stats import norm
from sklearn.neighbors import KNeighborsClassifier

from gan_jax.metrics import trained_two_sample as test
from gan_jax.metrics.trained_two_sample import told_apart, trained_two_sample
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)


def normal(n, shift=0.0, d=6):
  return RNG.normal(shift, 1, (n, d)).astype(np.float32)


@pytest.mark.parametrize('classifier', [test.net, test.neighbours, test.linear])
def test_told_apart_by_chance_under_the_null_and_surely_from_afar(classifier):
  null = told_apart(normal(300), normal(300), classifier)
  assert abs(null.accuracy - 0.5) < 4 * null.stderr
  far = told_apart(normal(400, shift=4), normal(400), classifier)
  assert far.accuracy > 0.95
  assert far.p < 1e-15


def test_told_apart_has_a_uniform_p_under_the_null():
  p = [told_apart(normal(100), normal(100), test.neighbours, seed).p for seed in range(60)]
  assert 0.3 < np.mean(p) < 0.7
  assert np.mean(np.array(p) < 0.05) < 0.15


def test_told_apart_has_the_p_of_a_normal_of_variance_1_in_4m():
  right = lambda known, real, asked, seed: np.ones(len(asked), int)
  found = told_apart(normal(70), normal(71), right)
  held = found.accuracy * 71
  assert held == pytest.approx(round(held))
  assert found.stderr == pytest.approx(np.sqrt(1 / (4 * 71)))
  assert found.p == pytest.approx(1 - norm.cdf(found.accuracy, 0.5, found.stderr))


def test_neighbours_vote_as_scikit_learns_do():
  known, asked = normal(121), normal(80)
  real = np.repeat([0, 1], [60, 61])
  theirs = KNeighborsClassifier(11).fit(known, real).predict(asked)  # 11: no ties
  np.testing.assert_array_equal(test.neighbours(known, real, asked, 0), theirs)


def test_told_apart_by_neighbours_what_a_line_does_not_see():
  fake, real = normal(1000, d=2), normal(1000, d=2)
  fake[:, 1], real[:, 1] = np.abs(fake[:, 0]), -np.abs(real[:, 0])
  fake[:, 1] += 0.5
  real[:, 1] *= -1
  assert told_apart(fake, real, test.linear).accuracy < 0.8
  assert told_apart(fake, real, test.neighbours).accuracy > 0.95


def test_trained_two_sample_sees_dark_images():
  fake, real = (RNG.integers(0, 256, (120, 4, 4, 1)).astype(np.uint8) for _ in range(2))
  found = trained_two_sample(
    sampler_of(fake // 2), source_of(real, test=real[:100]), jax.random.key(0), features='pixels',
    classifier='linear',
  )  # fmt: skip
  assert found['trained_two_sample'] > 0.8
  assert found['protocol']['n_fake'] == 100
  assert found['protocol']['classifier'] == 'linear'


def test_trained_two_sample_refuses_what_cannot_be_tested():
  with refused("classifier='forest'", 'net', 'neighbours', 'linear'):
    trained_two_sample(None, source_of(np.zeros((2, 2, 2, 1))), None, classifier='forest')
  with refused('1 samples', '9 images'):
    told_apart(normal(1), normal(9))
