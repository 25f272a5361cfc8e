"""Low-level statistics: against scipy and scikit-image, loops, and what they see."""

import jax
import numpy as np
import pytest
from scipy import signal, stats

from gan_jax.metrics import low_level as module
from gan_jax.metrics.low_level import (
  EDGES,
  Statistics,
  distances,
  exponent,
  filters,
  gradients,
  low_level,
  region_areas,
  responses,
  statistics,
  weibull,
)
from gan_jax.metrics.pictures import grey
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of
from tests.metrics.test_image_quality import noisy, smooth
from tests.metrics.test_sharpness import blurred

RNG = np.random.default_rng(0)
IMAGES = smooth(6, 20)


def test_weibull_equals_scipy():
  x = 7 * RNG.weibull(0.8, 4000)
  shape, _, scale = stats.weibull_min.fit(x, floc=0)
  assert weibull(x) == pytest.approx((shape, scale), rel=1e-4)
  assert weibull(x) == pytest.approx((0.8, 7), rel=0.06)
  assert weibull(1e200 * x)[0] == pytest.approx(weibull(x)[0])
  assert np.isnan(weibull(np.ones(5))).all()


def test_responses_equal_scipy(monkeypatch):
  by = filters(3, RNG)
  np.testing.assert_allclose(by.sum(axis=(1, 2)), 0, atol=1e-12)
  np.testing.assert_allclose((by**2).sum(axis=(1, 2)), 1)
  x = grey(IMAGES)
  monkeypatch.setattr(module, 'PLACES', 30)  # two rows of an image at a time
  found = np.concatenate(list(responses(x, by)), axis=1)
  for i in range(3):
    expected = np.concatenate([signal.correlate2d(one, by[i], 'valid').ravel() for one in x])
    np.testing.assert_allclose(found[i], expected, atol=1e-9)


def test_region_areas_equal_scikit_image():
  package = pytest.importorskip('skimage.measure')
  x = grey(IMAGES)
  expected = []
  for one in x:
    label = package.label((one * 16 / 256).astype(int), connectivity=1, background=-1)
    expected += np.bincount(label.ravel())[1:].tolist()
  assert sorted(region_areas(x)) == sorted(expected)
  assert sum(expected) == x.size


def test_region_areas_of_known_pictures():
  board = np.indices((4, 4)).sum(0)[None] % 2 * 255.0
  assert region_areas(board).tolist() == [1] * 16
  stripes = np.tile([0.0, 255.0], (2, 4, 2))  # in two images, which do not touch each other
  assert region_areas(stripes).tolist() == [4] * 8
  assert region_areas(np.full((1, 3, 3), 255.0)).tolist() == [9]


def test_statistics_are_of_all_images_whatever_the_blocks(monkeypatch):
  by = filters(2, RNG)
  whole = statistics(IMAGES, by)
  monkeypatch.setattr(module.pictures, 'ROOM', 2 * 20 * 20 * 3)
  parts = statistics(IMAGES, by)
  for a, b in zip(whole, parts, strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-9)
  x = grey(IMAGES)
  every = np.concatenate(list(responses(x, by)), axis=1)[1]
  assert whole.kurtosis[1] == pytest.approx(stats.kurtosis(every, fisher=False))
  lengths = gradients(x)
  edges = np.concatenate([[0], EDGES, [np.inf]])
  np.testing.assert_array_equal(whole.contrast, np.histogram(lengths, edges)[0])
  np.testing.assert_array_equal(whole.filtered[1], np.histogram(np.abs(every), edges)[0])
  down, right = np.diff(x, axis=1)[:, :, :-1], np.diff(x, axis=2)[:, :-1]
  np.testing.assert_allclose(lengths, np.sqrt(down**2 + right**2).ravel())
  assert whole.weibull == pytest.approx(weibull(lengths[lengths > 0]))
  sizes = region_areas(x)
  assert whole.regions == pytest.approx(len(sizes) / 6)
  assert whole.areas[2] == np.sum((sizes >= 4) & (sizes < 8))


def test_statistics_thin_many_gradients_evenly(monkeypatch):
  by = filters(1, RNG)
  monkeypatch.setattr(module, 'VALUES', 600)
  found = statistics(IMAGES, by).weibull
  assert found == pytest.approx(weibull(np.sort(gradients(grey(IMAGES)))[5:]), rel=0.2)


def test_statistics_find_noise_gaussian_and_a_power_laws_exponent():
  noise = np.clip(RNG.normal(128, 20, (40, 16, 16, 1)), 0, 255).astype(np.uint8)
  found = statistics(noise, filters(4, RNG))
  np.testing.assert_allclose(found.kurtosis, 3, atol=0.3)
  assert found.weibull[0] == pytest.approx(1.9, abs=0.2)  # near a Rayleigh distribution's 2
  octaves = np.array([int(1e6 * 2.0**-k) for k in range(10)])  # density falls as area^-2
  assert exponent(octaves) == pytest.approx(-2, abs=1e-3)
  assert np.isnan(exponent(np.array([0, 5])))


def test_distances_are_of_each_kind():
  one = Statistics(np.array([1, 0]), (1.0, 1.0), np.array([[1, 0]]), np.ones(1), np.array([3]), 3.0)
  other = one._replace(contrast=np.array([0, 1]), areas=np.array([0, 0, 3]))
  assert distances(one, one) == dict(contrast=0, filters=0, regions=0)
  found = distances(one, other)
  assert found == pytest.approx(dict(contrast=np.log(2), filters=0, regions=np.log(2)))


def measured(fake, real):
  return low_level(sampler_of(fake), source_of(real), jax.random.key(0), n=len(real), count=4)


def test_low_level_sees_blur_and_noise():
  real = noisy(smooth(40, 24, 1), 5)
  same = measured(noisy(smooth(40, 24, 1), 5), real)
  soft, rough = measured(blurred(real, 1.5), real), measured(noisy(real, 25), real)
  assert same['low_level'] < 3 * same['halves']
  for worse in (soft, rough):
    assert worse['low_level'] > 4 * same['low_level']
  assert soft['weibull_scale'] < same['weibull_scale'] < rough['weibull_scale']
  assert soft['regions_per_image'] < same['regions_per_image'] < rough['regions_per_image']
  assert soft['real_kurtosis'] == rough['real_kurtosis']
  assert same['protocol']['filters'] == 4
  assert {'area_exponent', 'real_area_exponent', 'contrast', 'filters', 'regions'} <= same.keys()


def test_low_level_takes_small_black_images_and_no_smaller_ones():
  black = np.zeros((4, 8, 8, 1), np.uint8)
  found = measured(black, smooth(4, 8, 1))
  assert np.isfinite(found['low_level'])
  assert np.isnan(found['weibull_shape'])
  with refused('8x8', '7x7'):
    measured(smooth(4, 7, 1), smooth(4, 7, 1))
