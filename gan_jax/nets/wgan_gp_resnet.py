"""The residual networks of WGAN-GP (Gulrajani et al. 2017) for CIFAR-10.

igul222/improved_wgan_training, gan_cifar_resnet.py. Their blocks are those that SNGAN took over
(`resnet`), down to the initialisation; what differs is said here.
"""

from typing import Any

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.nets import resnet
from gan_jax.nets.layers import Heads, verdict
from gan_jax.nets.pyramid import halvings


class Generator(resnet.Generator):
  """128 features, and BatchNorm with eps 1e-5; with classes, scales and biases for each."""

  width: int = 128
  epsilon: float = 1e-5


class Discriminator(nn.Module):
  """Halved twice, two blocks that keep the size; the mean over all positions, and a bias."""

  width: int = 128
  halved: int = 2
  kept: int = 2
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array) -> Any:
    """image f32[B,H,W,C] -> logit f32[B], or with heads `layers.verdict`."""
    halvings(x.shape[1:], self.halved)  # refuses a size that cannot be halved so often
    hidden = resnet.trunk(x, self.width, self.halved, self.kept)
    return verdict([*hidden, nn.relu(hidden[-1]).mean((1, 2))], self.heads, resnet.GLOROT)
