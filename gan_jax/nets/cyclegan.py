"""The generator of CycleGAN (Zhu et al. 2017, appendix 7.2), after Johnson et al. 2016.

Residual blocks at a quarter of the size, between two steps down and two up; reflected edges at
stride 1. No convolution has a bias: junyanz/CycleGAN sets them to zero before every step.
"""

from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.errors import InputError
from gan_jax.game import Array
from gan_jax.nets.layers import Conv, ConvTranspose, activation, normalise
from gan_jax.nets.unet import same_size

# 3x3 at stride 2 in Torch's alignment: padding 1, and 1 more at the far edge of the way up. 'SAME'
# would shift both by a pixel.
DOWN, UP = ((1, 1), (1, 1)), ((1, 2), (1, 2))

conv = partial(Conv, stride=1, padding='VALID', use_bias=False)


def reflected(x: Array, n: int) -> Array:
  """x f32[B,H,W,C] -> f32[B,H+2n,W+2n,C], mirrored at its edge pixels."""
  return jnp.pad(x, ((0, 0), (n, n), (n, n), (0, 0)), mode='reflect')


class Block(nn.Module):
  """x, and what two 3x3 convolutions add to it."""

  norm: str = 'instance'

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,H,W,C] -> the same shape."""
    y = conv(x.shape[-1], size=3)(reflected(x, 1))
    y = nn.relu(normalise(self.norm, y))
    y = conv(x.shape[-1], size=3)(reflected(y, 1))
    return x + normalise(self.norm, y)


class Generator(nn.Module):
  """The authors take 6 blocks for images of 128x128, 9 for larger ones."""

  shape: tuple[int, int, int]
  width: int = 64
  blocks: int = 9
  norm: str = 'instance'
  output: str = 'tanh'

  @nn.compact
  def __call__(self, source: Array) -> Array:
    """source f32[B,H,W,c] -> image f32[B,*shape] of the same size, in [-1, 1] for 'tanh'."""
    same_size(source.shape, self.shape)
    if min(self.shape[:2]) < 8 or self.shape[0] % 4 or self.shape[1] % 4:
      raise InputError(
        f'an image of {self.shape[0]}x{self.shape[1]} cannot be halved twice and go back: give it '
        'sides that are multiples of 4, and 8 at least.'
      )
    after = lambda x: nn.relu(normalise(self.norm, x))
    x = after(conv(self.width, size=7)(reflected(source, 3)))
    for i in (2, 4):
      x = after(Conv(i * self.width, 3, 2, DOWN, use_bias=False)(x))
    for _ in range(self.blocks):
      x = Block(self.norm)(x)
    for i in (2, 1):
      x = after(ConvTranspose(i * self.width, 3, 2, UP, use_bias=False)(x))
    x = conv(self.shape[-1], size=7)(reflected(x, 3))
    return activation(self.output)(x)
