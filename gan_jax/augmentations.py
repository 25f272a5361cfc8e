"""What D may be shown in place of an image, so that few images last longer.

Each is a factory of a pure function `(key, x, p) -> x'`, f32[B,H,W,C] about [-1, 1], in which each
image draws for itself, and is left exactly as it is with probability 1 - p. They are differentiable
in x, so G learns through them. With p well below 1 they do not leak: a G whose augmented images
have the distribution of the augmented data has the data's (Karras et al. 2020, section 2.2).

`jitter`, `translation` and `cutout` are DiffAugment's (Zhao et al. 2020), made for p = 1;
`blitting`, `geometry` and `colour` the pipe of adaptive augmentation (Karras et al. 2020, app. B),
whose p is the probability of each single change, so that more than one may befall an image.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.game import Array, Key
from gan_jax.ops import random
from gan_jax.ops.warp import affine

Augmentation = Callable[[Key, Array, Array | float], Array]


# --- DiffAugment ----------------------------------------------------------------------------------


def jitter(brightness: float = 0.5, saturation: float = 1.0, contrast: float = 0.5) -> Augmentation:
  """x + U(-.5, .5); then colours x U(0, 2); then contrast x U(.5, 1.5), about the image's mean.

  'Color' of Zhao et al. 2020, in their order.
  """

  def augment(key: Key, x: Array, p: Array | float) -> Array:
    gate, *u = random.uniform(key, (4, len(x), 1, 1, 1))
    y = x + brightness * (2 * u[0] - 1)
    y = y + saturation * (2 * u[1] - 1) * (y - jnp.mean(y, 3, keepdims=True))
    y = y + contrast * (2 * u[2] - 1) * (y - jnp.mean(y, (1, 2, 3), keepdims=True))
    return jnp.where(gate < p, y, x)

  return augment


def translation(share: float = 0.125) -> Augmentation:
  """Moved by whole pixels, up to `share` of the size either way, into zeros (Zhao et al. 2020)."""

  def augment(key: Key, x: Array, p: Array | float) -> Array:
    gate, *u = random.uniform(key, (3, len(x), 1, 1, 1))
    y = x
    for axis, of in zip((1, 2), u, strict=True):
      n = x.shape[axis]
      most = int(n * share)
      by = _whole(of, 2 * most + 1) - most
      at = jax.lax.broadcasted_iota(jnp.int32, (1,) * axis + (n,) + (1,) * (3 - axis), axis) - by
      moved = jnp.take_along_axis(y, jnp.clip(at, 0, n - 1), axis)
      y = jnp.where((at >= 0) & (at < n), moved, jnp.zeros_like(moved))
    return jnp.where(gate < p, y, x)

  return augment


def cutout(share: float = 0.5) -> Augmentation:
  """A rectangle of `share` of the size, whose middle may be anywhere, is 0 (Zhao et al. 2020)."""

  def augment(key: Key, x: Array, p: Array | float) -> Array:
    gate, *u = random.uniform(key, (3, len(x), 1, 1, 1))
    cut = gate < p
    for axis, of in zip((1, 2), u, strict=True):
      n = x.shape[axis]
      size = int(n * share)
      start = _whole(of, n + 1 - size % 2) - size // 2
      at = jax.lax.broadcasted_iota(jnp.int32, (1,) * axis + (n,) + (1,) * (3 - axis), axis)
      cut = cut & (at >= start) & (at < start + size)
    return jnp.where(cut, jnp.zeros_like(x), x)

  return augment


# --- adaptive augmentation ------------------------------------------------------------------------


def blitting(share: float = 0.125, strength: float = 1.0) -> Augmentation:
  """Mirrored, turned by quarters, moved by whole pixels: values are copied, to the last bit.

  `strength` multiplies p, as in all of the pipe.
  """

  def augment(key: Key, x: Array, p: Array | float) -> Array:
    flip, turn, down, right, *gates = random.uniform(key, (7, len(x)))
    q = strength * p
    left = _some(gates[0], q, jnp.where(flip < 0.5, -1.0, 1.0), 1.0)
    quarter = _some(gates[1], q, _whole(turn, 4), 0)
    cos, sin = jnp.array([1.0, 0, -1, 0])[quarter], jnp.array([0.0, 1, 0, -1])[quarter]
    move = jnp.round(share * (2 * jnp.stack([down, right], 1) - 1) * _size(x))
    move = _some(gates[2][:, None], q, move, 0.0)
    return affine(x, _matrix(cos, -sin, left * sin, left * cos), move)

  return augment


def geometry(
  scale: float = 0.2, stretch: float = 0.2, move: float = 0.125, strength: float = 1.0
) -> Augmentation:
  """Scaled by 2^N(0, scale²), turned by U(-pi, pi), stretched, moved by N(0, move²) of the size.

  One bilinear interpolation; the authors' pipe interpolates at twice the resolution between
  low-pass filters. Turned twice, before the stretch and after it, so that a stretch has any
  direction; each with such a probability that one of the two happens with p.
  """

  def augment(key: Key, x: Array, p: Array | float) -> Array:
    k_normal, k_uniform = jax.random.split(key)
    z, u = random.normal(k_normal, (4, len(x))), random.uniform(k_uniform, (7, len(x)))
    before, after, *gates = u
    q = strength * p
    each = 1 - jnp.sqrt(jnp.clip(1 - q, 0, 1))
    s = _some(gates[0], q, scale * z[0], 0.0)
    a = _some(gates[1], each, math.pi * (2 * before - 1), 0.0)
    t = _some(gates[2], q, stretch * z[1], 0.0)
    b = _some(gates[3], each, math.pi * (2 * after - 1), 0.0)
    shift = _some(gates[4][:, None], q, move * z[2:].T * _size(x), 0.0)
    # R(a) diag(2^-s-t, 2^-s+t) R(b): where in the image a pixel of the augmented one comes from.
    down, right = jnp.exp2(-s - t), jnp.exp2(-s + t)
    (ca, sa), (cb, sb) = ((jnp.cos(angle), jnp.sin(angle)) for angle in (a, b))
    linear = _matrix(
      ca * down * cb - sa * right * sb,
      -ca * down * sb - sa * right * cb,
      sa * down * cb + ca * right * sb,
      -sa * down * sb + ca * right * cb,
    )
    return affine(x, linear, shift)

  return augment


def colour(
  brightness: float = 0.2, contrast: float = 0.5, saturation: float = 1.0, strength: float = 1.0
) -> Augmentation:
  """+ N(0, brightness²), x 2^N(0, contrast²), luma inverted, hue turned, saturation x 2^N(0, 1).

  The last two are of three channels; of others there are brightness, contrast and the inversion.
  """

  def augment(key: Key, x: Array, p: Array | float) -> Array:
    k_normal, k_uniform = jax.random.split(key)
    z, u = (
      draw(k, (m, len(x), 1, 1, 1))
      for draw, k, m in ((random.normal, k_normal, 3), (random.uniform, k_uniform, 7))
    )
    invert, turn, *gates = u
    q = strength * p
    x = x + _some(gates[0], q, brightness * z[0], 0.0)
    x = x * jnp.exp2(_some(gates[1], q, contrast * z[1], 0.0))
    luma = lambda x: jnp.mean(x, 3, keepdims=True)
    inverted = _some(gates[2], q, jnp.where(invert < 0.5, 2.0, 0.0), 0.0)
    x = x - inverted * luma(x)  # a reflection: luma changes its sign, the colour stays
    if x.shape[3] != 3:
      return x
    angle = _some(gates[3], q, math.pi * (2 * turn - 1), 0.0)
    # Rodrigues' rotation about the grey axis (1, 1, 1) / sqrt(3).
    across = (jnp.roll(x, 1, 3) - jnp.roll(x, -1, 3)) / math.sqrt(3)
    x = x + (jnp.cos(angle) - 1) * (x - luma(x)) + jnp.sin(angle) * across
    more = jnp.exp2(_some(gates[4], q, saturation * z[2], 0.0))
    return x + (more - 1) * (x - luma(x))

  return augment


# --- what they share ------------------------------------------------------------------------------
# All numbers of one augmentation are drawn at once: a draw is a few hundred operations to compile.


def _some(u: Array, p: Array | float, drawn: Array, neutral: float) -> Array:
  """drawn where u ~ U[0, 1) is below p, and elsewhere what changes nothing."""
  return jnp.where(u < p, drawn, jnp.full_like(drawn, neutral))


def _whole(u: Array, n: int) -> Array:
  """u ~ U[0, 1) -> i32, each of 0 .. n - 1 as likely."""
  return jnp.floor(u * n).astype(jnp.int32)


def _size(x: Array) -> Array:
  """Height and width, f32[1,2]."""
  return jnp.array([x.shape[1:3]], jnp.float32)


def _matrix(a: Array, b: Array, c: Array, d: Array) -> Array:
  """[[a, b], [c, d]], f32[B,2,2]."""
  return jnp.stack([jnp.stack([a, b], -1), jnp.stack([c, d], -1)], -2)
