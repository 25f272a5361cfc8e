"""DCGAN told in words (Reed et al. 2016), as in the authors' main_cls_int.lua.

The caption's embedding is projected and joins z in the generator, and the smallest maps in the
discriminator. One residual bottleneck stands at each of the two smallest sizes of the generator,
one at the smallest of the discriminator. No convolution has a bias: theirs are zeroed at each step.
"""

from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.game import Array
from gan_jax.nets.initializers import torch
from gan_jax.nets.layers import (
  DCGAN_INIT,
  Conv,
  ConvTranspose,
  Dense,
  Heads,
  activation,
  normalise,
  verdict,
)
from gan_jax.nets.pyramid import halvings

embed = partial(Dense, kernel_init=torch())  # Torch's default: the authors set convolutions alone


def lrelu(x: Array) -> Array:
  """Leaky ReLU with slope 0.2."""
  return nn.leaky_relu(x, 0.2)


class Bottleneck(nn.Module):
  """x + (1x1 to a quarter of the features, 3x3, 3x3 back), then `act`; a norm after each."""

  norm: str
  act: Any  # Array -> Array

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,H,W,C] -> the same shape."""
    wide = x.shape[-1]
    narrow = max(wide // 4, 1)
    conv = partial(Conv, stride=1, use_bias=False)
    y = self.act(normalise(self.norm, conv(narrow, 1)(x)))
    y = self.act(normalise(self.norm, conv(narrow, 3)(y)))
    return self.act(x + normalise(self.norm, conv(wide, 3)(y)))


class Generator(nn.Module):
  """Twice the size at each stage from the smallest on; `width` is that of the layer before last."""

  shape: tuple[int, int, int]
  width: int = 128
  words: int = 128  # what the embedding is projected to
  stages: int | None = None
  norm: str = 'batch'
  output: str = 'tanh'

  @nn.compact
  def __call__(self, z: Array, text: Array) -> Array:
    """z f32[B,Z], text f32[B,T] -> image f32[B,*shape], in [-1, 1] for 'tanh'."""
    (h, w), stages = halvings(self.shape, self.stages)
    top = self.width << stages - 1
    told = jnp.concatenate([z, lrelu(embed(self.words)(text))], axis=-1)
    x = Dense(h * w * top, use_bias=False, kernel_init=DCGAN_INIT)(told).reshape(-1, h, w, top)
    x = Bottleneck(self.norm, nn.relu)(normalise(self.norm, x))
    for i in reversed(range(stages - 1)):
      x = normalise(self.norm, ConvTranspose(self.width << i, use_bias=False)(x))
      x = Bottleneck(self.norm, nn.relu)(x) if i == stages - 2 else nn.relu(x)
    return activation(self.output)(ConvTranspose(self.shape[-1], use_bias=False)(x))


class Discriminator(nn.Module):
  """Half the size at each stage, then the words beside every place, a 1x1, and one logit."""

  width: int = 64
  words: int = 128
  stages: int | None = None
  norm: str = 'batch'
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array, text: Array) -> Any:
    """image f32[B,H,W,C], text f32[B,T] -> logit f32[B], or with heads `layers.verdict`."""
    (h, w), stages = halvings(x.shape[1:], self.stages)
    hidden = [lrelu(Conv(self.width, use_bias=False)(x))]
    for i in range(1, stages):
      x = normalise(self.norm, Conv(self.width << i, use_bias=False)(hidden[-1]))
      hidden.append(Bottleneck(self.norm, lrelu)(x) if i == stages - 1 else lrelu(x))
    told = lrelu(normalise(self.norm, embed(self.words)(text)))
    told = jnp.broadcast_to(told[:, None, None], (x.shape[0], h, w, self.words))
    x = jnp.concatenate([hidden[-1], told], axis=-1)
    x = normalise(self.norm, Conv(self.width << stages - 1, 1, 1, use_bias=False)(x))
    return verdict([*hidden, lrelu(x)], self.heads, DCGAN_INIT, use_bias=False)
