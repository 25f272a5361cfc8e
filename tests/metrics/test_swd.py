"""The pyramid against scipy, distances against loops, and what each level sees."""

import jax
import numpy as np
import pytest
from scipy import ndimage

from gan_jax.metrics.swd import doubled, levels, normalised, patches, pyramid, swd
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of
from tests.metrics.test_image_quality import smooth
from tests.metrics.test_sharpness import blurred

RNG = np.random.default_rng(0)
KEY = jax.random.key(0)


def test_levels_are_halves_down_to_sixteen():
  assert [levels(s, s) for s in (8, 16, 28, 32, 64, 105, 256)] == [1, 1, 1, 2, 3, 3, 5]
  assert levels(64, 32) == 2


@pytest.mark.parametrize('shape', [(2, 32, 32, 3), (1, 35, 33, 1)])
def test_pyramid_is_by_the_filters_of_the_authors(shape):
  x = RNG.normal(size=shape).astype(np.float32)
  taps = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
  convolve = lambda v, gain: ndimage.convolve(v, gain * taps[None, :, :, None], mode='mirror')
  coarse = convolve(x, 1)[:, ::2, ::2]
  wide = np.zeros((shape[0], 2 * coarse.shape[1], 2 * coarse.shape[2], shape[3]))
  wide[:, ::2, ::2] = coarse
  fine = x - convolve(wide, 4)[:, : shape[1], : shape[2]]
  found = pyramid(x, 2)
  np.testing.assert_allclose(found[0], fine, atol=1e-5)
  np.testing.assert_allclose(found[1], coarse, atol=1e-5)


def test_pyramid_is_put_together_again():
  x = smooth(2, 64)
  fine, middle, coarse = pyramid(x, 3)
  np.testing.assert_allclose(fine + doubled(middle + doubled(coarse)), x, atol=1e-3)
  flat = pyramid(np.full((1, 32, 32, 1), 7, np.uint8), 2)
  np.testing.assert_allclose(flat[0], 0, atol=1e-5)
  np.testing.assert_allclose(flat[1], 7, atol=1e-5)


def test_patches_are_where_their_corners_say():
  x = RNG.normal(size=(3, 12, 15, 2)).astype(np.float32)
  corner = RNG.integers(0, [6, 9], (3, 4, 2))
  found = patches(x, corner)
  assert found.shape == (12, 2, 7, 7)
  for i in range(3):
    for j in range(4):
      r, c = corner[i, j]
      expected = np.moveaxis(x[i, r : r + 7, c : c + 7], -1, 0)
      np.testing.assert_array_equal(found[4 * i + j], expected)


def test_normalised_patches_are_so_by_channel_over_all():
  found = normalised(RNG.normal(3, 5, (40, 2, 7, 7)).astype(np.float32)).reshape(40, 2, 49)
  np.testing.assert_allclose(found.mean(axis=(0, 2)), 0, atol=1e-5)
  np.testing.assert_allclose(found.std(axis=(0, 2)), 1, atol=1e-5)
  assert np.all(normalised(np.full((4, 1, 7, 7), 9, np.float32)) == 0)


def measured(fake, real, **how):
  return swd(sampler_of(fake), source_of(real), KEY, n=len(real), per_image=64, count=64, **how)


def test_swd_sees_at_each_level_what_is_its_own():
  real = np.clip(smooth(60, 64, 1) * 0.7 + RNG.normal(30, 12, (60, 64, 64, 1)), 0, 255)
  real = real.astype(np.uint8)
  names = ['swd', 'real', *(f'{of}_{s}' for s in (64, 32, 16) for of in ('swd', 'real'))]
  same = measured(real, real)
  assert [name for name in same if name != 'protocol'] == names
  assert same['swd'] == pytest.approx(np.mean([same[f'swd_{s}'] for s in (64, 32, 16)]))
  for side in (64, 32, 16):
    assert same[f'swd_{side}'] == pytest.approx(same[f'real_{side}'], rel=0.6)
  soft = measured(blurred(real, 1.0), real)
  assert soft['swd_64'] > 3 * soft['real_64']
  assert soft['swd_64'] > 3 * soft['swd_16']
  layout = measured(np.repeat(real[:1], 60, axis=0), real)  # one image only: its noise is right
  assert layout['swd_16'] > 3 * layout['real_16']
  assert layout['swd_16'] > 3 * layout['swd_64']


def test_swd_takes_every_size():
  for side, channels in [(8, 1), (28, 1), (33, 3)]:
    found = measured(smooth(6, side, channels), smooth(6, side, channels))
    assert np.isfinite(found['swd'])
    assert found['protocol']['times'] == 1000
  assert {'swd_33', 'swd_17'} <= found.keys()


def test_swd_refuses_too_small_images():
  with refused('7x7', '6x6'):
    measured(smooth(4, 6, 1), smooth(4, 6, 1))
