"""Spectra: against loops over the plane of frequencies, Parseval, known slopes and replicas."""

import jax
import numpy as np
import pytest

from gan_jax.metrics import spectrum as module
from gan_jax.metrics.pictures import LUMA
from gan_jax.metrics.spectrum import (
  HIGH,
  ROUNDING,
  Profiles,
  durall,
  high_fit,
  log_distance,
  mean,
  profiles,
  slope,
  spectrum,
  told_apart,
)
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of
from tests.metrics.test_sharpness import blurred

RNG = np.random.default_rng(0)
KEY = jax.random.key(0)


def coloured(n, side, exponent, channels=1):
  """Images whose power falls as frequency^exponent, floats."""
  f = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
  f[0, 0] = 1
  white = np.fft.fft2(RNG.normal(size=(n, side, side)))
  x = np.real(np.fft.ifft2(white * f ** (exponent / 2)))
  x = 120 + 30 * x / x.std()
  return np.repeat(x[..., None], channels, axis=-1)


def as_bytes(images):
  return np.clip(np.round(images), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(('height', 'width', 'channels'), [(9, 12, 3), (12, 9, 1), (8, 8, 1)])
def test_profiles_are_means_over_rings_of_the_whole_plane(height, width, channels):
  images = RNG.integers(0, 256, (3, height, width, channels)).astype(np.uint8)
  found = profiles(images)
  side = min(height, width)
  for i, image in enumerate(images.astype(float)):
    grey = image @ LUMA if channels == 3 else image[..., 0]
    power = np.abs(np.fft.fft2(grey)) ** 2 / (height * width)
    rings = {}
    for u in range(height):
      for v in range(width):
        f = np.hypot(np.fft.fftfreq(height)[u], np.fft.fftfreq(width)[v])
        rings.setdefault(round(side * f), []).append(power[u, v])
    expected = [np.mean(rings[k]) for k in sorted(rings)]
    np.testing.assert_allclose(found.power[i], expected, rtol=1e-9)
  np.testing.assert_allclose(found.frequency, np.arange(len(expected)) / side)


def test_profiles_keep_parsevals_sum():
  image = RNG.integers(0, 256, (1, 16, 16, 1)).astype(np.uint8)
  sizes = np.bincount(
    np.rint(16 * np.hypot(*np.meshgrid(np.fft.fftfreq(16), np.fft.fftfreq(16)))).astype(int).ravel()
  )
  total = (profiles(image).power[0] * sizes).sum()
  assert total == pytest.approx(np.sum(image.astype(float) ** 2), rel=1e-12)


def test_profiles_of_white_noise_are_flat_at_its_variance():
  white = RNG.normal(100, 5, (300, 16, 16, 1))
  found = profiles(white)
  np.testing.assert_allclose(mean(found)[1:], 25, rtol=0.15)
  assert slope(found) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize('exponent', [-2.0, -3.0])
def test_slope_and_high_fit_find_known_slopes(exponent):
  found = profiles(coloured(60, 64, exponent))
  # Rings are a cycle wide, which blurs the lowest: at this side by 0.07.
  assert slope(found) == pytest.approx(exponent, abs=0.12)
  _, decay = high_fit(found)
  assert np.mean(decay) == pytest.approx(exponent / 2, abs=0.15)  # of amplitudes


def test_high_fit_of_an_exact_power_law_is_exact():
  frequency = np.arange(23) / 32
  with np.errstate(divide='ignore'):
    amplitude = 0.1 * (frequency / (HIGH / 2)) ** -1.5
  amplitude[0] = 1
  amplitude[frequency < 0.3] = 1  # what is below is not looked at
  b1, b2 = high_fit(Profiles(frequency, 1e4 * amplitude[None] ** 2))
  assert b1[0] == pytest.approx(0.1)
  assert b2[0] == pytest.approx(-1.5)


def test_log_distance_and_durall_of_known_spectra():
  frequency = np.arange(12) / 16
  a = Profiles(frequency, np.full((2, 12), 100.0))
  b = Profiles(frequency, np.full((3, 12), 1000.0))
  assert log_distance(a, b) == pytest.approx(10)  # ten times the power is 10 dB
  assert durall(a, b) == 0  # the mean grey's own power has risen as much
  c = Profiles(frequency, np.concatenate([[[1000.0]], np.full((1, 11), 100.0)], axis=1))
  assert durall(a, c) == pytest.approx(0.9)
  assert log_distance(a, c) == 0


def test_profiles_of_black_images_have_the_power_of_rounding():
  found = profiles(np.zeros((2, 8, 8, 1), np.uint8))
  np.testing.assert_array_equal(mean(found), ROUNDING)
  assert slope(found) == pytest.approx(0)
  assert np.all(np.isfinite(high_fit(found)))


def test_told_apart_is_a_half_of_one_kind_and_more_of_others():
  pink = [profiles(coloured(200, 16, -2.0)) for _ in range(2)]
  assert told_apart(*pink) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(200))
  assert told_apart(pink[0], profiles(coloured(200, 16, -1.0))) > 0.95


def measured(fake, real):
  return spectrum(sampler_of(fake), source_of(real), KEY, n=len(real))


def test_spectrum_sees_blur_noise_and_replicas(monkeypatch):
  real, other = (as_bytes(coloured(80, 32, -2.0)) for _ in range(2))
  same = measured(other, real)
  monkeypatch.setattr(module, 'chart', lambda *of, **how: None)  # one picture is enough
  assert same['spectrum'] < 3 * same['halves']
  assert same['told_apart'] < 0.7
  soft = measured(blurred(other, 1.0), real)
  noise = measured(as_bytes(other + RNG.normal(0, 10, other.shape)), real)
  halves = other[:, ::2, ::2]
  doubled = measured(halves.repeat(2, axis=1).repeat(2, axis=2), real)  # as by nearest neighbours
  for found in (soft, noise, doubled):
    assert found['spectrum'] > 4 * same['spectrum']
    assert found['told_apart'] > 0.95
  assert soft['slope'] < same['slope'] - 0.3
  assert noise['slope'] > same['slope'] + 0.1
  assert soft['high_slope'] < same['high_slope']
  assert noise['high_amplitude'] > 1.1 * same['high_amplitude']
  assert same['spectra'].dtype == np.uint8
  assert same['spectra'].shape == (320, 420, 3)
  assert same['spectra'].std() > 1
  assert {'grey', 'floor', 'n_fake'} <= same['protocol'].keys()


def test_profiles_and_told_apart_refuse_what_has_no_spectrum():
  with refused('8x8', '7x9'):
    profiles(np.zeros((2, 7, 9, 1), np.uint8))
  with refused('nan'):
    profiles(np.full((2, 8, 8, 1), np.nan))
  with refused('4 or more'):
    told_apart(*[profiles(np.zeros((2, 8, 8, 1), np.uint8))] * 2)
