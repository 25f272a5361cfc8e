"""Pictures as statistics take them: what is refused, grey as by loops, blocks of any size."""

import numpy as np
import pytest

from gan_jax.metrics import pictures
from tests.messages import refused

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (5, 4, 6, 3)).astype(np.uint8)


def test_grey_is_the_luma_of_three_channels_and_else_their_mean():
  r, g, b = np.moveaxis(IMAGES.astype(np.float64), -1, 0)
  np.testing.assert_allclose(pictures.grey(IMAGES), 0.299 * r + 0.587 * g + 0.114 * b)
  np.testing.assert_allclose(pictures.grey(IMAGES[..., :1]), r)
  np.testing.assert_allclose(pictures.grey(IMAGES[..., :2]), (r + g) / 2)
  assert pictures.grey(IMAGES[..., :2]).dtype == np.float64


@pytest.mark.parametrize(('room', 'sizes'), [(1, [1] * 5), (2 * 72, [2, 2, 1]), (2**21, [5])])
def test_blocks_hold_all_images_in_order_a_few_at_a_time(monkeypatch, room, sizes):
  monkeypatch.setattr(pictures, 'ROOM', room)
  found = list(pictures.blocks(IMAGES))
  assert [len(block) for block in found] == sizes
  assert {block.dtype for block in found} == {np.dtype(np.float64)}
  np.testing.assert_array_equal(np.concatenate(found), IMAGES)
  grey = np.concatenate(list(pictures.grey_blocks(IMAGES)))
  np.testing.assert_allclose(grey, pictures.grey(IMAGES))


def test_checked_refuses_what_are_no_finite_images_of_the_least_size():
  assert pictures.checked(IMAGES, 4) is IMAGES
  with refused('blur', '[N,H,W,C]', 'uint8(4, 6, 3)'):
    pictures.checked(IMAGES[0], measure='blur')
  with refused('[N,H,W,C]', (0, 4, 6, 3)):
    pictures.checked(IMAGES[:0])
  with refused('blur', '5x5', '4x6'):
    pictures.checked(IMAGES, 5, 'blur')
  broken = IMAGES.astype(np.float32)
  broken[2, 1, 1, 0] = np.inf
  with refused('blur', 'inf'):
    pictures.checked(broken, measure='blur')


def test_alike_refuses_images_of_two_shapes():
  pictures.alike(IMAGES, IMAGES[:2], 'blur')
  with refused('blur', (4, 6, 3), (4, 6, 1)):
    pictures.alike(IMAGES, IMAGES[..., :1], 'blur')
