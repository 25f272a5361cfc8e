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
    k_gate, *keys = jax.random.split(key, 4)
    draw = lambda k, bound: random.uniform(k, (len(x), 1, 1, 1), -bound, bound)
    y = x + draw(keys[0], brightness)
    y = y + draw(keys[1], saturation) * (y - jnp.mean(y, 3, keepdims=True))
    y = y + draw(keys[2], contrast) * (y - jnp.mean(y, (1, 2, 3), keepdims=True))
    return jnp.where(_gate(k_gate, p, x), y, x)

  return augment


def translation(share: float = 0.125) -> Augmentation:
  """Moved by whole pixels, up to `share` of the size either way, into zeros (Zhao et al. 2020)."""

  def augment(key: Key, x: Array, p: Array | float) -> Array:
    k_gate, *keys = jax.random.split(key, 3)
    y = x
    for axis, k in zip((1, 2), keys, strict=True):
      n = x.shape[axis]
      most = int(n * share)
      by = jax.random.randint(k, (len(x), 1, 1, 1), -most, most + 1)
      at = jax.lax.broadcasted_iota(jnp.int32, (1,) * axis + (n,) + (1,) * (3 - axis), axis) - by
      moved = jnp.take_along_axis(y, jnp.clip(at, 0, n - 1), axis)
      y = jnp.where((at >= 0) & (at < n), moved, jnp.zeros_like(moved))
    return jnp.where(_gate(k_gate, p, x), y, x)

  return augment


def cutout(share: float = 0.5) -> Augmentation:
  """A rectangle of `share` of the size, whose middle may be anywhere, is 0 (Zhao et al. 2020)."""

  def augment(key: Key, x: Array, p: Array | float) -> Array:
    k_gate, *keys = jax.random.split(key, 3)
    cut = _gate(k_gate, p, x)
    for axis, k in zip((1, 2), keys, strict=True):
      n = x.shape[axis]
      size = int(n * share)
      start = jax.random.randint(k, (len(x), 1, 1, 1), 0, n + 1 - size % 2) - size // 2
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
    k_flip, k_turn, k_move, *gates = jax.random.split(key, 6)
    n, q = len(x), strength * p
    left = _some(gates[0], q, 1 - 2.0 * random.bernoulli(k_flip, 0.5, (n,)), 1.0)
    quarter = _some(gates[1], q, jax.random.randint(k_turn, (n,), 0, 4), 0)
    cos, sin = jnp.array([1.0, 0, -1, 0])[quarter], jnp.array([0.0, 1, 0, -1])[quarter]
    move = random.uniform(k_move, (n, 2), -share, share) * _size(x)
    move = _some(gates[2], q, jnp.round(move), 0.0)
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
    k_scale, k_before, k_stretch, k_after, k_move, *gates = jax.random.split(key, 10)
    n, q = len(x), strength * p
    each = 1 - jnp.sqrt(jnp.clip(1 - q, 0, 1))
    s = _some(gates[0], q, scale * random.normal(k_scale, (n,)), 0.0)
    a = _some(gates[1], each, random.uniform(k_before, (n,), -math.pi, math.pi), 0.0)
    t = _some(gates[2], q, stretch * random.normal(k_stretch, (n,)), 0.0)
    b = _some(gates[3], each, random.uniform(k_after, (n,), -math.pi, math.pi), 0.0)
    shift = _some(gates[4], q, move * random.normal(k_move, (n, 2)) * _size(x), 0.0)
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
    k_add, k_times, k_invert, k_turn, k_saturate, *gates = jax.random.split(key, 10)
    shape, q = (len(x), 1, 1, 1), strength * p
    x = x + _some(gates[0], q, brightness * random.normal(k_add, shape), 0.0)
    x = x * jnp.exp2(_some(gates[1], q, contrast * random.normal(k_times, shape), 0.0))
    luma = lambda x: jnp.mean(x, 3, keepdims=True)
    inverted = _some(gates[2], q, 2.0 * random.bernoulli(k_invert, 0.5, shape), 0.0)
    x = x - inverted * luma(x)  # a reflection: luma changes its sign, the colour stays
    if x.shape[3] != 3:
      return x
    angle = _some(gates[3], q, random.uniform(k_turn, shape, -math.pi, math.pi), 0.0)
    # Rodrigues' rotation about the grey axis (1, 1, 1) / sqrt(3).
    across = (jnp.roll(x, 1, 3) - jnp.roll(x, -1, 3)) / math.sqrt(3)
    x = x + (jnp.cos(angle) - 1) * (x - luma(x)) + jnp.sin(angle) * across
    more = jnp.exp2(_some(gates[4], q, saturation * random.normal(k_saturate, shape), 0.0))
    return x + (more - 1) * (x - luma(x))

  return augment


# --- what they share ------------------------------------------------------------------------------


def _gate(key: Key, p: Array | float, x: Array) -> Array:
  """bool[B,1,1,1]: which images are changed."""
  return random.bernoulli(key, p, (len(x), 1, 1, 1))


def _some(key: Key, p: Array | float, drawn: Array, neutral: float) -> Array:
  """drawn[B,...] for a share p of the images, and for the others what changes nothing."""
  chosen = random.bernoulli(key, p, (len(drawn),) + (1,) * (drawn.ndim - 1))
  return jnp.where(chosen, drawn, jnp.full_like(drawn, neutral))


def _size(x: Array) -> Array:
  """Height and width, f32[1,2]."""
  return jnp.array([x.shape[1:3]], jnp.float32)


def _matrix(a: Array, b: Array, c: Array, d: Array) -> Array:
  """[[a, b], [c, d]], f32[B,2,2]."""
  return jnp.stack([jnp.stack([a, b], -1), jnp.stack([c, d], -1)], -2)
