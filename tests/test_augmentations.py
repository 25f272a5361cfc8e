"""Augmentations: what they may do to an image, how often, and that gradients pass through them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import augmentations, config

KEY = jax.random.key(0)
N = 400
X = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 3)).astype(np.float32))
MANY = jnp.tile(X, (N, 1, 1, 1))
NAMES = ['jitter', 'translation', 'cutout', 'blitting', 'geometry', 'colour']
each = pytest.mark.parametrize('name', NAMES)


def run(name, x=MANY, p=1.0, key=KEY, **options):
  return np.asarray(jax.jit(getattr(augmentations, name)(**options))(key, x, p))


def changed(y):
  return np.any(np.abs(y - X) > 1e-4, axis=(1, 2, 3))


def test_every_augmentation_of_the_module_is_tested_here():
  made = [n for n, v in vars(augmentations).items() if getattr(v, '__module__', '') ==
          'gan_jax.augmentations' and not n.startswith('_')]  # fmt: skip
  assert set(made) == set(NAMES)


@each
def test_with_p_0_it_is_the_identity_to_the_last_bit(name):
  np.testing.assert_array_equal(run(name, p=0.0), MANY)


@each
def test_each_image_draws_for_itself_and_each_key_anew(name):
  y = run(name)
  distinct = len({image.tobytes() for image in y})
  assert distinct >= (9 if name == 'translation' else N / 10)  # of an eighth of 8 pixels either way
  assert np.any(y != run(name, key=jax.random.key(1)))


@pytest.mark.parametrize('name', ['jitter', 'translation', 'cutout'])
def test_an_image_is_changed_with_probability_p(name):
  always = changed(run(name)).mean()  # a shift by nothing is no change
  assert abs(changed(run(name, p=0.3)).mean() - 0.3 * always) < 0.1


@each
def test_the_share_of_unchanged_images_falls_as_p_rises_and_strength_multiplies_it(name):
  left = [1 - changed(run(name, p=p)).mean() for p in (0.0, 0.1, 0.5)]
  assert left[0] == 1.0
  assert left[0] > left[1] > left[2]
  if name in ('blitting', 'geometry', 'colour'):
    np.testing.assert_array_equal(run(name, p=0.5), run(name, p=1.0, strength=0.5))
    np.testing.assert_array_equal(run(name, p=1.0, strength=0.0), MANY)


@each
def test_gradients_flow_to_the_image_and_through_a_penalty(name):
  augment = getattr(augmentations, name)()
  x = MANY[:8]
  D = lambda x: jnp.sum(jnp.tanh(augment(KEY, x, 0.7)) ** 2, axis=(1, 2, 3))
  slope = jax.grad(lambda x: jnp.sum(D(x)))
  first = jax.jit(slope)(x)
  second = jax.jit(jax.grad(lambda x: jnp.sum(slope(x) ** 2)))(x)
  for g in (first, second):
    assert np.isfinite(g).all()
    assert np.all(np.any(g != 0, axis=(1, 2, 3)))


@each
@pytest.mark.parametrize('shape', [(6, 10, 1), (5, 4, 2)])
def test_any_size_and_number_of_channels(name, shape):
  x = jnp.ones((3, *shape)) * 0.5
  y = run(name, x)
  assert y.shape == x.shape
  assert np.isfinite(y).all()


# --- what each may do -----------------------------------------------------------------------------


def test_jitter_keeps_the_pattern_of_each_image():
  """y = x + b, m + s (y - m) over channels, M + c (y - M) over all: an affine map of x and luma."""
  y = run('jitter')
  luma = np.mean(np.asarray(X), 3, keepdims=True)
  basis = np.stack([np.ravel(X), np.ravel(luma * np.ones(3)), np.ones(X.size)], axis=1)
  _, residual, *_ = np.linalg.lstsq(basis, y.reshape(N, -1).T, rcond=None)
  assert np.max(residual) < 1e-5


def test_jitters_ranges_are_the_papers():
  shifts = (run('jitter', saturation=0.0, contrast=0.0) - MANY).mean((1, 2, 3))
  assert shifts.min() > -0.5 - 1e-6
  assert shifts.max() < 0.5 + 1e-6
  assert shifts.std() == pytest.approx(1 / 12**0.5, rel=0.15)
  centred = lambda x: x - np.mean(x, (1, 2, 3), keepdims=True)
  y = centred(run('jitter', brightness=0.0, saturation=0.0))
  gains = np.sum(y * centred(MANY), (1, 2, 3)) / np.sum(centred(MANY) ** 2, (1, 2, 3))
  assert gains.min() > 0.5 - 1e-4
  assert gains.max() < 1.5 + 1e-4


def test_translation_moves_by_at_most_an_eighth_into_zeros():
  padded = np.pad(X[0], ((1, 1), (1, 1), (0, 0)))
  moves = {padded[a : a + 8, b : b + 8].tobytes() for a in range(3) for b in range(3)}
  seen = {image.tobytes() for image in run('translation')}
  assert seen == moves


def test_cutout_leaves_the_rest_and_cuts_a_square_of_half_the_size_or_what_lies_inside():
  y = run('cutout', jnp.ones_like(MANY))
  assert set(np.unique(y)) == {0.0, 1.0}
  rows, columns = (1 - y[..., 0]).max(2).sum(1), (1 - y[..., 0]).max(1).sum(1)
  np.testing.assert_array_equal((1 - y[..., 0]).sum((1, 2)), rows * columns)  # a rectangle
  assert set(rows) == set(columns) == {2.0, 3.0, 4.0}
  assert np.mean(rows == 4) == pytest.approx(5 / 9, abs=0.1)


def test_blitting_moves_pixels_about_and_invents_none():
  y = run('blitting', p=0.8)
  known = {tuple(pixel) for pixel in np.asarray(X).reshape(-1, 3)}
  assert {tuple(pixel) for pixel in y.reshape(-1, 3)} <= known
  square = {np.rot90(X[0], k).tobytes() for k in range(4)}
  square |= {np.rot90(X[0, :, ::-1], k).tobytes() for k in range(4)}
  still = {image.tobytes() for image in run('blitting', share=0.0)}
  assert still == square


def test_blitting_does_not_leak_the_flip_that_it_makes():
  """The share of mirrored images is p / 2 below 1/2: what was upright stays the more frequent."""
  y = run('blitting', share=0.0, p=0.6)
  upright = np.all(y == X, axis=(1, 2, 3)).mean()
  # Unchanged: no flip or the coin's other side, no turn or the turn by 0.
  assert upright == pytest.approx((1 - 0.6 / 2) * (1 - 0.6 * 3 / 4), abs=0.08)
  for k in range(1, 4):
    assert np.all(y == np.rot90(X[0], k)[None], axis=(1, 2, 3)).mean() < upright


def test_geometry_keeps_a_constant_image_and_the_range():
  np.testing.assert_allclose(run('geometry', jnp.full_like(MANY, 0.25)), 0.25, rtol=1e-5)
  y = run('geometry')
  assert np.abs(y).max() <= np.abs(X).max() + 1e-5


def test_colour_keeps_what_it_says():
  """Brightness adds a constant; grey pixels stay grey, and equal pixels equal."""
  grey = jnp.ones((N, 4, 4, 3)) * jnp.linspace(-1, 1, 16).reshape(1, 4, 4, 1)
  y = run('colour', grey)
  np.testing.assert_allclose(y, y.mean(3, keepdims=True) * np.ones(3), atol=1e-5)
  y = run('colour', MANY.at[:, 0, 0].set(MANY[:, 1, 1]))
  np.testing.assert_allclose(y[:, 0, 0], y[:, 1, 1], atol=1e-6)


def test_hue_and_saturation_keep_luma_and_the_rotation_keeps_lengths():
  y = run('colour', brightness=0.0, contrast=0.0, saturation=0.0)
  luma = lambda x: np.mean(x, 3)
  np.testing.assert_allclose(np.abs(luma(y)), np.abs(luma(MANY)), atol=1e-5)
  np.testing.assert_allclose(np.sum(y**2, 3), np.sum(MANY**2, 3), rtol=1e-4, atol=1e-5)
  assert 0.3 < np.mean(np.sign(luma(y)) != np.sign(luma(MANY))) < 0.7  # inverted half the time


def test_a_config_names_one_with_its_options():
  cut = config.build(dict(name='cutout', share=0.25), 'augmentations')
  holes = (1 - np.asarray(cut(KEY, jnp.ones_like(MANY), 1.0))).sum((1, 2, 3)) / 3
  assert holes.max() == 4
