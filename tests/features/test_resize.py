"""Resizing as other programs do it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gan_jax.features.resize import coloured, half_pixel_bilinear, pil_bicubic, tf1_bilinear
from tests.messages import refused

# To 299 pixels: larger by no whole number, smaller and larger, and as it is.
SHAPES = [(28, 28), (300, 40), (299, 299)]
RNG = np.random.default_rng(0)


def some(shape, n=2):
  return RNG.integers(0, 256, (n, *shape, 3)).astype(np.uint8)


@pytest.mark.parametrize('shape', SHAPES)
def test_tf1_bilinear_is_torch_fidelitys_bit_for_bit(torch_fidelity, shape):
  import torch
  from torch_fidelity.interpolate_compat_tensorflow import (
    interpolate_bilinear_2d_like_tensorflow1x as trusted,
  )

  x = some(shape)
  planes = torch.tensor(x).permute(0, 3, 1, 2)
  expected = trusted(planes.float(), size=(299, 299), align_corners=False)
  scaled = lambda x: (tf1_bilinear(x, (299, 299)) - 128) / 128
  found = jax.jit(scaled)(x)  # compiled along with what follows, as it is used
  np.testing.assert_array_equal(found, (expected.permute(0, 2, 3, 1).numpy() - 128) / 128)


def test_tf1_bilinear_by_hand():
  x = np.arange(6, dtype=np.uint8).reshape(1, 2, 3, 1) * 8
  found = jax.jit(lambda x: tf1_bilinear(x, (4, 4)))(x)[0, ..., 0]
  expected = [[0, 6, 12, 16], [12, 18, 24, 28], [24, 30, 36, 40], [24, 30, 36, 40]]
  np.testing.assert_array_equal(found, expected)
  assert found.dtype == jnp.float32


@pytest.mark.parametrize('shape', SHAPES)
def test_half_pixel_bilinear_is_pytorchs(shape):
  torch = pytest.importorskip('torch')
  x = some(shape)
  planes = torch.tensor(x).permute(0, 3, 1, 2).float()
  interpolate = torch.nn.functional.interpolate
  expected = interpolate(planes, size=(299, 200), mode='bilinear', align_corners=False)
  found = jax.jit(lambda x: half_pixel_bilinear(x, (299, 200)))(x)
  np.testing.assert_allclose(found, expected.permute(0, 2, 3, 1).numpy(), atol=1e-4)


def test_half_pixel_bilinear_by_hand():
  x = np.array([0, 8, 24], np.uint8).reshape(1, 1, 3, 1)
  found = jax.jit(lambda x: half_pixel_bilinear(x, (2, 6)))(x)[0, ..., 0]
  np.testing.assert_array_equal(found, [[0, 2, 6, 12, 20, 24]] * 2)


@pytest.mark.parametrize('shape', SHAPES)
def test_pil_bicubic_is_pillows(shape):
  x = some(shape, 1)
  planes = [Image.fromarray(x[0, ..., c].astype(np.float32)) for c in range(3)]
  sized = [np.asarray(p.resize((299, 200), Image.Resampling.BICUBIC)) for p in planes]
  expected = np.stack(sized, -1).clip(0, 255)
  found = jax.jit(lambda x: pil_bicubic(x, (200, 299)))(x)[0]
  np.testing.assert_allclose(found, expected, atol=1e-3)


def test_pil_bicubic_alone_averages_what_it_makes_smaller():
  """Of stripes one pixel wide nothing but their mean is left; without antialiasing they alias."""
  stripes = np.zeros((1, 240, 240, 1), np.uint8)
  stripes[:, :, ::2] = 200
  smaller = jax.jit(lambda x: (pil_bicubic(x, (60, 60)), tf1_bilinear(x, (60, 60))))
  clean, aliased = smaller(stripes)
  np.testing.assert_allclose(clean[:, :, 3:-3], 100, atol=0.5)
  assert float(aliased.min()) == 200


def test_coloured_shows_grey_as_colour():
  x = some((3, 5))
  np.testing.assert_array_equal(coloured(x), x)
  np.testing.assert_array_equal(coloured(x[..., :1]), np.repeat(x[..., :1], 3, -1))
  with refused('1 or 3 channels', '2'):
    coloured(x[..., :2])
