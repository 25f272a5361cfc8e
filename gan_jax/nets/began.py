"""The networks of BEGAN (Berthelot et al. 2017, figure 1): plain 3x3 convolutions and ELUs.

With biases everywhere and Glorot's uniform initialisation, as in carpedm20/BEGAN-tensorflow; the
authors have released no code. For images of any size b·2ⁿ whose shorter side ends at 7 to 13
pixels: 64 and 32 at 8, 28 at 7.
"""

from functools import partial

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.nets.autoencoder import Autoencoder
from gan_jax.nets.layers import Conv, Dense
from gan_jax.nets.pyramid import halvings
from gan_jax.ops.pool import upsample

GLOROT = nn.initializers.glorot_uniform()

conv = partial(Conv, size=3, stride=1, kernel_init=GLOROT)


class Generator(nn.Module):
  """Two convolutions at each size from 8 x 8 up, and pixels repeated in between; linear output."""

  shape: tuple[int, int, int]
  width: int = 128

  @nn.compact
  def __call__(self, z: Array) -> Array:
    """z f32[B,Z] -> image f32[B,*shape], without bounds."""
    (h, w), doublings = sizes(self.shape)
    x = Dense(h * w * self.width, kernel_init=GLOROT)(z).reshape(-1, h, w, self.width)
    for i in range(doublings + 1):
      x = upsample(x) if i else x
      for _ in range(2):
        x = nn.elu(conv(self.width)(x))
    return conv(self.shape[-1])(x)


class Encoder(nn.Module):
  """A convolution, then two at each size down to 8 x 8 and one that halves it; a linear code.

  Each size has `width` more channels than the one before.
  """

  dim: int = 64
  width: int = 128

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """image f32[B,H,W,C] -> code f32[B,dim]."""
    _, halved = sizes(x.shape[1:])
    x = nn.elu(conv(self.width)(x))
    for i in range(halved + 1):
      features = self.width * (i + 1)
      strides = (1, 1, 2) if i < halved else (1, 1)
      for stride in strides:
        x = nn.elu(conv(features, stride=stride)(x))
    return Dense(self.dim, kernel_init=GLOROT)(x.reshape(x.shape[0], -1))


def autoencoder(shape: tuple[int, int, int], width: int = 128, dim: int = 64) -> Autoencoder:
  """D: an encoder, and a decoder of the generator's shape with weights of its own."""
  return Autoencoder(Encoder(dim, width), Generator(shape, width))


def sizes(shape: tuple[int, ...]) -> tuple[tuple[int, int], int]:
  """Image shape (H,W,C) -> ((h,w), how often it is halved); raises InputError as `halvings`."""
  side, stages = min(shape[:2]), 0
  while side >= 14:
    side, stages = side // 2, stages + 1
  return halvings(shape, stages)
