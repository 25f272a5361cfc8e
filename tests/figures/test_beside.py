"""Runs side by side, and images beside their reconstructions.

Covers: figures/reconstructions.py.
"""

import pathlib

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax import runs
from gan_jax.data.source import in_memory
from gan_jax.figures import beside, reconstructions
from tests.messages import refused


class Fake:
  """A sampler of images of one grey level, whose codes are the images."""

  def __init__(self, level, shape=(4, 4, 1)):
    self.level, self.shape = level, shape

  def draw(self, key, n):
    return np.full((n, *self.shape), self.level, np.uint8)

  def display(self, x):
    return np.uint8(x)

  def see(self, x):
    return x

  def apply(self, net, x, output=None):
    return {('E', 'mean'): x, ('E', None): x, ('D', 'image'): 255 - x}[net, output]

  def generate(self, z):
    return z // 2


def test_beside_shows_runs_side_by_side_under_their_captions(monkeypatch):
  found = {'a': Fake(100), 'b': Fake(200, (6, 6, 3))}
  monkeypatch.setattr(runs, 'sampler', lambda workdir: found[workdir])
  out = beside.beside({'GAN': 'a', 'VAE': 'b'}, rows=2, columns=3, width=60)
  assert out.dtype == np.uint8
  assert out.ndim == 3
  left, right = out[:, : out.shape[1] // 2], out[:, out.shape[1] // 2 :]
  for half, level in ((left, 100), (right, 200)):
    assert set(np.unique(half[28:])) == {level, 255}
    assert (half[:28] < 128).any(), 'the caption is written'


def test_beside_refuses_points(monkeypatch):
  monkeypatch.setattr(runs, 'sampler', lambda workdir: Fake(1, (2,)))
  with refused('a draws', 'points'):
    beside.beside({'GAN': 'a'})


def test_write_writes_the_picture_of_its_words(monkeypatch, tmp_path):
  monkeypatch.setattr(runs, 'sampler', lambda workdir: Fake(100))
  out: pathlib.Path = tmp_path / 'a' / 'beside.png'
  beside.write(['GAN=runs/a', 'VAE=runs/b=c'], out)
  with Image.open(out) as picture:
    assert picture.width > 700
  for words in ([], ['GAN'], ['=runs/a']):
    with refused('CAPTION=WORKDIR'):
      beside.write(words, out)


def split(name):
  images = np.arange(1, 7, dtype=np.uint8)[:, None, None, None] * np.full(
    (1, 2, 2, 1), 20, np.uint8
  )
  return in_memory({'image': images}, name='made', split=name)


@pytest.mark.parametrize(
  ('figure', 'options', 'back'),
  [
    (reconstructions.encoded, {}, lambda x: x // 2),
    (reconstructions.encoded, {'output': None}, lambda x: x // 2),
    (reconstructions.autoencoded, {}, lambda x: 255 - x),
  ],
)
def test_encoded_and_autoencoded_show_beneath_a_row_what_comes_back(figure, options, back):
  out = figure(Fake(0), split, jax.random.key(0), pairs=2, columns=3, **options)
  (picture,) = out.values()
  step = (picture.shape[0] - 2) // 4
  levels = np.array([[picture[step * i + step // 2, step * j + step // 2, 0] for j in range(3)]
                     for i in range(4)])  # fmt: skip
  x = np.array([[20, 40, 60], [80, 100, 120]])
  np.testing.assert_array_equal(levels[[0, 2]], x)
  np.testing.assert_array_equal(levels[[1, 3]], back(x))


def test_encoded_of_less_images_than_a_row_makes_a_short_row():
  out = reconstructions.encoded(Fake(0), split, jax.random.key(0), columns=10)
  assert out['reconstructions'].shape[1] > out['reconstructions'].shape[0]
