"""Ways through the space of z."""

import numpy as np

from gan_jax import paths
from gan_jax.paths import lerp, slerp
from tests.messages import refused

RNG = np.random.default_rng(0)


def test_slerp_keeps_the_size_and_ends_where_it_should():
  a, b = RNG.normal(size=(2, 9, 5))
  b *= (np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1))[:, None]
  half = slerp(a, b, np.full(9, 0.5))
  np.testing.assert_allclose(np.linalg.norm(half, axis=1), np.linalg.norm(a, axis=1))
  np.testing.assert_allclose(slerp(a, b, np.ones(9)), b)
  np.testing.assert_allclose(slerp(a, 2 * a, np.full(9, 0.5)), 1.5 * a)
  np.testing.assert_allclose(slerp(0 * a, b, np.full(9, 0.5)), b / 2)


def test_between_is_as_long_as_asked_and_its_ends_are_exact():
  a, b = RNG.normal(size=(2, 4, 3)).astype(np.float32)
  for way in (lerp, slerp):
    path = paths.between(a, b, 7, way)
    assert path.shape == (4, 7, 3)
    np.testing.assert_array_equal(path[:, 0], a)
    np.testing.assert_array_equal(path[:, -1], b)
  np.testing.assert_allclose(paths.between(a, b, 3)[:, 1], (a + b) / 2, rtol=1e-6)


def test_along_refuses_an_unknown_way():
  with refused("way='straight'", 'slerp', 'lerp'):
    paths.along('straight')
