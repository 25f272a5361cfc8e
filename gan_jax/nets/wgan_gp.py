"""The DCGAN-like networks of WGAN-GP (Gulrajani et al. 2017), for CIFAR-10 and MNIST.

5x5 kernels at stride 2 with TensorFlow's 'SAME', biases, uniform initialisation
(igul222/improved_wgan_training: gan_cifar.py width 128, gan_mnist.py width 64). Sizes halve
rounding up, 28, 14, 7, 4, and the generator crops what doubling leaves over, so any size will do.
"""

from typing import Any

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.nets.initializers import wgan_gp as uniform
from gan_jax.nets.layers import (
  Conv,
  ConvTranspose,
  Dense,
  Heads,
  activation,
  normalise,
  verdict,
  with_label,
)
from gan_jax.nets.pyramid import ceil_halvings

GLOROT = nn.initializers.glorot_uniform()


class Generator(nn.Module):
  """Their CIFAR-10 generator; width=64, norm='none', output='sigmoid' is MNIST's.

  The first norm is per unit, of the projection before it is an image.
  """

  shape: tuple[int, int, int]
  width: int = 128
  norm: str = 'batch'
  output: str = 'tanh'
  classes: int = 0

  @nn.compact
  def __call__(self, z: Array, label: Array | None = None) -> Array:
    """z f32[B,Z] (and label i32[B]) -> image f32[B,*shape], in [-1, 1] for 'tanh'."""
    (h, w), *sizes = ceil_halvings(self.shape)
    top = self.width << len(sizes) - 1
    init = uniform(stride=2, transposed=True)
    x = Dense(h * w * top, kernel_init=GLOROT)(with_label(z, label, self.classes))
    x = nn.relu(normalise(self.norm, x)).reshape(-1, h, w, top)
    for i, (h, w) in zip(reversed(range(len(sizes) - 1)), sizes, strict=False):
      x = ConvTranspose(self.width << i, size=5, kernel_init=init)(x)
      x = nn.relu(normalise(self.norm, x))[:, :h, :w]
    x = ConvTranspose(self.shape[-1], size=5, kernel_init=init)(x)
    return activation(self.output)(x[:, : self.shape[0], : self.shape[1]])


class Discriminator(nn.Module):
  """Their critic, without normalisation; width=64 is MNIST's."""

  width: int = 128
  norm: str = 'none'
  slope: float = 0.2
  classes: int = 0
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array, label: Array | None = None) -> Any:
    """image f32[B,H,W,C] (and label i32[B]) -> logit f32[B], or with heads `layers.verdict`."""
    stages = len(ceil_halvings(x.shape[1:])) - 1
    init = uniform(stride=2)
    x = Conv(self.width, size=5, kernel_init=init)(with_label(x, label, self.classes))
    hidden = [nn.leaky_relu(x, self.slope)]
    for i in range(1, stages):
      x = normalise(self.norm, Conv(self.width << i, size=5, kernel_init=init)(hidden[-1]))
      hidden.append(nn.leaky_relu(x, self.slope))
    return verdict(hidden, self.heads, GLOROT)
