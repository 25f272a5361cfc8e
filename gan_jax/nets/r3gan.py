"""R3GAN's own networks (Huang et al. 2024): ResNeXt blocks without any normalisation.

As in brownvc/R3GAN: a block is x + C(act(B(act(A(x))))), A and C of 1x1, B of 3x3 in groups, twice
as wide between; biases stand only in the activations; kernels ~ N(0, g² / fan in) with
g = sqrt(2 / 1.04) L^(-1/4) for L blocks in all, the last of each block 0, so that a network starts
as a linear map. Sizes change by a low-pass filter. Any size b·2ⁿ: at 32x32 stages of 4, 8, 16, 32.
"""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import InputError
from gan_jax.game import Array
from gan_jax.nets.conditional import Projection
from gan_jax.nets.layers import Dense, Heads, Initializer, activation, is_told, per_layer, verdict
from gan_jax.nets.pyramid import halvings
from gan_jax.ops import conv, lowpass
from gan_jax.ops.norm import rows

SLOPE = 0.2  # of the leaky ReLU
GAIN = (2 / (1 + SLOPE**2)) ** 0.5  # which keeps variance through it


def fan_in(gain: float = 1.0) -> Initializer:
  """Kernels f32[...,I,O] ~ N(0, gain² / fan in)."""
  return nn.initializers.variance_scaling(gain**2, 'fan_in', 'normal')


def linear(features: int, x: Array, kernel_init: Initializer) -> Array:
  """x [B,...,C] -> [B,...,features]: a matrix, which on images is a 1x1 convolution."""
  return Dense(features, use_bias=False, kernel_init=kernel_init, dtype=x.dtype)(x)


class Activation(nn.Module):
  """A bias for each channel, and a leaky ReLU."""

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,...,C] -> the same shape."""
    bias = self.param('bias', nn.initializers.zeros, x.shape[-1:])
    return nn.leaky_relu(x + rows(bias.astype(x.dtype), x), SLOPE)


class Grouped(nn.Module):
  """A convolution of 3x3 in groups of `group` channels, which keeps size and width."""

  group: int
  kernel_init: Initializer

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,H,W,C] -> the same shape."""
    width = x.shape[-1]
    if width % self.group:
      raise InputError(f'{width} channels do not part into groups of {self.group}.')
    kernel = self.param('kernel', self.kernel_init, (3, 3, self.group, width))
    return conv.grouped(x, kernel.astype(x.dtype), (1, 1), 'SAME', width // self.group)


class Block(nn.Module):
  """The residual block, one of `among` in the network."""

  group: int
  expansion: int
  among: int

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,H,W,C] -> the same shape."""
    width, init = x.shape[-1], fan_in(GAIN * self.among**-0.25)
    y = Activation()(linear(width * self.expansion, x, init))
    y = Activation()(Grouped(self.group, init)(y))
    return x + linear(width, y, nn.initializers.zeros)


class Generator(nn.Module):
  """From a learnt basis of images b x b up, `blocks` blocks in each stage.

  `width` is each stage's, or a number for each from the lowest resolution up; `group` the channels
  of one group in the middle of a block, so that 768 has 96 groups. With classes an `embedding` of
  the class (None: as long as z) stands beside z. The `narrow` stages of highest resolution multiply
  in bfloat16.
  """

  shape: tuple[int, int, int]
  width: int | Sequence[int] = 768
  group: int = 16
  blocks: int = 2
  expansion: int = 2
  narrow: int = 0
  output: str = 'linear'
  classes: int = 0
  embedding: int | None = None

  @nn.compact
  def __call__(self, z: Array, label: Array | None = None) -> Array:
    """z f32[B,Z] (and label i32[B]) -> image f32[B,*shape]."""
    (h, w), doublings = halvings(self.shape)
    widths = per_layer(self.width, doublings + 1, 'width')
    if is_told(label, self.classes):
      code = jax.nn.one_hot(label, self.classes, dtype=z.dtype)
      z = jnp.concatenate([z, linear(self.embedding or z.shape[-1], code, fan_in())], axis=-1)
    basis = self.param('basis', nn.initializers.normal(1.0), (h, w, widths[0]))
    x = basis[None] * linear(widths[0], z, fan_in())[:, None, None]
    for i, width in enumerate(widths):
      x = x.astype(jnp.bfloat16 if i > doublings - self.narrow else z.dtype)
      if i > 0:
        x = lowpass.up(x if width == x.shape[-1] else linear(width, x, fan_in()))
      for _ in range(self.blocks):
        x = Block(self.group, self.expansion, self.blocks * len(widths))(x)
    return activation(self.output)(linear(self.shape[-1], x, fan_in()))


class Discriminator(nn.Module):
  """The generator's mirror image; `width` again from the lowest resolution up.

  It ends in a sum over positions with learnt weights, channel by channel, and a linear map: to the
  logit, or, with classes, to what is multiplied with an `embedding` of the class (None: as long as
  the last stage is wide). It is told the class or has heads, not both.
  """

  width: int | Sequence[int] = 768
  group: int = 16
  blocks: int = 2
  expansion: int = 2
  narrow: int = 0
  classes: int = 0
  embedding: int | None = None
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array, label: Array | None = None) -> Any:
    """image f32[B,H,W,C] (and label i32[B]) -> logit f32[B], or with heads `layers.verdict`."""
    (h, w), halved = halvings(x.shape[1:])
    wide, widths = x.dtype, per_layer(self.width, halved + 1, 'width')[::-1]
    hidden = []
    for i, width in enumerate(widths):
      x = x.astype(jnp.bfloat16 if i < self.narrow else wide)
      x = lowpass.down(x) if i > 0 else x
      x = x if i > 0 and width == x.shape[-1] else linear(width, x, fan_in())
      for _ in range(self.blocks):
        x = Block(self.group, self.expansion, self.blocks * len(widths))(x)
      hidden.append(x)
    basis = self.param('basis', nn.initializers.normal((h * w) ** -0.5), (h, w, widths[-1]))
    features = jnp.sum(x.astype(wide) * basis[None], axis=(1, 2))
    if not is_told(label, self.classes):
      return verdict([*hidden, features], self.heads, fan_in(), use_bias=False)
    if self.heads is not None:
      raise InputError('a discriminator of r3gan that is told the class has no heads beside that.')
    length = self.embedding or widths[-1]
    return Projection(self.classes, fan_in(length**-0.5))(linear(length, features, fan_in()), label)
