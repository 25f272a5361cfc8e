"""Encoders: from an image to a code z, or to a Gaussian over codes. A trunk, and what ends it.

  E=dict(name='encoders.Gaussian', inputs=('image',), dim=50,
         trunk=dict(name='encoders.Perceptron', hidden=(500, 500)))

`Gaussian` is q(z|x) of a VAE or of ALI; `Point` is BiGAN's E(x). Either ends either trunk.
"""

from typing import Any

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.nets.layers import (
  Conv,
  Dense,
  Initializer,
  activation,
  normalise,
  with_label,
)
from gan_jax.nets.pyramid import halvings

HE = nn.initializers.he_normal()


class Perceptron(nn.Module):
  """Dense layers over the flattened image, each with its activation."""

  hidden: tuple[int, ...] = (512, 512)
  activation: str = 'relu'
  kernel_init: Initializer = HE

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """image f32[B,...] -> f32[B,F]."""
    x = x.reshape(x.shape[0], -1)
    for units in self.hidden:
      x = activation(self.activation)(Dense(units, kernel_init=self.kernel_init)(x))
    return x


class Pyramid(nn.Module):
  """DCGAN's way down, 4x4 kernels at stride 2: half the size and twice the width at each stage.

  The norms and the leaky ReLU are those of `dcgan.Discriminator`.
  """

  width: int = 64
  stages: int | None = None  # None: as many as the size allows
  norm: str = 'batch'
  slope: float = 0.2

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """image f32[B,H,W,C] -> f32[B,F]."""
    _, stages = halvings(x.shape[1:], self.stages)
    biased = self.norm == 'none'
    for i in range(stages):
      x = Conv(self.width << i, use_bias=biased)(x)
      x = nn.leaky_relu(normalise(self.norm, x) if i else x, self.slope)
    return x.reshape(x.shape[0], -1)


class Point(nn.Module):
  """A trunk and a linear map of what it makes to the code."""

  dim: int
  trunk: nn.Module
  kernel_init: Initializer = nn.linear.default_kernel_init
  classes: int = 0

  @nn.compact
  def __call__(self, x: Array, label: Array | None = None) -> Array:
    """image f32[B,...] (and label i32[B]) -> z f32[B,dim]."""
    h = self.trunk(with_label(x, label, self.classes))
    return Dense(self.dim, name='code', kernel_init=self.kernel_init)(h)


class Gaussian(nn.Module):
  """A trunk and two linear maps of what it makes: the mean and the log of the variance.

  The variance is 1 at the start, whatever the image: its map begins with zeros, as in the code of
  Kingma et al. (dpkingma/nips14-ssl).
  """

  dim: int
  trunk: nn.Module
  kernel_init: Initializer = nn.linear.default_kernel_init
  classes: int = 0

  @nn.compact
  def __call__(self, x: Array, label: Array | None = None) -> dict[str, Any]:
    """image f32[B,...] (and label i32[B]) -> {'mean', 'log_variance'}, f32[B,dim] each."""
    h = self.trunk(with_label(x, label, self.classes))
    log_variance = Dense(self.dim, name='log_variance', kernel_init=nn.initializers.zeros)(h)
    mean = Dense(self.dim, name='mean', kernel_init=self.kernel_init)(h)
    return {'mean': mean, 'log_variance': log_variance}
