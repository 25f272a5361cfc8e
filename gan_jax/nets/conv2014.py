"""The convolutional pair of the first GAN paper (Goodfellow et al. 2014), for CIFAR-10.

As in goodfeli/adversarial's cifar10_convolutional.yaml: a generator that ends in one
deconvolution with a bias per pixel, and a discriminator of convolutional maxout with dropout.
"""

import flax.linen as nn

from gan_jax.errors import InputError
from gan_jax.game import Array
from gan_jax.nets.initializers import irange
from gan_jax.nets.layers import Conv, ConvTranspose, Dense, Dropout
from gan_jax.nets.mlp import maxout
from gan_jax.ops.pool import max_pool


class Generator(nn.Module):
  """ReLU, sigmoid, and a 5x5 deconvolution of stride 3: 32 = 3·(10 - 1) + 5."""

  shape: tuple[int, int, int]
  hidden: int = 8000
  maps: int = 80  # times 10·10 positions: the second hidden layer's 8000 units
  irange: float = 0.05

  @nn.compact
  def __call__(self, z: Array) -> Array:
    """z f32[B,Z] -> image f32[B,*shape], unbounded."""
    sides = self.shape[:2]
    if len(self.shape) != 3 or min(sides) < 5 or any((n - 5) % 3 for n in sides):
      raise InputError(
        f'conv2014.Generator makes images with sides 5, 8, 11, ... 32, ...; not {self.shape}.'
      )
    h, w = ((n - 5) // 3 + 1 for n in sides)
    init = irange(self.irange)
    x = nn.relu(Dense(self.hidden, kernel_init=init)(z))
    x = nn.sigmoid(Dense(h * w * self.maps, kernel_init=init)(x)).reshape(-1, h, w, self.maps)
    x = ConvTranspose(self.shape[-1], 5, 3, 'VALID', use_bias=False, kernel_init=init)(x)
    return x + self.param('bias', nn.initializers.zeros, self.shape)[None]


class Discriminator(nn.Module):
  """Three layers of convolutional maxout, one of maxout, one logit; on 32x32 5x5 maps remain.

  Handed a key, dropout falls on the input of each layer.
  """

  maps: tuple[int, int, int] = (32, 32, 192)
  pieces: int = 2
  hidden: int = 500
  hidden_pieces: int = 5
  irange: float = 0.005
  input_keep: float = 0.8
  keep: float = 0.5

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """image f32[B,H,W,C] -> logit f32[B]."""
    init = irange(self.irange)
    x = Dropout(self.input_keep)(x)
    for maps, size, pad, pool in zip(self.maps, (8, 8, 5), (4, 3, 3), (4, 4, 2), strict=True):
      padding = ((pad, pad), (pad, pad))
      x = Conv(maps * self.pieces, size, 1, padding, kernel_init=init)(x)
      x = Dropout(self.keep)(max_pool(maxout(x, self.pieces), pool, 2))
    x = Dense(self.hidden * self.hidden_pieces, kernel_init=init)(x.reshape(x.shape[0], -1))
    x = Dropout(self.keep)(maxout(x, self.hidden_pieces))
    return Dense(1, kernel_init=init)(x)[:, 0]
