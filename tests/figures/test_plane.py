"""Points of the plane over what D thinks."""

import types

import jax
import numpy as np

from gan_jax.data.source import in_memory
from gan_jax.figures.plane import points
from tests.messages import refused

KEY = jax.random.key(0)


def sampler_at(x, y, critic=None):
  """Draws one point, of the round 1234."""
  draw = lambda key, n: np.tile(np.float32([x, y]), (n, 1))
  return types.SimpleNamespace(draw=draw, critic=critic, round=1234)


def source(split='train'):
  corners = np.float32([[-1, -1], [-1, 1], [1, -1], [1, 1]])
  return in_memory({'image': corners})


def red(picture):
  """Where samples are: (rows, columns) of pixels that are more red than blue."""
  return np.nonzero(picture[..., 0].astype(int) > picture[..., 2].astype(int) + 60)


def test_points_show_samples_where_they_lie_and_what_d_thinks():
  picture = points(sampler_at(2.0, 2.0), source, KEY, n=4, extent=4.0, pixels=100)['points']
  assert picture.shape == (100, 100, 3)
  y, x = red(picture)
  assert abs(x.mean() - 75) < 2
  assert abs(y.mean() - 25) < 2, 'up is up'
  judged = points(
    sampler_at(2.0, 2.0, lambda at: at[:, 0]), source, KEY, n=4, extent=4.0, pixels=100
  )['points']
  assert judged[:20, 80:].mean() < judged[:20, :20].mean() - 5, 'darker where D says more'


def test_points_refuse_images():
  images = lambda split='train': in_memory({'image': np.zeros((4, 2, 2, 1), np.uint8)})
  with refused('uint8', '(4, 2, 2, 1)'):
    points(sampler_at(0, 0), images, KEY)
