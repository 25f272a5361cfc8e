"""Nearest neighbours and reconstruction, on encoders that know everything, or nothing.

Covers: metrics/roundtrip.py.
"""

import jax
import numpy as np

from gan_jax.data.source import Source
from gan_jax.metrics.neighbours import accuracy, neighbours
from gan_jax.metrics.roundtrip import roundtrip
from gan_jax.sampling import Sampler
from tests.messages import refused

KEY = jax.random.key(0)


def source(split='train', n=40):
  """Two kinds of images, told apart by their first pixel, beneath pixels of noise ten times it."""
  rng = np.random.default_rng(0 if split == 'train' else 1)
  label = rng.integers(2, size=n).astype(np.int32)
  image = rng.normal(size=(n, 2, 2, 1)).astype(np.float32) * 10
  image[:, 0, 0, 0] = label
  return Source({'image': image, 'label': label}, {'name': 'two kinds'})


def sampler(code, generate=None):
  """A stand-in whose E returns {'mean': code(x)}."""
  parts = dict.fromkeys(Sampler._fields)
  apply = lambda net, x, output=None: {('E', 'mean'): code}[net, output](x)
  return Sampler(**{**parts, 'see': lambda x: x, 'apply': apply, 'generate': generate})


def test_accuracy_is_that_of_the_nearest_of_all():
  known = np.float32([[0, 0], [1, 1], [5, 5]])
  asked = np.float32([[0.1, 0], [4, 4], [0.6, 0.6], [9, 9]])
  nearest = [np.argmin([np.sum((a - k) ** 2) for k in known]) for a in asked]
  labels, truth = np.array([3, 1, 2]), np.array([3, 2, 2, 2])
  right = np.mean([labels[i] == t for i, t in zip(nearest, truth, strict=True)])
  assert accuracy(known, asked, labels, truth) == right == 0.75


def test_neighbours_by_a_code_of_the_class_beat_those_by_pixels():
  found = neighbours(sampler(lambda x: x[:, :1, 0, 0]), source, KEY)
  assert found['nearest/mean'] == 1.0
  assert 0.2 < found['nearest/pixels'] < 0.8


def test_neighbours_are_looked_for_among_only_so_many():
  sizes = []
  neighbours(sampler(lambda x: (sizes.append(len(x)), x[:, :1, 0, 0])[1]), source, KEY, train=9,
             test=5)  # fmt: skip
  assert sizes == [9, 5]


def test_neighbours_refuse_data_without_labels():
  bare = lambda split='train': Source({'image': source().arrays['image']}, {'name': 'bare'})
  with refused('bare', 'labels'):
    neighbours(sampler(lambda x: x), bare, KEY)


def test_roundtrip_is_the_mean_distance_and_shuffled_to_another():
  back = lambda z: z.reshape(-1, 2, 2, 1)
  whole = roundtrip(sampler(lambda x: x.reshape(-1, 4), back), source, KEY)
  assert whole['error'] == 0
  x = source('test').arrays['image'].reshape(40, 4)
  apart = np.mean([np.linalg.norm(x[(i - 1) % 40] - x[i]) for i in range(40)])
  np.testing.assert_allclose(whole['error_shuffled'], apart, rtol=1e-6)
  nothing = roundtrip(sampler(lambda x: 0 * x.reshape(-1, 4), back), source, KEY)
  np.testing.assert_allclose(nothing['error'], nothing['error_shuffled'], rtol=1e-6)
