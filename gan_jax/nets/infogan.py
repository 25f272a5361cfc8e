"""InfoGAN's networks for MNIST, as its authors' code has them (openai/InfoGAN), for any size / 4.

4x4 kernels at stride 2, biases everywhere, BatchNorm per unit on the dense layers; leaky ReLU with
the code's slope of 0.01 (the paper says 0.1).
"""

from functools import partial
from typing import Any

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.nets.layers import (
  DCGAN_INIT,
  BatchNorm,
  Conv,
  ConvTranspose,
  Dense,
  Heads,
  activation,
  verdict,
)
from gan_jax.nets.pyramid import halvings

TRUNCATED = nn.initializers.truncated_normal(0.02)  # of the code's convolutions
dense = partial(Dense, kernel_init=DCGAN_INIT)


class Generator(nn.Module):
  """Two dense layers and two transposed convolutions."""

  shape: tuple[int, int, int]
  width: int = 64
  units: int = 1024
  output: str = 'sigmoid'

  @nn.compact
  def __call__(self, z: Array) -> Array:
    """z f32[B,Z] -> image f32[B,*shape], in [0, 1] for 'sigmoid'."""
    (h, w), _ = halvings(self.shape, 2)
    x = nn.relu(BatchNorm()(dense(self.units)(z)))
    x = nn.relu(BatchNorm()(dense(h * w * 2 * self.width)(x)))
    x = ConvTranspose(self.width)(x.reshape(-1, h, w, 2 * self.width))
    x = ConvTranspose(self.shape[-1])(nn.relu(BatchNorm()(x)))
    return activation(self.output)(x)


class Discriminator(nn.Module):
  """Two convolutions and a dense layer, which D and Q share; a head has a hidden layer of its own.

  Q is the head `q` of `objectives.infogan`: heads=dict(q=14) for MNIST.
  """

  width: int = 64
  units: int = 1024
  head_units: int = 128
  slope: float = 0.01
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array) -> Any:
    """image f32[B,H,W,C] -> logit f32[B], or with heads what `layers.verdict` returns."""
    halvings(x.shape[1:], 2)  # refuses a size that cannot be halved so often
    leaky = partial(nn.leaky_relu, negative_slope=self.slope)
    first = leaky(Conv(self.width, kernel_init=TRUNCATED)(x))
    second = leaky(BatchNorm()(Conv(2 * self.width, kernel_init=TRUNCATED)(first)))
    third = leaky(BatchNorm()(dense(self.units)(second.reshape(x.shape[0], -1))))
    if self.heads is None:
      return verdict([third], None, DCGAN_INIT)
    own = lambda name: leaky(BatchNorm()(dense(self.head_units, name=f'{name}_hidden')(third)))
    told = {name: dense(n, name=name)(own(name)) for name, n in self.heads.items()}
    return {**verdict([first, second, third], {}, DCGAN_INIT), **told}
