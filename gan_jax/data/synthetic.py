"""Pictures made up on the spot, of any shape and number: for tests and for runs without data."""

import numpy as np

from gan_jax.data import split as splits
from gan_jax.data.source import Source, in_memory
from gan_jax.errors import InputError


def synthetic(
  split: str = 'train',
  shape: tuple[int, int, int] = (32, 32, 3),
  n: int = 1024,
  classes: int = 10,
  seed: int = 0,
) -> Source:
  """Discs and bars -> image uint8[n,H,W,C], label i32[n]: class 0 is a disc, class k a bar's angle.

  Place, size, colour and ground vary at random, so that there is something to learn besides the
  class. Splits 'train' and 'test' are other draws of the same kind, n each.
  """
  whole = all(isinstance(s, int) and s > 0 for s in (*shape, n, classes))
  if not whole or len(shape) != 3 or shape[2] not in (1, 3, 4):
    raise InputError(
      f'synthetic(shape={tuple(shape)}, n={n}, classes={classes}) cannot be drawn: right would be '
      f'numbers of 1 or more, and a shape of (height, width, 1 or 3 or 4)'
    )
  height, width, channels = shape
  streams = {'train': 0, 'test': 1}

  def read(name: str) -> Source:
    rng = np.random.default_rng((seed, streams[name]))
    label = rng.integers(classes, size=n).astype(np.int32)
    image = np.empty((n, height, width, channels), np.uint8)
    for i in range(0, n, 1024):  # a block at a time: floats of all n would take 16 times the room
      image[i : i + 1024] = _draw(rng, label[i : i + 1024], height, width, channels, classes)
    return in_memory(
      {'image': image, 'label': label},
      name='synthetic',
      origin=f'generated, seed {seed}, numpy default_rng',
      preprocessing='none',
      classes=['disc'] + [f'bar {180 * k // max(1, classes - 1)} deg' for k in range(classes - 1)],
    )

  return splits.select(split, tuple(streams), read, 'synthetic')


def _draw(
  rng: np.random.Generator, label: np.ndarray, height: int, width: int, channels: int, classes: int
) -> np.ndarray:
  """label i32[B] -> uint8[B,height,width,channels]; edges are one pixel soft."""
  b, side = len(label), min(height, width)
  rows, columns = np.mgrid[:height, :width].astype(np.float32)
  middle = rng.uniform(0.35, 0.65, (2, b, 1, 1))
  y, x = rows - middle[0] * height, columns - middle[1] * width
  angle = (np.pi * (label - 1) / max(1, classes - 1))[:, None, None]
  size = side * rng.uniform(0.15, 0.3, (b, 1, 1))
  along = np.abs(x * np.cos(angle) + y * np.sin(angle)) - 1.4 * size
  across = np.abs(y * np.cos(angle) - x * np.sin(angle)) - 0.4 * size
  outside = np.where(label[:, None, None] == 0, np.hypot(x, y) - size, np.maximum(along, across))
  cover = np.clip(0.5 - outside, 0, 1)[..., None]
  ground = rng.uniform(0, 0.35, (b, 1, 1, channels))
  colour = rng.uniform(0.6, 1, (b, 1, 1, channels))
  return np.rint(255 * (ground + cover * (colour - ground))).astype(np.uint8)
