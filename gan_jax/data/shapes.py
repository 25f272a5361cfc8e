"""Shapes with captions, made up on the spot: "a red disc on a dark ground"."""

import itertools

import numpy as np

from gan_jax.data import encoders
from gan_jax.data import split as splits
from gan_jax.data.captions import captioned
from gan_jax.data.encoders import Encoder
from gan_jax.data.source import Source, in_memory
from gan_jax.errors import InputError

SHAPES = ('disc', 'lying bar', 'standing bar', 'cross')
COLOURS = {
  'red': (1, 0, 0), 'green': (0, 1, 0), 'blue': (0, 0, 1),
  'yellow': (1, 1, 0), 'magenta': (1, 0, 1), 'cyan': (0, 1, 1),
}  # fmt: skip
GROUNDS = {'dark': (0.0, 0.25), 'light': (0.7, 0.95)}
KINDS = tuple(itertools.product(SHAPES, COLOURS, GROUNDS))  # in the order of the labels
CAPTIONS = tuple(f'a {colour} {shape} on a {ground} ground' for shape, colour, ground in KINDS)


def shapes(
  split: str = 'train',
  size: int = 16,
  n: int = 4096,
  encoder: Encoder | None = None,
  seed: int = 0,
) -> Source:
  """A shape of a colour on a ground -> image uint8[n,size,size,3], text f32[n,T], label i32[n].

  The label is one of the 48 kinds, and meta's 'classes' are their captions. Place, extent,
  brightness and grey of the ground vary besides. `encoder` as for `captions`. Splits 'train' and
  'test' are other draws of the same kind, n each.
  """
  if min(size, n) < 1:
    raise InputError(f'shapes(size={size}, n={n}) cannot be drawn; right would be 1 or more.')
  encode, streams = encoder or encoders.hashing(), {'train': 0, 'test': 1}

  def read(name: str) -> Source:
    rng = np.random.default_rng((seed, streams[name]))
    label = rng.integers(len(KINDS), size=n).astype(np.int32)
    base = in_memory(
      {'image': _draw(rng, label, size), 'label': label},
      name='shapes',
      origin=f'generated, seed {seed}, numpy default_rng',
      preprocessing='none',
      classes=list(CAPTIONS),
    )
    return captioned(base, [[CAPTIONS[i]] for i in label], encode)

  return splits.select(split, tuple(streams), read, 'shapes')


def _draw(rng: np.random.Generator, label: np.ndarray, size: int) -> np.ndarray:
  """label i32[B] -> uint8[B,size,size,3]; edges are one pixel soft."""
  b = len(label)
  shape, colour, ground = np.unravel_index(label, (len(SHAPES), len(COLOURS), len(GROUNDS)))
  rows, columns = np.mgrid[:size, :size].astype(np.float32)
  middle = size * rng.uniform(0.4, 0.6, (2, b, 1, 1)) - 0.5
  y, x = np.abs(rows - middle[0]), np.abs(columns - middle[1])
  r = size * rng.uniform(0.22, 0.3, (b, 1, 1))
  bar = lambda along, across: np.maximum(along - 1.3 * r, across - 0.4 * r)
  outside = np.stack([np.hypot(x, y) - r, bar(x, y), bar(y, x), np.minimum(bar(x, y), bar(y, x))])
  cover = np.clip(0.5 - outside[shape, np.arange(b)], 0, 1)[..., None]
  low, high = np.array(list(GROUNDS.values()))[ground].T
  grey = rng.uniform(low, high)[:, None, None, None]
  ink = np.array(list(COLOURS.values()))[colour] * rng.uniform(0.75, 1, (b, 1))
  return np.rint(255 * (grey + cover * (ink[:, None, None] - grey))).astype(np.uint8)
