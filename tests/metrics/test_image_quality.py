"""PSNR, SSIM and the sharpness difference: against packages, loops and closed forms."""

import jax
import numpy as np
import pytest

from gan_jax.metrics.image_quality import image_quality, psnr, sharpness_difference, ssim
from tests.messages import refused
from tests.metrics.standing import Standing, sampler_of

RNG = np.random.default_rng(0)


def smooth(n, side, channels=3):
  """Images with structure at every scale."""
  x = RNG.normal(size=(n, side, side, channels)).cumsum(1).cumsum(2)
  x -= x.min(axis=(1, 2, 3), keepdims=True)
  return (255 * x / x.max(axis=(1, 2, 3), keepdims=True)).astype(np.uint8)


def noisy(images, sd=12):
  return np.clip(images + RNG.normal(0, sd, images.shape), 0, 255).astype(np.uint8)


IMAGES = smooth(3, 40)
NOISY = noisy(IMAGES)


def test_ssim_and_psnr_equal_scikit_image():
  metrics = pytest.importorskip('skimage.metrics')
  for i in range(len(IMAGES)):
    theirs = metrics.structural_similarity(
      IMAGES[i], NOISY[i], channel_axis=-1, gaussian_weights=True, sigma=1.5,
      use_sample_covariance=False, data_range=255,
    )  # fmt: skip
    assert ssim(IMAGES, NOISY)[i] == pytest.approx(theirs, abs=1e-12)
    ratio = metrics.peak_signal_noise_ratio(IMAGES[i], NOISY[i], data_range=255)
    assert psnr(IMAGES, NOISY)[i] == pytest.approx(ratio, rel=1e-12)


def in_torch(torch, *sets):
  return [torch.tensor(np.moveaxis(x, 3, 1).copy()).double() for x in sets]


def window(torch, channels):
  """pytorch-msssim's own window is rounded to float32, which costs 1e-5."""
  taps = np.exp(-(np.arange(-5.0, 6) ** 2) / (2 * 1.5**2))
  return torch.tensor(taps / taps.sum()).reshape(1, 1, 1, -1).repeat(channels, 1, 1, 1)


def test_ssim_equals_pytorch_msssim():
  torch, package = pytest.importorskip('torch'), pytest.importorskip('pytorch_msssim')
  both = in_torch(torch, IMAGES, NOISY)
  theirs = package.ssim(*both, data_range=255, size_average=False, win=window(torch, 3))
  np.testing.assert_allclose(ssim(IMAGES, NOISY), theirs.numpy(), atol=1e-12)


def test_ssim_and_psnr_equal_piqs(torch_fidelity):
  torch, piq = pytest.importorskip('torch'), pytest.importorskip('piq')
  both = in_torch(torch, IMAGES, NOISY)
  theirs = piq.ssim(*both, data_range=255.0, reduction='none', downsample=False)
  np.testing.assert_allclose(ssim(IMAGES, NOISY), theirs.numpy(), atol=1e-6)
  theirs = piq.psnr(*both, data_range=255.0, reduction='none')
  np.testing.assert_allclose(psnr(IMAGES, NOISY), theirs.numpy(), rtol=1e-6)


def test_ssim_psnr_and_sharpness_are_golden_numbers():
  a = (np.arange(16 * 16 * 2) % 251).reshape(1, 16, 16, 2).astype(np.uint8)
  b = (np.arange(16 * 16 * 2) % 241).reshape(1, 16, 16, 2).astype(np.uint8)
  assert ssim(a, b)[0] == pytest.approx(GOLDEN[0], abs=1e-9)
  assert psnr(a, b)[0] == pytest.approx(GOLDEN[1], abs=1e-9)
  assert sharpness_difference(a, b)[0] == pytest.approx(GOLDEN[2], abs=1e-9)


GOLDEN = (0.6580603306382613, 12.98301805341419, 34.92426424807876)


def test_sharpness_difference_is_its_formula():
  a, b = (x[0].astype(float) for x in (IMAGES, NOISY))
  total, count = 0.0, 0
  for c in range(3):
    for i in range(1, 40):
      for j in range(1, 40):
        edges = [
          abs(x[i, j, c] - x[i - 1, j, c]) + abs(x[i, j, c] - x[i, j - 1, c]) for x in (a, b)
        ]
        total, count = total + abs(edges[0] - edges[1]), count + 1
  expected = 10 * np.log10(255**2 / (total / count))
  assert sharpness_difference(IMAGES, NOISY)[0] == pytest.approx(expected, rel=1e-12)


def test_ssim_and_psnr_have_known_answers():
  assert ssim(IMAGES, IMAGES) == pytest.approx(1)
  assert np.all(np.isinf(psnr(IMAGES, IMAGES)))
  dark, light = np.full((1, 12, 12, 1), 100, np.uint8), np.full((1, 12, 12, 1), 120, np.uint8)
  assert psnr(dark, light)[0] == pytest.approx(20 * np.log10(255 / 20))
  c1 = (0.01 * 255) ** 2
  assert ssim(dark, light)[0] == pytest.approx((24000 + c1) / (100**2 + 120**2 + c1))
  assert np.isinf(sharpness_difference(dark, light)[0])
  unit = [x / 255.0 for x in (IMAGES, NOISY)]
  np.testing.assert_allclose(ssim(*unit, peak=1.0), ssim(IMAGES, NOISY), rtol=1e-9)


def test_psnr_and_the_others_fall_with_noise():
  more = noisy(IMAGES, 40)
  for measure in (psnr, ssim, sharpness_difference):
    assert np.all(measure(IMAGES, more) < measure(IMAGES, NOISY))


def test_ssim_of_images_too_small_says_what_would_fit():
  small = smooth(2, 8, 1)
  with refused('8x8', 'window=7'):
    ssim(small, small)
  assert ssim(small, small, window=7) == pytest.approx(1)
  with refused('odd', 'not 4'):
    ssim(small, small, window=4)
  with refused((3, 40, 40, 3), (2, 40, 40, 3)):
    psnr(IMAGES, IMAGES[:2])


def test_image_quality_is_of_a_translation():
  def source(split='train', **_):
    return Standing(dict(image=IMAGES, source=NOISY), {'name': 'pairs', 'split': split})

  sampler = sampler_of(IMAGES)._replace(generate=lambda x: x)
  found = image_quality(sampler, source, jax.random.key(0), n=2, split='val')
  assert found['image_quality'] == pytest.approx(np.mean(ssim(IMAGES[:2], NOISY[:2])))
  assert found['psnr'] == pytest.approx(np.mean(psnr(IMAGES[:2], NOISY[:2])))
  perfect = image_quality(
    sampler._replace(generate=lambda x: IMAGES[:2] / 255), source, jax.random.key(0), n=2
  )
  assert np.isfinite(perfect['psnr'])
  assert perfect['image_quality'] == pytest.approx(1)


def test_image_quality_refuses_data_without_pairs():
  source = lambda split='train', **_: Standing(dict(image=IMAGES), {})
  with refused("'source'"):
    image_quality(sampler_of(IMAGES), source, jax.random.key(0))
