"""Affine maps of images against copying, scipy's interpolation, and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from gan_jax.ops.warp import affine, mirrored

X = np.random.default_rng(0).normal(size=(2, 7, 6, 3)).astype(np.float32)
affinely = jax.jit(affine)


def warped(linear, shift, x=X):
  n = len(x)
  linear = np.broadcast_to(np.float32(linear), (n, 2, 2))
  return np.asarray(affinely(x, linear, np.broadcast_to(np.float32(shift), (n, 2))))


def test_affine_is_exact_for_the_identity():
  np.testing.assert_array_equal(warped(np.eye(2), (0, 0)), X)


def test_affine_is_exact_for_flips_and_turns_of_a_square():
  square = X[:, :6]
  np.testing.assert_array_equal(warped(np.diag([1, -1]), (0, 0), square), square[:, :, ::-1])
  np.testing.assert_array_equal(warped(np.diag([-1, 1]), (0, 0), square), square[:, ::-1])
  turned = warped([[0, -1], [1, 0]], (0, 0), square)
  options = [np.rot90(square, k, (1, 2)) for k in (1, 3)]
  assert any(np.array_equal(turned, option) for option in options)
  again = warped([[0, 1], [-1, 0]], (0, 0), turned)
  np.testing.assert_array_equal(again, square)


def test_affine_shifts_down_and_right_and_goes_on_as_a_mirror_image():
  moved = warped(np.eye(2), (2, -1))
  np.testing.assert_array_equal(moved[:, 2:, :-1], X[:, :-2, 1:])
  np.testing.assert_array_equal(moved[:, 0, :-1], X[:, 2, 1:])
  np.testing.assert_array_equal(moved[:, 1, :-1], X[:, 1, 1:])
  np.testing.assert_array_equal(moved[:, 2:, -1], X[:, :-2, -2])


def test_affine_has_a_map_for_each_image():
  linear = np.float32([np.eye(2), np.diag([1, -1])])
  out = np.asarray(affinely(X, linear, np.zeros((2, 2), np.float32)))
  np.testing.assert_array_equal(out[0], X[0])
  np.testing.assert_array_equal(out[1], X[1, :, ::-1])


@pytest.mark.parametrize('angle', [0.3, -2.0])
def test_affine_is_scipys_bilinear_interpolation(angle):
  linear = np.array([[np.cos(angle), -np.sin(angle)], [0.8 * np.sin(angle), 1.3 * np.cos(angle)]])
  shift, middle = np.array([0.7, -1.6]), np.array([3.0, 2.5])
  out = warped(linear, shift)
  for image, found in zip(X, out, strict=True):
    for c in range(3):
      offset = middle - linear @ (middle + shift)
      theirs = ndimage.affine_transform(image[..., c], linear, offset, order=1, mode='mirror')
      np.testing.assert_allclose(found[..., c], theirs, atol=1e-4)


@pytest.mark.parametrize('n', [1, 2, 5])
def test_mirrored_goes_on_without_end(n):
  i = np.arange(-13, 14)
  theirs = np.pad(np.arange(n), (13, 13), mode='reflect')[i + 13] if n > 1 else np.zeros(27)
  np.testing.assert_array_equal(mirrored(jnp.float32(i), n), theirs[: len(i)])


def test_affine_is_linear_in_the_image_and_differentiable_twice():
  linear = np.float32([[[0.9, -0.4], [0.3, 1.1]]] * 2)
  shift = np.float32([[0.5, 0.25]] * 2)
  y = np.random.default_rng(1).normal(size=X.shape).astype(np.float32)

  @jax.jit
  def look(x, y):
    """f(x), the transpose of f at y, and the gradient of a gradient penalty."""
    f = lambda x: affine(x, linear, shift)
    there, pull = jax.vjp(f, x)
    penalty = lambda x: jnp.sum(jax.grad(lambda x: jnp.sum(f(x) ** 3))(x) ** 2)
    return there, pull(y)[0], jax.grad(penalty)(x)

  there, back, slope = look(X, y)
  np.testing.assert_allclose(np.vdot(there, y), np.vdot(X, back), rtol=1e-4)
  assert np.isfinite(slope).all()
