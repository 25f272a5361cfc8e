"""Grids in which one thing varies: it varies down the rows, and nothing else does.

Covers: figures/conditional.py.
"""

import types

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import priors
from gan_jax.data.source import in_memory
from gan_jax.figures import conditional
from tests.messages import refused

KEY = jax.random.key(0)
PRIOR = priors.structured(noise=1, categorical=(3, 2), continuous=2)  # z f32[n,8]


def source(split='train'):
  image = np.zeros((5, 1, 1, 1), np.uint8)
  return in_memory({'image': image, 'label': np.int32([0, 3, 1, 2, 3])})


def cells(image, rows, columns):
  """The one-pixel images of a grid, drawn twice as large: [rows,columns]."""
  return np.asarray(image)[3::4, 3::4, 0][:rows, :columns]


def test_classes_has_a_row_for_each_class_and_a_column_for_each_z():
  def generate(z, y):
    return np.asarray(10 * y + z[:, 0]).astype(np.uint8).reshape(-1, 1, 1, 1)

  sampler = types.SimpleNamespace(
    fill=lambda key, n: (jnp.arange(n, dtype=jnp.float32)[:, None], jnp.zeros(n, jnp.int32)),
    generate=generate,
    display=lambda x: x,
  )
  found = conditional.classes(sampler, source, KEY, columns=6, zoom=2)
  expected = 10 * np.arange(4)[:, None] + np.arange(6)[None]
  np.testing.assert_array_equal(cells(found['classes'], 4, 6), expected)
  sampler.fill = lambda key, n: (jnp.zeros((n, 1)),)
  with refused('no class'):
    conditional.classes(sampler, source, KEY)


def test_codes_makes_a_picture_for_each_that_it_alone_changes():
  seen = []

  def generate(z):
    seen.append(np.asarray(z))
    return np.zeros((len(z), 1, 1, 1), np.uint8)

  sampler = types.SimpleNamespace(prior=PRIOR, generate=generate, display=lambda x: x)
  found = conditional.codes(sampler, source, KEY, rows=5, columns=4, reach=1.5, zoom=2)
  assert list(found) == ['categorical_0', 'categorical_1', 'continuous_0', 'continuous_1']
  places = [slice(1, 4), slice(4, 6), slice(6, 7), slice(7, 8)]
  values = [np.eye(3), np.eye(2), *[np.linspace(-1.5, 1.5, 5)[:, None]] * 2]
  for z, place, value in zip(seen, places, values, strict=True):
    z = z.reshape(len(value), 4, 8)
    np.testing.assert_allclose(z[:, :, place], np.stack([value] * 4, axis=1), rtol=1e-6)
    others = np.delete(z, np.r_[place], axis=2)
    np.testing.assert_array_equal(others, np.stack([others[0]] * len(value)))
  # Where another code varies, the first goes through its categories from column to column.
  np.testing.assert_array_equal(seen[2][:4, 1:4], np.eye(3)[[0, 1, 2, 0]])


def test_codes_refuses_a_prior_without_them():
  sampler = types.SimpleNamespace(prior=priors.normal(3))
  with refused('structured'):
    conditional.codes(sampler, source, KEY)
