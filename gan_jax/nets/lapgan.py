"""The networks of one level of LAPGAN (Denton et al. 2015), as in facebookarchive/eyescream.

Convolutions without any norm, in Torch's old initialisation U(-1/sqrt(n), 1/sqrt(n)), n the inputs
of a unit. A class enters as one more map of the image's size, a linear function of its code.
"""

import math
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import InputError
from gan_jax.game import Array
from gan_jax.nets.initializers import torch
from gan_jax.nets.layers import Conv, Dense, Dropout, Heads, activation, is_told, verdict

TORCH = torch()


class WithClass(nn.Module):
  """A map of the class beside those there are: ReLU(W y), y the one-hot code."""

  classes: int

  @nn.compact
  def __call__(self, x: Array, label: Array | None) -> Array:
    """x f32[B,H,W,C], label i32[B] -> f32[B,H,W,C+1]; x itself where there are no classes."""
    if not is_told(label, self.classes):
      return x
    code = jax.nn.one_hot(label, self.classes, dtype=x.dtype)
    y = nn.relu(Dense(math.prod(x.shape[1:3]), kernel_init=TORCH)(code))
    return jnp.concatenate([x, y.reshape(*x.shape[:3], 1)], axis=-1)


class Generator(nn.Module):
  """7x7, ReLU, 7x7, ReLU, 5x5: of a map of noise and the coarse image the residual, which is added.

  The noise has a value for each pixel, so that the prior's dim is H·W.
  """

  shape: tuple[int, int, int]
  width: int = 64
  output: str = 'linear'
  classes: int = 0

  @nn.compact
  def __call__(self, z: Array, source: Array, label: Array | None = None) -> Array:
    """z f32[B,H*W], source f32[B,H,W,C] (and label i32[B]) -> image f32[B,H,W,C]."""
    h, w, channels = self.shape
    if z.shape[1] != h * w:
      raise InputError(
        f'lapgan.Generator takes noise for each of {h}x{w} pixels: a prior with dim={h * w}, not '
        f'{z.shape[1]}.'
      )
    conv = partial(Conv, stride=1, kernel_init=TORCH)
    x = jnp.concatenate([z.reshape(-1, h, w, 1), source], axis=-1)
    x = WithClass(self.classes)(x, label)
    x = nn.relu(conv(self.width, 7)(x))
    x = nn.relu(conv(self.width, 7)(x))
    return activation(self.output)(source + conv(channels, 5)(x))


class Discriminator(nn.Module):
  """5x5, ReLU, 5x5 at stride 2, ReLU, dropout, one logit; nothing is padded."""

  width: int = 64
  keep: float = 0.5
  classes: int = 0
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array, label: Array | None = None) -> Any:
    """image f32[B,H,W,C] (and label i32[B]) -> logit f32[B], or with heads `layers.verdict`."""
    conv = partial(Conv, padding='VALID', kernel_init=TORCH)
    x = WithClass(self.classes)(x, label)
    first = nn.relu(conv(self.width, 5, 1)(x))
    last = Dropout(self.keep)(nn.relu(conv(self.width, 5, 2)(first)))
    return verdict([first, last], self.heads, TORCH)
