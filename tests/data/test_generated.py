"""The sets that need no file: digits, mixtures, synthetic.

Covers: data/digits.py, data/mixture.py, data/synthetic.py.
"""

import subprocess
import sys

import numpy as np
import pytest

from gan_jax.data.digits import digits
from gan_jax.data.mixture import grid, ring, swiss_roll
from gan_jax.data.source import digest
from gan_jax.data.synthetic import synthetic
from tests.messages import refused


def test_digits_survive_rescaling():
  from sklearn.datasets import load_digits

  source = digits(split='train+test')
  image = source.arrays['image']
  assert image.shape == (1797, 8, 8, 1)
  assert image.dtype == np.uint8
  assert (image.min(), image.max()) == (0, 255)
  np.testing.assert_array_equal(np.rint(image[..., 0] * (16 / 255)), load_digits().images)
  np.testing.assert_array_equal(source.arrays['label'], load_digits().target)


def test_digits_splits_hold_all_classes():
  train, test = digits(), digits('test')
  assert (len(train), len(test)) == (1500, 297)
  for source in (train, test):
    assert np.bincount(source.arrays['label']).min() > 25
    assert source.meta['sha256']['image'] == digest(source.arrays['image'])


def test_digits_import_nothing_that_takes_seconds():
  code = 'import sys; from gan_jax.data.digits import digits; digits(); print(*sys.modules)'
  loaded = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
  assert not {'sklearn', 'pandas', 'torch'} & set(loaded.stdout.split())


def test_ring_has_eight_distinct_modes():
  source = ring()
  centres = np.array(source.meta['centres'])
  apart = np.linalg.norm(centres[:, None] - centres, axis=-1) + 9 * np.eye(8)
  assert centres.shape == (8, 2)
  assert apart.min() == pytest.approx(4 * np.sin(np.pi / 8))
  point, label = source.arrays['image'], source.arrays['label']
  assert (point.dtype, label.dtype) == (np.float32, np.int32)
  away = point - centres[label]
  assert away.std() == pytest.approx(0.02, rel=0.02)
  np.testing.assert_array_equal(np.linalg.norm(point[:, None] - centres, axis=-1).argmin(1), label)
  assert np.bincount(label).min() > 0.9 * len(source) / 8


def test_grid_has_25_modes_and_scale_moves_all_alike():
  one, other = grid(n=2000), grid(n=2000, scale=2.828)
  np.testing.assert_allclose(one.arrays['image'], other.arrays['image'] * 2.828, rtol=1e-5)
  np.testing.assert_allclose(one.meta['centres'], np.array(other.meta['centres']) * 2.828)
  assert len(np.unique(np.round(one.meta['centres'], 6), axis=0)) == 25
  assert np.abs(one.meta['centres']).max() == 4
  assert other.meta['sigma'] == pytest.approx(0.05 / 2.828)


def test_swiss_roll_is_a_spiral_without_labels():
  source = swiss_roll(n=5000, noise=0.0)
  x, y = source.arrays['image'].astype(float).T * 7.5
  radius = np.hypot(x, y)  # the roll's own parameter t
  np.testing.assert_allclose(x, radius * np.cos(radius), atol=1e-4)
  assert 1.5 * np.pi <= radius.min() < radius.max() <= 4.5 * np.pi
  assert 'label' not in source.arrays
  assert 'centres' not in source.meta


@pytest.mark.parametrize('make', [ring, grid, swiss_roll, synthetic])
def test_sources_are_seeded_and_train_is_not_test(make):
  same = [make(n=50, seed=3).arrays['image'] for _ in range(2)]
  np.testing.assert_array_equal(*same)
  test = make('test', n=50, seed=3).arrays['image']
  other = make(n=50, seed=4).arrays['image']
  for image in (test, other):
    met = (image[:, None] == same[0]).reshape(50, 50, -1).all(-1)
    assert not met.any()


@pytest.mark.parametrize('shape', [(8, 8, 1), (17, 30, 3), (64, 64, 4)])
def test_synthetic_classes_can_be_told_apart(shape):
  source = synthetic(shape=shape, n=400, classes=3)
  image, label = source.arrays['image'], source.arrays['label']
  assert image.shape == (400, *shape)
  assert (image.dtype, label.dtype) == (np.uint8, np.int32)
  assert set(label) == {0, 1, 2}
  flat = image.mean(-1).reshape(400, -1)
  means = [flat[:300][label[:300] == k].mean(0) for k in range(3)]
  centred = [m - m.mean() for m in means]
  guess = np.argmax([(flat[300:] @ (c / np.linalg.norm(c))) for c in centred], axis=0)
  assert np.mean(guess == label[300:]) > 0.4  # three classes: chance is a third


@pytest.mark.parametrize('given', [{'n': 0}, {'shape': (8, 8, 2)}, {'classes': 0}])
def test_synthetic_refuses_what_cannot_be_drawn(given):
  ((key, value),) = given.items()
  with refused('synthetic', f'{key}={value}'):
    synthetic(**given)


def test_ring_refuses_no_points():
  with refused('n=0'):
    ring(n=0)
