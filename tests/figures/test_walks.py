"""Walks through z, of a generator of which every image is known."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import paths
from gan_jax.figures import walks
from gan_jax.figures.grids import grid
from gan_jax.sampling import still
from tests.messages import refused
from tests.metrics.standing import source_of
from tests.metrics.test_latent_path import drawing

KEY = jax.random.key(1)
A = np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32) / 8
G = lambda z: (z @ A).reshape(-1, 4, 4, 1)
source = source_of(np.zeros((4, 4, 4, 1), np.uint8))


def shown(z):
  return (
    np.clip(np.rint((np.asarray(z) @ A + 1) * 127.5), 0, 255).astype(np.uint8).reshape(-1, 4, 4, 1)
  )


def test_interpolation_goes_in_even_steps_from_one_z_to_another():
  sampler = drawing(G)
  found = walks.interpolation(sampler, source, KEY, rows=2, columns=5, zoom=1)['interpolation']
  z = np.asarray(sampler.prior(KEY, 4))
  wanted = np.concatenate(
    [shown(z[i] + np.linspace(0, 1, 5)[:, None] * (z[i + 2] - z[i])) for i in (0, 1)]
  )
  assert np.abs(found.astype(int) - grid(wanted, 5, zoom=1)).max() <= 1


def test_interpolation_ends_with_the_very_images_of_their_z():
  sampler = drawing(G)
  for way in ('lerp', 'slerp'):
    found = walks.interpolation(sampler, source, KEY, rows=2, columns=3, way=way, zoom=1)
    z = np.asarray(sampler.prior(KEY, 4))
    ends = sampler.display(sampler.generate(z))
    rows = found['interpolation'][2:][: 2 * 6].reshape(2, 6, -1, 1)[:, :4]
    np.testing.assert_array_equal(rows[:, :, 2:6], ends[:2])
    np.testing.assert_array_equal(rows[:, :, 14:18], ends[2:])


def test_walk_goes_on_where_the_row_before_ended():
  found = walks.walk(drawing(G), source, KEY, points=3, columns=4, zoom=1)['walk']
  first, second = (found[2 + 6 * r : 6 + 6 * r] for r in range(2))
  np.testing.assert_array_equal(first[:, 2 + 18 : 6 + 18], second[:, 2:6])


def test_tour_is_a_circle_in_steps_of_which_none_jumps():
  sampler = drawing(G)
  options = dict(rows=1, columns=1, points=3, way='lerp', zoom=1)
  found = walks.tour(sampler, source, KEY, steps=40, **options)['tour']
  assert found.shape == (120, 8, 8, 1)
  around = np.concatenate([found, found[:1]])[:, 2:6, 2:6, 0].astype(int)
  z = np.asarray(sampler.prior(KEY, 3))
  longest = np.abs((np.roll(z, -1, 0) - z) @ A).max() * 127.5 / 40
  assert np.abs(np.diff(around, axis=0)).max() <= longest + 1
  np.testing.assert_array_equal(found[0, 2:6, 2:6], sampler.display(sampler.generate(z))[0])


def test_pictures_keeps_what_else_g_is_told_along_a_row():
  sampler = drawing(lambda z, y: G(z) + y[:, None, None, None] * 1.0, inputs=('z', 'label'))
  given, at = paths.inputs(sampler, KEY, 4)
  assert at == 0
  still_z = np.repeat(given[0][:2, None] * 0, 3, axis=1)
  images = paths.pictures(sampler, given, at, still_z).reshape(2, 3, -1)
  assert (images[0] == images[0, 0]).all()
  assert (images[1] > images[0]).all()


def test_walks_refuse_what_has_no_z_or_no_images():
  with refused('no z'):
    walks.walk(still(np.zeros((2, 4, 4, 1), np.uint8)), source, KEY)
  with refused('points=1', 2):
    walks.tour(drawing(G), source, KEY, points=1)
  points = drawing(lambda z: jnp.asarray(z @ A[:, :2]))
  with refused('images', '(2,)'):
    walks.interpolation(points, source, KEY)
