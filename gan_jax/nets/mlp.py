"""The fully connected networks of the first GAN paper (Goodfellow et al. 2014).

Generators of ReLU and sigmoid layers, discriminators of maxout layers with dropout; weights
U(-a, a) as in the authors' configurations (goodfeli/adversarial). For images of any shape, and
points.
"""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import numpy as np

from gan_jax.game import Array
from gan_jax.nets.initializers import constant, irange, sparse
from gan_jax.nets.layers import Dense, Dropout, Heads, activation, per_layer, verdict, with_label


class Generator(nn.Module):
  """Dense layers, each with its activation, and an output in the range of `output`.

  Fields in the plural take one value for all layers, or one for each.
  """

  shape: tuple[int, ...]
  hidden: tuple[int, ...] = (1200, 1200)
  activations: str | tuple[str, ...] = 'relu'  # of the hidden layers
  output: str = 'sigmoid'
  iranges: float | tuple[float, ...] = 0.05  # of all layers, the output's last
  biases: float | tuple[float, ...] = 0.0  # where the hidden layers' biases start
  output_bias: float | np.ndarray = 0.0  # where the output's start; an array has one per pixel
  output_sparse: int = 0  # if not 0: so many weights ~ N(0,1) into each output, the others 0
  classes: int = 0

  @nn.compact
  def __call__(self, z: Array, label: Array | None = None) -> Array:
    """z f32[B,Z] (and label i32[B]) -> image f32[B,*shape]."""
    n = len(self.hidden)
    *ranges, last = per_layer(self.iranges, n + 1, 'iranges')
    names = per_layer(self.activations, n, 'activations')
    biases = per_layer(self.biases, n, 'biases')
    x = with_label(z, label, self.classes)
    for units, name, a, b in zip(self.hidden, names, ranges, biases, strict=True):
      x = activation(name)(Dense(units, kernel_init=irange(a), bias_init=constant(b))(x))
    kernel_init = sparse(self.output_sparse) if self.output_sparse else irange(last)
    x = Dense(
      int(np.prod(self.shape)), kernel_init=kernel_init, bias_init=constant(self.output_bias)
    )(x)
    return activation(self.output)(x).reshape(x.shape[0], *self.shape)


def marginal_generator(shape: Sequence[int], pixel_mean: np.ndarray, **fields) -> Generator:
  """A `Generator` with output='sigmoid' whose bias alone already gives the mean training image."""
  p = np.clip(np.asarray(pixel_mean, np.float64), 1e-7, 1 - 1e-7)
  bias = np.log(p / (1 - p)).astype(np.float32)
  return Generator(shape=tuple(shape), output='sigmoid', output_bias=bias, **fields)


class Discriminator(nn.Module):
  """Maxout (Goodfellow et al. 2013) with dropout.

  Each hidden layer is the maximum over `pieces` linear maps. Handed a key, dropout falls on the
  input of each layer: `input_keep` on the image, `keep` on all others.
  """

  hidden: tuple[int, ...] = (240, 240)
  pieces: int = 5
  iranges: float | tuple[float, ...] = 0.005
  input_keep: float = 0.8
  keep: float = 0.5
  classes: int = 0
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array, label: Array | None = None) -> Any:
    """image f32[B,...] (and label i32[B]) -> logit f32[B], or with heads `layers.verdict`."""
    *ranges, last = per_layer(self.iranges, len(self.hidden) + 1, 'iranges')
    x = with_label(x.reshape(x.shape[0], -1), label, self.classes)
    hidden = [Dropout(self.input_keep)(x)]
    for units, a in zip(self.hidden, ranges, strict=True):
      x = Dense(units * self.pieces, kernel_init=irange(a))(hidden[-1])
      hidden.append(Dropout(self.keep)(maxout(x, self.pieces)))
    return verdict(hidden, self.heads, irange(last))


def maxout(x: Array, pieces: int) -> Array:
  """x f32[...,U*P] -> f32[...,U]: the maximum over each P consecutive entries."""
  return x.reshape(*x.shape[:-1], -1, pieces).max(-1)
