"""The standard convolutional networks of SNGAN (Miyato et al. 2018, table 3), for sizes b·2ⁿ.

As in AlexiaJM/RelativisticGAN (`arch=1`), which also says the initialisation: kernels of
convolutions N(0, .02), gains N(1, .02). D is meant for `spectral_norm`.
"""

from typing import Any

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.nets.layers import (
  DCGAN_INIT,
  Conv,
  ConvTranspose,
  Dense,
  Heads,
  activation,
  normalise,
  verdict,
  with_label,
)
from gan_jax.nets.pyramid import halvings

UNIFORM = nn.initializers.variance_scaling(1 / 3, 'fan_in', 'uniform')  # Torch's linear layers


class Generator(nn.Module):
  """A projection, transposed 4x4 convolutions of half the width each, and a 3x3 convolution."""

  shape: tuple[int, int, int]
  width: int = 64  # of the largest features
  norm: str = 'batch'
  output: str = 'tanh'
  classes: int = 0

  @nn.compact
  def __call__(self, z: Array, label: Array | None = None) -> Array:
    """z f32[B,Z] (and label i32[B]) -> image f32[B,*shape], in [-1, 1] for 'tanh'."""
    (h, w), stages = halvings(self.shape)
    top = self.width << stages
    x = Dense(h * w * top, kernel_init=UNIFORM)(with_label(z, label, self.classes))
    x = x.reshape(-1, h, w, top)
    for i in reversed(range(stages)):
      x = nn.relu(normalise(self.norm, ConvTranspose(self.width << i)(x)))
    return activation(self.output)(Conv(self.shape[-1], size=3, stride=1)(x))


class Discriminator(nn.Module):
  """3x3 and then 4x4 at stride 2, twice the width at each stage; a last 3x3, and one logit."""

  width: int = 64
  slope: float = 0.1
  classes: int = 0
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array, label: Array | None = None) -> Any:
    """image f32[B,H,W,C] (and label i32[B]) -> logit f32[B], or with heads `layers.verdict`."""
    _, stages = halvings(x.shape[1:])
    hidden = [with_label(x, label, self.classes)]
    for i in range(stages):
      for size, stride in ((3, 1), (4, 2)):
        x = Conv(self.width << i, size=size, stride=stride, kernel_init=DCGAN_INIT)(hidden[-1])
        hidden.append(nn.leaky_relu(x, self.slope))
    x = Conv(self.width << stages, size=3, stride=1)(hidden[-1])
    hidden.append(nn.leaky_relu(x, self.slope))
    return verdict(hidden[1:], self.heads, UNIFORM)
