"""The two-sample test by nearest neighbours, and what D makes of images held out."""

import numpy as np
import pytest

from gan_jax.errors import InputError
from gan_jax.metrics.overfitting import overfitting
from gan_jax.metrics.two_sample import leave_one_out, two_sample

rng = np.random.default_rng(0)
REAL = rng.normal(size=(500, 2, 2, 1)).astype(np.float32)


def test_samples_of_the_same_distribution_are_told_apart_by_chance():
  found = leave_one_out(rng.normal(size=REAL.shape).astype(np.float32), REAL)
  for share in found.values():
    assert abs(share - 0.5) < 0.08


def test_samples_from_elsewhere_are_always_told_apart():
  assert leave_one_out(REAL + 100, REAL) == {'fake': 1, 'real': 1, 'both': 1}


def test_copies_are_taken_for_the_other_kind():
  assert leave_one_out(REAL + 1e-4, REAL)['both'] == 0


def test_collapse_shows_in_the_fakes_alone():
  found = leave_one_out(1e-3 * rng.normal(size=REAL.shape).astype(np.float32), REAL)
  assert found['fake'] > 0.95
  assert found['real'] > found['fake'] - 0.5


class Source:
  def __init__(self, image):
    self.arrays = {'image': image}


class Sampler:
  """Draws the training images less 1; D scores an image by its mean."""

  see = staticmethod(np.float32)
  unit = staticmethod(lambda x: x)
  critic = staticmethod(lambda x: x.mean((1, 2, 3)))

  @staticmethod
  def draw(key, n):
    return np.full((n, 2, 2, 1), -1, np.float32)


def split(name=None):
  return Source(np.full((10, 2, 2, 1), 3.0 if name is None else 1.0, np.float32))


def test_the_eval_takes_samples_and_the_images_of_a_split():
  found = two_sample(Sampler, split, None, n=6)
  assert found == {'fake': 1, 'real': 1, 'both': 1}


def test_overfitting_is_how_far_d_takes_unseen_images_for_fake():
  found = overfitting(Sampler, split, None, n=5)
  assert found == {'train': 3, 'held_out': 1, 'fake': -1, 'r_v': 0.5}


def test_a_critic_of_batches_is_refused():
  blind = type('Blind', (Sampler,), {'critic': None})
  with pytest.raises(InputError, match='BatchNorm'):
    overfitting(blind, split, None)
