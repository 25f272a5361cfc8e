"""DCGAN in the dialect of its authors' own code (Newmu/dcgan_code), in which its results were made.

5x5 kernels at stride 2 with symmetric padding; no bias anywhere; BatchNorm with eps 1e-8, after the
projection one mean per *unit*, before it becomes an image; real and generated images, training and
sampling, always by the batch's own statistics.
"""

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.nets.layers import (
  DCGAN_INIT,
  BatchNorm,
  Conv,
  ConvTranspose,
  Dense,
  activation,
  with_label,
)
from gan_jax.nets.pyramid import halvings

DOWN = ((2, 2), (2, 2))  # 'SAME' would be (1, 2): the image shifted by a pixel
UP = ((2, 3), (2, 3))  # and here (3, 2)
EPSILON = 1e-8


class AuthorsGenerator(nn.Module):
  """The authors' generator; width=128 is the net of LSUN and faces, 64 that of SVHN."""

  shape: tuple[int, int, int]
  width: int = 128
  stages: int | None = None
  output: str = 'tanh'
  classes: int = 0

  @nn.compact
  def __call__(self, z: Array, label: Array | None = None) -> Array:
    """z f32[B,Z] (and label i32[B]) -> image f32[B,*shape], in [-1, 1] for 'tanh'."""
    (h, w), stages = halvings(self.shape, self.stages)
    top = self.width << stages - 1
    x = Dense(h * w * top, use_bias=False, kernel_init=DCGAN_INIT)(
      with_label(z, label, self.classes)
    )
    x = nn.relu(BatchNorm(EPSILON)(x)).reshape(-1, h, w, top)
    for i in reversed(range(stages - 1)):
      x = ConvTranspose(self.width << i, size=5, padding=UP, use_bias=False)(x)
      x = nn.relu(BatchNorm(EPSILON)(x))
    x = ConvTranspose(self.shape[-1], size=5, padding=UP, use_bias=False)(x)
    return activation(self.output)(x)


class AuthorsDiscriminator(nn.Module):
  """The authors' discriminator, of the same widths."""

  width: int = 128
  stages: int | None = None
  slope: float = 0.2
  classes: int = 0

  @nn.compact
  def __call__(self, x: Array, label: Array | None = None) -> Array:
    """image f32[B,H,W,C] (and label i32[B]) -> logit f32[B]."""
    _, stages = halvings(x.shape[1:], self.stages)
    x = Conv(self.width, size=5, padding=DOWN, use_bias=False)(with_label(x, label, self.classes))
    x = nn.leaky_relu(x, self.slope)
    for i in range(1, stages):
      x = BatchNorm(EPSILON)(Conv(self.width << i, size=5, padding=DOWN, use_bias=False)(x))
      x = nn.leaky_relu(x, self.slope)
    return Dense(1, use_bias=False, kernel_init=DCGAN_INIT)(x.reshape(x.shape[0], -1))[:, 0]
