"""DCGAN (Radford, Metz & Chintala 2015) in the 4x4 dialect that soumith/dcgan.torch made common.

4x4 kernels at stride 2, padding 1; per-channel BatchNorm (eps 1e-5) everywhere but at the images;
ReLU up, leaky ReLU down. Any size b·2ⁿ, square or not, any number of channels. The authors' own
5x5 dialect is in `dcgan_authors.py`, and `AuthorsGenerator`, `AuthorsDiscriminator` here.
"""

from typing import Any

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.nets.dcgan_authors import AuthorsDiscriminator, AuthorsGenerator
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

__all__ = ['AuthorsDiscriminator', 'AuthorsGenerator', 'Discriminator', 'Generator']


class Generator(nn.Module):
  """Twice the size and half the width at each stage, from b x b to the image.

  `width` is that of the layer before the image and doubles at each stage down to the smallest size.
  A convolution has a bias only where no norm brings one.
  """

  shape: tuple[int, int, int]
  width: int = 64
  stages: int | None = None  # None: as many as the size allows
  norm: str = 'batch'
  output: str = 'tanh'
  classes: int = 0

  @nn.compact
  def __call__(self, z: Array, label: Array | None = None) -> Array:
    """z f32[B,Z] (and label i32[B]) -> image f32[B,*shape], in [-1, 1] for 'tanh'."""
    (h, w), stages = halvings(self.shape, self.stages)
    biased = self.norm == 'none'
    top = self.width << stages - 1
    # Torch's full convolution of a 1x1 image: the same numbers as a projection.
    x = Dense(h * w * top, use_bias=biased, kernel_init=DCGAN_INIT)(
      with_label(z, label, self.classes)
    )
    x = nn.relu(normalise(self.norm, x.reshape(-1, h, w, top)))
    for i in reversed(range(stages - 1)):
      x = ConvTranspose(self.width << i, use_bias=biased)(x)
      x = nn.relu(normalise(self.norm, x))
    x = ConvTranspose(self.shape[-1], use_bias=biased)(x)
    return activation(self.output)(x)


class Discriminator(nn.Module):
  """Half the size and twice the width at each stage, from the image to one logit.

  The head is a valid convolution over the smallest image, that is, a product with all of it.
  With norm='batch' it is also WGAN's critic; with 'layer' or 'none' it suits gradient penalties.
  """

  width: int = 64
  stages: int | None = None
  norm: str = 'batch'
  slope: float = 0.2
  classes: int = 0
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array, label: Array | None = None) -> Any:
    """image f32[B,H,W,C] (and label i32[B]) -> logit f32[B], or with heads `layers.verdict`."""
    _, stages = halvings(x.shape[1:], self.stages)
    biased = self.norm == 'none'
    x = Conv(self.width, use_bias=biased)(with_label(x, label, self.classes))
    hidden = [nn.leaky_relu(x, self.slope)]
    for i in range(1, stages):
      x = normalise(self.norm, Conv(self.width << i, use_bias=biased)(hidden[-1]))
      hidden.append(nn.leaky_relu(x, self.slope))
    return verdict(hidden, self.heads, DCGAN_INIT, use_bias=biased)
