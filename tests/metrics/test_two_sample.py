"""The two-sample test by nearest neighbours, and what D makes of images held out.

Covers: metrics/overfitting.py.
"""

import jax
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from gan_jax.metrics.overfitting import overfitting
from gan_jax.metrics.two_sample import by_chance, leave_one_out, two_sample
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

rng = np.random.default_rng(0)
REAL = rng.normal(size=(500, 2, 2, 1)).astype(np.float32)
SHARES = ('fake', 'real', 'both')


def test_leave_one_out_tells_one_distribution_apart_by_chance():
  found = leave_one_out(rng.normal(size=REAL.shape).astype(np.float32), REAL)
  for name in SHARES:
    assert abs(found[name] - 0.5) < 0.08
  assert found['p'] > 1e-3


def test_leave_one_out_always_tells_samples_from_elsewhere():
  found = leave_one_out(REAL + 100, REAL)
  assert [found[name] for name in SHARES] == [1, 1, 1]
  assert found['p'] < 1e-50


def test_leave_one_out_takes_copies_for_the_other_kind():
  found = leave_one_out(REAL + 1e-4, REAL)
  assert found['both'] == 0
  assert found['p'] < 1e-50


def test_leave_one_out_shows_collapse_in_the_fakes_alone():
  found = leave_one_out(1e-3 * rng.normal(size=REAL.shape).astype(np.float32), REAL)
  assert found['fake'] > 0.95
  assert found['real'] > found['fake'] - 0.5


def test_leave_one_out_is_a_classifier_without_the_image_itself():
  fake, real = rng.normal(size=(35, 6)), rng.normal(0.4, 1, (45, 6))
  both, kind = np.concatenate([fake, real]), np.repeat([0, 1], [35, 45])
  rest = lambda i: np.arange(80) != i
  one = lambda i: KNeighborsClassifier(1).fit(both[rest(i)], kind[rest(i)]).predict(both[i : i + 1])
  right = np.array([one(i)[0] for i in range(80)]) == kind
  found = leave_one_out(fake, real)
  assert [found[name] for name in SHARES] == [right[:35].mean(), right[35:].mean(), right.mean()]


@pytest.mark.parametrize(('m', 'n', 'd'), [(40, 40, 2), (15, 60, 1), (3, 5, 20)])
def test_by_chance_is_what_calling_others_fake_gives(m, n, d):
  x = rng.normal(size=(m + n, d))
  row = NearestNeighbors(n_neighbors=1).fit(x).kneighbors(return_distance=False)[:, 0]
  kinds = rng.permuted(np.tile(np.repeat([0, 1], [m, n]), (20_000, 1)), axis=1)
  both = np.mean(kinds == kinds[:, row], axis=1)
  mean, deviation = by_chance(row, m, n)
  assert mean == pytest.approx(both.mean(), abs=5 * both.std() / 20_000**0.5)
  assert deviation == pytest.approx(both.std(), rel=0.03)


def test_leave_one_out_has_a_uniform_p_under_the_null():
  draw = lambda: rng.normal(size=(60, 5))
  p = np.array([leave_one_out(draw(), draw())['p'] for _ in range(150)])
  assert 0.4 < p.mean() < 0.65
  assert np.mean(p < 0.05) < 0.11


def test_leave_one_out_refuses_too_few_and_broken_ones():
  with refused('1 samples', '2 images'):
    leave_one_out(np.zeros((1, 2)), np.zeros((2, 2)))
  with refused('nan'):
    leave_one_out(np.full((9, 2), np.inf), np.zeros((9, 2)))


def test_two_sample_takes_samples_and_the_images_of_a_split():
  drawn, train, test = (rng.integers(0, 256, (n, 3, 3, 1)).astype(np.uint8) for n in (40, 9, 30))
  found = two_sample(sampler_of(drawn), source_of(train, test=test), jax.random.key(0))
  expected = leave_one_out(drawn[:30] / np.float32(255), test / np.float32(255))
  assert {name: found[name] for name in expected} == pytest.approx(expected)
  assert found['two_sample'] == found['both']
  assert found['protocol']['n_fake'] == found['protocol']['n_real'] == 30


class Sampler:
  """Draws the training images less 1; D scores an image by its mean."""

  see = staticmethod(np.float32)
  unit = staticmethod(lambda x: x)
  critic = staticmethod(lambda x: x.mean((1, 2, 3)))

  @staticmethod
  def draw(key, n):
    return np.full((n, 2, 2, 1), -1, np.float32)


def split(name=None):
  return source_of(np.full((10, 2, 2, 1), 3.0 if name is None else 1.0, np.float32))()


def test_overfitting_is_how_far_d_takes_unseen_images_for_fake():
  found = overfitting(Sampler, split, None, n=5)
  assert found == {'train': 3, 'held_out': 1, 'fake': -1, 'r_v': 0.5}


def test_overfitting_refuses_a_critic_of_batches():
  blind = type('Blind', (Sampler,), {'critic': None})
  with refused('BatchNorm'):
    overfitting(blind, split, None)
