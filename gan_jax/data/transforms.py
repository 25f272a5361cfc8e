"""From what is stored to what the networks see, inside the compiled step; and back, to look at it.

A config lists them in order, e.g. `transform=(dict(name='flip'), dict(name='scale'))`.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.game import Array, Key
from gan_jax.ops import random


class Transform(NamedTuple):
  """A step on the way from stored to seen.

  range is the interval that the values lie in afterwards, (-inf, inf) if it has no ends, or None
  for a step that leaves it as it was; the networks' output is checked against it.
  """

  apply: Callable[[Array, Key], Array]  # ([B,...], key) -> [B,...]
  display: Callable[[Array], Array] = lambda x: x  # the way back, towards f32 in [0, 255]
  range: tuple[float, float] | None = None


def to_uint8(x: Array) -> Array:
  """Values about 0..255, as `display` gives them, to the nearest grey level: uint8."""
  return jnp.clip(jnp.round(x), 0, 255).astype(jnp.uint8)


def chain(steps: Sequence[Transform]) -> Transform:
  """One step after another, and back in the opposite order."""

  def apply(x: Array, key: Key) -> Array:
    for i, step in enumerate(steps):
      x = step.apply(x, jax.random.fold_in(key, i))
    return x

  def display(x: Array) -> Array:
    for step in reversed(steps):
      x = step.display(x)
    return x

  ranges = [step.range for step in steps if step.range is not None]
  return Transform(apply, display, ranges[-1] if ranges else None)


def scale(low: float = -1.0, high: float = 1.0) -> Transform:
  """uint8 0..255 -> f32 in [low, high]; (-1, 1) is x / 127.5 - 1."""
  return Transform(
    lambda x, key: x.astype(jnp.float32) * ((high - low) / 255) + low,
    lambda x: (x - low) * (255 / (high - low)),
    (low, high),
  )


def dequantise(levels: int = 256, low: float = -1.0, high: float = 1.0) -> Transform:
  """uint8 -> f32 in [low, high]: noise of one grey level's width is added (Miyato et al. 2018)."""

  def apply(x: Array, key: Key) -> Array:
    u = random.uniform(key, x.shape)
    return (x.astype(jnp.float32) + u) * ((high - low) / levels) + low

  return Transform(apply, lambda x: (x - low) * (levels / (high - low)) - 0.5, (low, high))


def binarise() -> Transform:
  """Each value in [0, 1] becomes 1 with that probability, else 0, anew each time it is seen."""
  return Transform(lambda x, key: random.bernoulli(key, x, x.shape).astype(x.dtype))


def flip() -> Transform:
  """Each image is mirrored, left for right, with probability 1/2."""

  def apply(x: Array, key: Key) -> Array:
    mirrored = random.bernoulli(key, 0.5, (len(x), 1, 1, 1))
    return jnp.where(mirrored, x[:, :, ::-1], x)

  return Transform(apply)


def random_crop(size: int) -> Transform:
  """A random window of size x size from each image."""

  def apply(x: Array, key: Key) -> Array:
    high = jnp.array([[x.shape[1] - size + 1, x.shape[2] - size + 1]])
    corners = jax.random.randint(key, (len(x), 2), 0, high)
    cut = lambda image, at: jax.lax.dynamic_slice(
      image, (at[0], at[1], 0), (size, size, image.shape[-1])
    )
    return jax.vmap(cut)(x, corners)

  return Transform(apply)


def contrast_normalise(norm: float = 55.0) -> Transform:
  """Each image less its mean, scaled to L2 norm `norm`: the GCN 55 of the 2014 CIFAR-10 runs.

  It cannot be undone; for display an image is divided by its largest absolute value, as the
  authors' figure code does.
  """

  def apply(x: Array, key: Key) -> Array:
    x = x.astype(jnp.float32)
    axes = tuple(range(1, x.ndim))
    x = x - jnp.mean(x, axes, keepdims=True)
    return x * (norm / jnp.maximum(jnp.sqrt(jnp.sum(x**2, axes, keepdims=True)), 1e-8))

  def display(x: Array) -> Array:
    largest = jnp.max(jnp.abs(x), tuple(range(1, x.ndim)), keepdims=True)
    return 127.5 + 127.5 * x / jnp.maximum(largest, 1e-8)

  return Transform(apply, display, (-math.inf, math.inf))
