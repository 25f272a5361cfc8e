"""PatchGAN (Isola et al. 2017): a discriminator that judges every patch of an image by itself.

4x4 kernels with padding 1 and no bias beside a norm, as in phillipi/pix2pix.
"""

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.game import Array
from gan_jax.nets.layers import Conv, normalise

PADDING = ((1, 1), (1, 1))


class Discriminator(nn.Module):
  """So many layers at stride 2, one more at stride 1, and a map of logits.

  With 3 layers a logit sees 70x70 pixels, with 1 or 2 it sees 16 or 34; the width doubles from
  layer to layer, to eight times `width` at most.
  """

  width: int = 64
  layers: int = 3
  norm: str = 'batch'
  slope: float = 0.2

  @nn.compact
  def __call__(self, x: Array, *given: Array) -> Array:
    """image f32[B,H,W,C], and pictures of that size it is to go with -> logits f32[B,h,w]."""
    biased = self.norm == 'none'
    x = jnp.concatenate([x, *given], axis=-1)
    x = Conv(self.width, padding=PADDING, use_bias=biased)(x)
    x = nn.leaky_relu(x, self.slope)
    for i in range(1, self.layers + 1):
      stride = 2 if i < self.layers else 1
      x = Conv(self.width * min(1 << i, 8), stride=stride, padding=PADDING, use_bias=biased)(x)
      x = nn.leaky_relu(normalise(self.norm, x), self.slope)
    return Conv(1, stride=1, padding=PADDING, use_bias=biased)(x)[..., 0]
