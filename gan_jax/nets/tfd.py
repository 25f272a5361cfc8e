"""The two-stage network of the Toronto Face Database result (Goodfellow et al. 2014).

goodfeli/adversarial, tfd_pretrain/: 50 epochs of `pretrain_generator`, then 22 epochs in which a
fresh pair of layers, 100 -> ReLU -> sigmoid 100, stands in front of the trained ones. The weights
of the second generator under 'tail' are exactly those of the first:

  params = {**fresh, 'tail': pretrained}
"""

from collections.abc import Sequence

import flax.linen as nn
import numpy as np

from gan_jax.game import Array
from gan_jax.nets.mlp import Generator, marginal_generator


class Chain(nn.Module):
  """One generator's output as the next one's code."""

  front: nn.Module
  tail: nn.Module

  @nn.compact
  def __call__(self, z: Array) -> Array:
    """z f32[B,Z] -> image f32[B,*shape]."""
    return self.tail(self.front(z))


def pretrain_generator(
  shape: Sequence[int], pixel_mean: np.ndarray, width: int = 8000, weights_per_pixel: int = 100
) -> Generator:
  """z f32[B,Z] -> ReLU -> sigmoid (bias -2) -> image in [0, 1], sparsely connected to it."""
  return marginal_generator(
    shape,
    pixel_mean,
    hidden=(width, width),
    activations=('relu', 'sigmoid'),
    biases=(0.0, -2.0),
    output_sparse=weights_per_pixel,
  )


def generator(
  shape: Sequence[int],
  pixel_mean: np.ndarray,
  width: int = 8000,
  code: int = 100,
  weights_per_pixel: int = 100,
) -> Chain:
  """z f32[B,Z] -> ReLU -> sigmoid (bias -2) f32[B,code] -> `pretrain_generator`."""
  front = Generator(shape=(code,), hidden=(width,), output='sigmoid', output_bias=-2.0)
  return Chain(front, pretrain_generator(shape, pixel_mean, width, weights_per_pixel))
