"""The generator of DiscoGAN (Kim et al. 2017): DCGAN's way down, and DCGAN's way up.

As SKTBrain/DiscoGAN has it without its extra layers: 4x4 kernels at stride 2 without bias, from 64
to 4 pixels a side; BatchNorm but at the images. Its discriminator is `dcgan.Discriminator`.
"""

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.nets.layers import Conv, ConvTranspose, activation, normalise
from gan_jax.nets.pyramid import halvings
from gan_jax.nets.unet import same_size


class Generator(nn.Module):
  """Half the size and twice the width at each stage, and back."""

  shape: tuple[int, int, int]
  width: int = 64
  stages: int | None = None  # None: as many as the size allows
  norm: str = 'batch'
  output: str = 'sigmoid'

  @nn.compact
  def __call__(self, source: Array) -> Array:
    """source f32[B,H,W,c] -> image f32[B,*shape] of the same size, in [0, 1] for 'sigmoid'."""
    same_size(source.shape, self.shape)
    _, stages = halvings(self.shape, self.stages)
    biased = self.norm == 'none'
    x = nn.leaky_relu(Conv(self.width, use_bias=biased)(source), 0.2)
    for i in range(1, stages):
      x = Conv(self.width << i, use_bias=biased)(x)
      x = nn.leaky_relu(normalise(self.norm, x), 0.2)
    for i in reversed(range(stages - 1)):
      x = ConvTranspose(self.width << i, use_bias=biased)(x)
      x = nn.relu(normalise(self.norm, x))
    x = ConvTranspose(self.shape[-1], use_bias=biased)(x)
    return activation(self.output)(x)
