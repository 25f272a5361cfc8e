"""Pixels and random filters.

Covers: features/extractor.py, features/pixels.py, features/random_conv.py.
"""

import re

import jax
import numpy as np
import pytest

from gan_jax.features.extractor import named
from gan_jax.features.pixels import pixels
from gan_jax.features.random_conv import random_conv
from gan_jax.metrics.frechet import distance, moments

RNG = np.random.default_rng(0)


def smooth(n, size=16, channels=3):
  """Images of a few large blobs."""
  rough = RNG.uniform(0, 255, (n, 4, 4, channels))
  return np.repeat(np.repeat(rough, size // 4, 1), size // 4, 2).astype(np.uint8)


def of(extractor, images):
  return np.asarray(jax.jit(extractor.apply)(extractor.weights, images)['features'])


def test_named_has_the_digest_of_names_shapes_and_numbers():
  weights = {'a': np.zeros((2, 3), np.float32), 'b': np.ones(4, np.float32)}
  name = named('kind', weights)
  assert re.fullmatch('kind:[0-9a-f]{8}', name)
  assert named('kind', {k: v.copy() for k, v in weights.items()}) == name
  others = [
    {'a': weights['a'], 'b': 2 * weights['b']},
    {'a': weights['a'].reshape(3, 2), 'b': weights['b']},
    {'a': weights['a'], 'c': weights['b']},
  ]
  assert len({name, *(named('kind', other) for other in others)}) == 4


def test_pixels_are_rows_in_0_to_1():
  images = smooth(3)
  found = of(pixels(), images)
  np.testing.assert_allclose(found, images.reshape(3, -1) / 255, rtol=1e-6)
  assert found.dtype == np.float32


@pytest.mark.parametrize('shape', [(8, 8, 1), (28, 28, 1), (64, 48, 3), (31, 17, 3), (9, 9, 4)])
def test_random_conv_looks_at_any_images(shape):
  images = RNG.integers(0, 256, (2, *shape)).astype(np.uint8)
  found = of(random_conv(), images)
  assert found.shape == (2, 144)
  assert np.isfinite(found).all()
  assert np.ptp(found, axis=0).max() > 0


def test_random_conv_is_that_of_its_seed():
  images = smooth(2)
  first, again, other = random_conv(), random_conv(), random_conv(seed=1)
  assert first.name == again.name != other.name
  np.testing.assert_array_equal(of(first, images), of(again, images))
  assert np.abs(of(first, images) - of(other, images)).max() > 0.01


def test_random_conv_is_a_convolution_at_its_first_level():
  """Against its definition, in NumPy."""
  extractor, images = random_conv(widths=(5,)), smooth(2, 8)
  x = np.pad(images / 127.5 - 1, ((0, 0), (1, 1), (1, 1), (0, 0)))
  (kernel,) = extractor.weights
  out = sum(
    np.einsum('bhwc,cd->bhwd', x[:, i : i + 8, j : j + 8], kernel[i, j])
    for i in range(3)
    for j in range(3)
  )
  out = np.maximum(out, 0)
  expected = np.concatenate([out.mean((1, 2)), out.std((1, 2))], axis=1)
  np.testing.assert_allclose(of(extractor, images), expected, atol=1e-5)


def test_random_conv_moves_with_noise_and_with_collapse():
  seen = lambda images: moments(of(random_conv(), images))
  a, b = seen(smooth(400)), seen(smooth(400))
  noisy = np.clip(smooth(400) + RNG.normal(0, 60, (400, 16, 16, 3)), 0, 255).astype(np.uint8)
  one = np.repeat(smooth(1), 400, 0)
  near = distance(a, b)
  assert distance(a, seen(noisy)) > 5 * near
  assert distance(a, seen(one)) > 5 * near
