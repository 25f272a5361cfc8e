"""The DCGAN authors' conditional networks for MNIST: the class is told again at every layer.

Newmu/dcgan_code, mnist/train_cond_dcgan.py, for any size that halves twice. As in their other nets
(`dcgan_authors`), 5x5 kernels, no biases and BatchNorm with eps 1e-8, per unit before there is an
image; but here BatchNorm has neither scale nor bias.
"""

from functools import partial
from typing import Any

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.nets.dcgan_authors import DOWN, EPSILON, UP
from gan_jax.nets.layers import (
  DCGAN_INIT,
  BatchNorm,
  Conv,
  ConvTranspose,
  Dense,
  Heads,
  activation,
  verdict,
  with_label,
)
from gan_jax.nets.pyramid import halvings

dense = partial(Dense, use_bias=False, kernel_init=DCGAN_INIT)
conv = partial(Conv, size=5, padding=DOWN, use_bias=False)
conv_transpose = partial(ConvTranspose, size=5, padding=UP, use_bias=False)
norm = partial(BatchNorm, EPSILON, affine=False)


class Generator(nn.Module):
  """Two dense layers and two transposed convolutions, each beside the one-hot code."""

  shape: tuple[int, int, int]
  width: int = 64
  units: int = 1024
  output: str = 'sigmoid'
  classes: int = 0

  @nn.compact
  def __call__(self, z: Array, label: Array | None = None) -> Array:
    """z f32[B,Z] (and label i32[B]) -> image f32[B,*shape], in [0, 1] for 'sigmoid'."""
    (h, w), _ = halvings(self.shape, 2)
    told = lambda x: with_label(x, label, self.classes)
    x = nn.relu(norm()(dense(self.units)(told(z))))
    x = nn.relu(norm()(dense(h * w * 2 * self.width)(told(x))))
    x = x.reshape(-1, h, w, 2 * self.width)
    x = nn.relu(norm()(conv_transpose(self.width)(told(x))))
    return activation(self.output)(conv_transpose(self.shape[-1])(told(x)))


class Discriminator(nn.Module):
  """Two convolutions and two dense layers, each beside the one-hot code."""

  width: int = 64
  units: int = 1024
  slope: float = 0.2
  classes: int = 0
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array, label: Array | None = None) -> Any:
    """image f32[B,H,W,C] (and label i32[B]) -> logit f32[B], or with heads `layers.verdict`."""
    halvings(x.shape[1:], 2)  # refuses a size that cannot be halved so often
    told = lambda x: with_label(x, label, self.classes)
    leaky = partial(nn.leaky_relu, negative_slope=self.slope)
    first = leaky(conv(self.width)(told(x)))
    second = leaky(norm()(conv(2 * self.width)(told(first))))
    third = leaky(norm()(dense(self.units)(told(second.reshape(x.shape[0], -1)))))
    return verdict([first, second, told(third)], self.heads, DCGAN_INIT, use_bias=False)
