"""Coupled networks (Liu & Tuzel 2016): one for several domains, with a layer of each one's own.

The label is the domain. The generators share all but the last layer, the discriminators all but the
first, so that the same z means the same thing in every domain though no pair was ever seen. As in
mingyuliutw/CoGAN, cogan_pytorch/src/net_cogan_mnistedge.py, for images of 28x28; their biases start
at 0.1, these at 0.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.errors import InputError
from gan_jax.game import Array
from gan_jax.nets.layers import (
  BatchNorm,
  Conv,
  ConvTranspose,
  Dense,
  Heads,
  activation,
  verdict,
)
from gan_jax.ops.pool import max_pool

GLOROT = nn.initializers.variance_scaling(2.0, 'fan_avg', 'uniform')  # gain sqrt(2)

conv = partial(Conv, stride=1, padding='VALID', kernel_init=GLOROT)
conv_transpose = partial(ConvTranspose, kernel_init=GLOROT)


class PReLU(nn.Module):
  """x where it is positive, else a·x with one a that is learnt (He et al. 2015), from 1/4 on."""

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,...] -> the same shape."""
    a = self.param('slope', nn.initializers.constant(0.25), ())
    return jnp.where(x > 0, x, a.astype(x.dtype) * x)


def chosen(of_each: Sequence[Array], label: Array) -> Array:
  """From an array f32[B,...] of each domain, example i of domain label[i]."""
  out = of_each[0]
  for domain, other in enumerate(of_each[1:], start=1):
    out = jnp.where((label == domain).reshape(-1, *(1,) * (out.ndim - 1)), other, out)
  return out


class Generator(nn.Module):
  """From 4 to 7, 13 and 25 pixels a side with what the domains share, to 28 with what is theirs."""

  shape: tuple[int, int, int]
  width: int = 128  # of the layer before the images; eight times that at 4 pixels
  output: str = 'sigmoid'
  classes: int = 2

  @nn.compact
  def __call__(self, z: Array, label: Array) -> Array:
    """z f32[B,Z], domain label i32[B] -> image f32[B,28,28,C], in [0, 1] for 'sigmoid'."""
    if tuple(self.shape[:2]) != (28, 28):
      raise InputError(
        f'the coupled networks are for images of 28x28, not {self.shape[0]}x{self.shape[1]}.'
      )
    after = lambda x: PReLU()(BatchNorm(affine=False)(x))
    # Torch's full convolution of a 1x1 image: the same numbers as a projection.
    x = Dense(16 * 8 * self.width, kernel_init=GLOROT)(z)
    x = after(x.reshape(-1, 4, 4, 8 * self.width))
    for i in (4, 2, 1):
      x = after(conv_transpose(i * self.width, 3, 2, ((1, 1), (1, 1)))(x))
    own = [conv_transpose(self.shape[-1], 6, 1, ((4, 4), (4, 4)))(x) for _ in range(self.classes)]
    return activation(self.output)(chosen(own, label))


class Discriminator(nn.Module):
  """A first layer of each domain's own and three that they share; their two-way softmax is a logit.

  There is no activation but the maxima before the last hidden layer, as in their code.
  """

  maps: tuple[int, int] = (20, 50)
  hidden: int = 500
  classes: int = 2
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array, label: Array) -> Any:
    """image f32[B,28,28,C], domain i32[B] -> logit f32[B], or with heads `layers.verdict`."""
    own = [conv(self.maps[0], 5)(x) for _ in range(self.classes)]
    x = max_pool(chosen(own, label), 2, 2)
    x = max_pool(conv(self.maps[1], 5)(x), 2, 2)
    x = PReLU()(Dense(self.hidden, kernel_init=GLOROT)(x.reshape(x.shape[0], -1)))
    return verdict([x], self.heads, GLOROT)
