"""Augmentations: what they may do to an image, how often, and that gradients pass through them.

Each is compiled once for a shape: what its factory takes are numbers of that one program.
"""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import augmentations, config

KEY = jax.random.key(0)
N = 400
X = np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 3)).astype(np.float32)
MANY = np.tile(X, (N, 1, 1, 1))
NAMES = ['jitter', 'translation', 'cutout', 'blitting', 'geometry', 'colour']
each = pytest.mark.parametrize('name', NAMES)


DEFAULTS = {
  'jitter': dict(brightness=0.5, saturation=1.0, contrast=0.5),
  'blitting': dict(share=0.125, strength=1.0),
  'geometry': dict(scale=0.2, stretch=0.2, move=0.125, strength=1.0),
  'colour': dict(brightness=0.2, contrast=0.5, saturation=1.0, strength=1.0),
}


@functools.cache
def program(name):
  make = getattr(augmentations, name)
  return jax.jit(lambda key, x, p, options: make(**options)(key, x, p))


def run(name, x=MANY, p=1.0, key=KEY, **options):
  options = {**DEFAULTS.get(name, {}), **options}
  return np.asarray(program(name)(key, x, p, options))


def changed(y):
  return np.any(np.abs(y - X) > 1e-4, axis=(1, 2, 3))


def test_augmentations_are_all_tested_here_with_their_own_defaults():
  made = [n for n, v in vars(augmentations).items() if getattr(v, '__module__', '') ==
          'gan_jax.augmentations' and not n.startswith('_')]  # fmt: skip
  assert set(made) == set(NAMES)
  for name, options in DEFAULTS.items():
    taken = inspect.signature(getattr(augmentations, name)).parameters
    assert options == {n: parameter.default for n, parameter in taken.items()}


@each
def test_augmentations_with_p_0_are_the_identity_to_the_last_bit(name):
  np.testing.assert_array_equal(run(name, p=0.0), MANY)


@each
def test_augmentations_draw_for_each_image_and_each_key_anew(name):
  y = run(name)
  distinct = len({image.tobytes() for image in y})
  assert distinct >= (9 if name == 'translation' else N / 10)  # of an eighth of 8 pixels either way
  assert np.any(y != run(name, key=jax.random.key(1)))


@pytest.mark.parametrize('name', ['jitter', 'translation', 'cutout'])
def test_augmentations_change_an_image_with_probability_p(name):
  always = changed(run(name)).mean()  # a shift by nothing is no change
  assert abs(changed(run(name, p=0.3)).mean() - 0.3 * always) < 0.1


@each
def test_augmentations_change_more_as_p_rises_and_strength_with_it(name):
  left = [1 - changed(run(name, p=p)).mean() for p in (0.0, 0.1, 0.5)]
  assert left[0] == 1.0
  assert left[0] > left[1] > left[2]
  if name in ('blitting', 'geometry', 'colour'):
    np.testing.assert_array_equal(run(name, p=0.5), run(name, p=1.0, strength=0.5))
    np.testing.assert_array_equal(run(name, p=1.0, strength=0.0), MANY)


@each
def test_augmentations_pass_gradients_to_the_image_and_a_penalty(name):
  augment = getattr(augmentations, name)()

  def penalty(x, key):
    slope = jax.grad(lambda x: jnp.sum(jnp.tanh(augment(key, x, 0.7)) ** 2))(x)
    return jnp.sum(slope**2), slope

  second, first = jax.jit(jax.grad(penalty, has_aux=True))(MANY[:8], KEY)
  for g in (first, second):
    assert np.isfinite(g).all()
    assert np.all(np.any(g != 0, axis=(1, 2, 3)))


SHAPES = pytest.mark.parametrize('shape', [(3, 5, 10, 2), (3, 6, 4, 1)])


@each
@SHAPES
def test_augmentations_keep_any_size_and_number_of_channels(name, shape):
  x = jax.ShapeDtypeStruct(shape, np.float32)
  y = jax.eval_shape(getattr(augmentations, name)(), KEY, x, 1.0)
  assert (y.shape, y.dtype) == (x.shape, x.dtype)


@pytest.mark.slow  # a program for each shape
@each
@SHAPES
def test_augmentations_are_finite_for_any_size(name, shape):
  assert np.isfinite(run(name, np.full(shape, 0.5, np.float32))).all()


# --- what each may do -----------------------------------------------------------------------------


def test_jitter_keeps_the_pattern_of_each_image():
  """y = x + b, m + s (y - m) over channels, M + c (y - M) over all: an affine map of x and luma."""
  y = run('jitter')
  luma = np.mean(X, 3, keepdims=True)
  basis = np.stack([np.ravel(X), np.ravel(luma * np.ones(3)), np.ones(X.size)], axis=1)
  _, residual, *_ = np.linalg.lstsq(basis, y.reshape(N, -1).T, rcond=None)
  assert np.max(residual) < 1e-5


def test_jitter_has_the_ranges_of_the_paper():
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


def test_cutout_cuts_a_square_of_half_the_size_or_what_is_inside():
  y = run('cutout', np.ones_like(MANY))
  assert set(np.unique(y)) == {0.0, 1.0}
  rows, columns = (1 - y[..., 0]).max(2).sum(1), (1 - y[..., 0]).max(1).sum(1)
  np.testing.assert_array_equal((1 - y[..., 0]).sum((1, 2)), rows * columns)  # a rectangle
  assert set(rows) == set(columns) == {2.0, 3.0, 4.0}
  assert np.mean(rows == 4) == pytest.approx(5 / 9, abs=0.1)


def test_blitting_moves_pixels_about_and_invents_none():
  y = run('blitting', p=0.8)
  known = {tuple(pixel) for pixel in X.reshape(-1, 3)}
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
  np.testing.assert_allclose(run('geometry', np.full_like(MANY, 0.25)), 0.25, rtol=1e-5)
  y = run('geometry')
  assert np.abs(y).max() <= np.abs(X).max() + 1e-5


def test_colour_keeps_what_it_says():
  """Brightness adds a constant; grey pixels stay grey, and equal pixels equal."""
  grey = np.ones((N, 8, 8, 3)) * np.linspace(-1, 1, 64).reshape(1, 8, 8, 1)
  y = run('colour', np.float32(grey))
  np.testing.assert_allclose(y, y.mean(3, keepdims=True) * np.ones(3), atol=1e-5)
  twins = MANY.copy()
  twins[:, 0, 0] = twins[:, 1, 1]
  y = run('colour', twins)
  np.testing.assert_allclose(y[:, 0, 0], y[:, 1, 1], atol=1e-6)


def test_colour_turns_hues_that_keep_their_luma_and_their_length():
  y = run('colour', brightness=0.0, contrast=0.0, saturation=0.0)
  luma = lambda x: np.mean(x, 3)
  np.testing.assert_allclose(np.abs(luma(y)), np.abs(luma(MANY)), atol=1e-5)
  np.testing.assert_allclose(np.sum(y**2, 3), np.sum(MANY**2, 3), rtol=1e-4, atol=1e-5)
  assert 0.3 < np.mean(np.sign(luma(y)) != np.sign(luma(MANY))) < 0.7  # inverted half the time


def test_build_makes_an_augmentation_with_its_options():
  cut = config.build(dict(name='cutout', share=0.25), 'augmentations')
  holes = (1 - np.asarray(jax.jit(cut)(KEY, np.ones_like(MANY), 1.0))).sum((1, 2, 3)) / 3
  assert holes.max() == 4
