"""Sharpness of single images: against scikit-image and scipy, and on blurred images."""

import jax
import numpy as np
import pytest
from scipy import ndimage

from gan_jax.metrics.pictures import LUMA
from gan_jax.metrics.sharpness import blur, gradient, laplacian, sharpness
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of
from tests.metrics.test_image_quality import noisy, smooth

IMAGES = noisy(smooth(6, 24), 20)


def blurred(images, sd):
  return np.round(ndimage.gaussian_filter(images.astype(float), (0, sd, sd, 0))).astype(np.uint8)


def test_blur_equals_scikit_image():
  package = pytest.importorskip('skimage.measure')
  for one, value in zip(IMAGES, blur(IMAGES), strict=True):
    grey = one.astype(float) @ LUMA / 255
    assert value == pytest.approx(package.blur_effect(grey), abs=1e-7)


def test_laplacian_and_gradient_are_their_formulas():
  grey = IMAGES[0].astype(float) @ LUMA
  expected = np.var(ndimage.laplace(grey)[1:-1, 1:-1])
  assert laplacian(IMAGES)[0] == pytest.approx(expected)
  down, right = np.diff(grey, axis=0)[:, :-1], np.diff(grey, axis=1)[:-1]
  assert gradient(IMAGES)[0] == pytest.approx(np.mean(np.sqrt(down**2 + right**2)))


def test_laplacian_gradient_and_blur_have_known_answers():
  flat = np.full((1, 9, 9, 3), 80, np.uint8)
  assert laplacian(flat)[0] == pytest.approx(0)
  assert gradient(flat)[0] == pytest.approx(0)
  slope = np.tile(np.arange(9.0)[:, None, None] * 3, (1, 1, 9, 1))
  assert gradient(slope)[0] == pytest.approx(3)
  assert laplacian(slope)[0] == pytest.approx(0)
  board = (np.indices((9, 9)).sum(0) % 2 * 2.0)[None, :, :, None]  # 0 and 2: the Laplacian is +-8
  assert laplacian(board)[0] == pytest.approx(64, rel=0.01)
  assert blur(np.zeros((1, 9, 9, 1), np.uint8))[0] == 1


def test_sharpness_sees_blur_and_noise():
  soft = sharpness(sampler_of(blurred(IMAGES, 1.5)), source_of(IMAGES), jax.random.key(0), n=6)
  assert soft['sharpness'] < 0.3 * soft['real_sharpness']
  assert soft['gradient'] < soft['real_gradient']
  assert soft['blur'] > soft['real_blur'] + 0.1
  rough = sharpness(sampler_of(noisy(IMAGES, 40)), source_of(IMAGES), jax.random.key(0), n=6)
  assert rough['sharpness'] > 1.5 * rough['real_sharpness']
  assert rough['blur'] < rough['real_blur']
  same = sharpness(sampler_of(IMAGES), source_of(IMAGES), jax.random.key(0), n=6)
  assert same['sharpness'] == same['real_sharpness']
  assert same['stderr'] > 0
  assert {'real', 'n_fake', 'grey'} <= same['protocol'].keys()


def test_blur_takes_small_images_and_refuses_tiny_ones():
  assert np.isfinite(blur(smooth(2, 8, 1))).all()
  with refused('5x5', '4x4'):
    blur(smooth(2, 4, 1))
  with refused('[N,H,W,C]', (3, 5)):
    laplacian(np.zeros((3, 5)))
