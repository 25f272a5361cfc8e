"""ALI's networks for CIFAR-10 (Dumoulin et al. 2017, table of app. A; IshmaelBelghazi/ALI).

Convolutions without padding on images of 32x32: 28, 13, 10, 4, 1, and the same way up. Weights
N(0, .01). E and G have BatchNorm (eps 1e-4) and leaky ReLU of slope 0.1 where they have no bias; D
has neither, but maxout and dropout. `width` is that of the first layer.
"""

from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import InputError
from gan_jax.game import Array
from gan_jax.nets.initializers import constant
from gan_jax.nets.layers import (
  BatchNorm,
  Conv,
  ConvTranspose,
  Dense,
  Dropout,
  Heads,
  activation,
  verdict,
)
from gan_jax.nets.mlp import maxout

INIT = nn.initializers.normal(0.01)
DOWN = ((5, 1, 1), (4, 2, 2), (4, 1, 4), (4, 2, 8), (4, 1, 16))  # kernel, stride, width
UP = ((4, 1, 8), (4, 2, 4), (4, 1, 2), (4, 2, 1), (5, 1, 1), (1, 1, 1))
SIDE = 32

conv = partial(Conv, padding='VALID', use_bias=False, kernel_init=INIT)
conv_transpose = partial(ConvTranspose, padding='VALID', use_bias=False, kernel_init=INIT)


def check(shape: tuple[int, ...]) -> None:
  """Raises InputError for images that these convolutions do not fit."""
  if len(shape) != 3 or shape[:2] != (SIDE, SIDE):
    raise InputError(f"ALI's networks are for images of {SIDE}x{SIDE}; this data has {shape}.")


def active(x: Array) -> Array:
  """What follows every convolution of E and G but their last."""
  return nn.leaky_relu(BatchNorm(1e-4)(x), 0.1)


class Trunk(nn.Module):
  """The encoder up to its last layer; `encoders.Gaussian` ends it with mean and variance."""

  width: int = 32

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """image f32[B,32,32,C] -> f32[B,16*width]."""
    check(x.shape[1:])
    for size, stride, wide in (*DOWN, (1, 1, 16)):
      x = active(conv(self.width * wide, size, stride)(x))
    return x.reshape(x.shape[0], -1)


class Generator(nn.Module):
  """From 1x1 up to 32x32; every pixel of the image has a bias of its own."""

  shape: tuple[int, int, int]
  width: int = 32
  output: str = 'sigmoid'
  output_bias: float | np.ndarray = 0.0  # where it starts; an array has one per pixel

  @nn.compact
  def __call__(self, z: Array) -> Array:
    """z f32[B,Z] -> image f32[B,*shape], in [0, 1] for 'sigmoid'."""
    check(self.shape)
    x = z[:, None, None, :]
    for size, stride, wide in UP:
      x = active(conv_transpose(self.width * wide, size, stride)(x))
    x = conv(self.shape[-1], 1, 1)(x)
    bias = self.param('bias', constant(self.output_bias), self.shape)
    return activation(self.output)(x + bias[None])


def marginal_generator(
  shape: tuple[int, int, int], pixel_mean: np.ndarray, **fields: Any
) -> Generator:
  """A `Generator` whose bias starts as the log-odds of the mean training image."""
  p = np.clip(np.asarray(pixel_mean, np.float64), 1e-7, 1 - 1e-7)
  return Generator(shape, output_bias=np.log(p / (1 - p)).astype(np.float32), **fields)


class Discriminator(nn.Module):
  """D(x), convolutions; D(z), two layers; D(x, z), two layers of both. Maxout of two pieces.

  A layer of n maps thus hands on n / 2. Handed a key, dropout falls on the input of each layer:
  `input_keep` on x and z, `keep` on all others. (So the table; the code skips some of D(x).)
  """

  width: int = 32
  pieces: int = 2
  input_keep: float = 0.8
  keep: float = 0.5
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array, z: Array) -> Any:
    """image f32[B,32,32,C], z f32[B,Z] -> logit f32[B], or with heads `layers.verdict`."""
    check(x.shape[1:])
    dense = partial(Dense, kernel_init=INIT)
    keeps = (self.input_keep, *(self.keep,) * 4)
    for i, ((size, stride, wide), keep) in enumerate(zip(DOWN, keeps, strict=True)):
      x = conv(self.width * wide, size, stride, use_bias=i == 0)(Dropout(keep)(x))
      x = maxout(x, self.pieces)
    for keep in keeps[:2]:
      z = maxout(dense(16 * self.width, use_bias=False)(Dropout(keep)(z)), self.pieces)
    hidden = [jnp.concatenate([x.reshape(x.shape[0], -1), z], axis=1)]
    for _ in range(2):
      h = dense(32 * self.width)(Dropout(self.keep)(hidden[-1]))
      hidden.append(maxout(h, self.pieces))
    return verdict([*hidden[:-1], Dropout(self.keep)(hidden[-1])], self.heads, INIT)
