"""SAGAN (Zhang et al. 2019): SNGAN's residual blocks, with attention at one of the sizes.

As in brain-research/self-attention-gan, which is for 128x128: widths double from the image down, to
at most 16 times, attention stands at 32x32, and every kernel of both networks is meant to be
divided by its spectral norm (`reparam='spectral_norm'`). Any size b·2ⁿ here. With classes each has
scales and biases of its own in G, and D adds a projection. The blocks' initial kernels are SNGAN's:
their scale is what spectral norm takes away.
"""

from typing import Any

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.nets.attention import Attention
from gan_jax.nets.conditional import projected
from gan_jax.nets.layers import BatchNorm, Dense, Heads, activation, verdict
from gan_jax.nets.pyramid import halvings
from gan_jax.nets.resnet import GLOROT, Down, First, Same, Up, conv3

WIDEST = 16  # times the width at the image
EPSILON = 1e-5


class Generator(nn.Module):
  """`Up` blocks; attention after the one that makes features of `attend` pixels a side."""

  shape: tuple[int, int, int]
  width: int = 64  # of the features as large as the image
  attend: int = 32
  output: str = 'tanh'
  classes: int = 0

  @nn.compact
  def __call__(self, z: Array, label: Array | None = None) -> Array:
    """z f32[B,Z] (and label i32[B]) -> image f32[B,*shape], in [-1, 1] for 'tanh'."""
    (h, w), stages = halvings(self.shape)
    widths = [min(1 << i, WIDEST) * self.width for i in reversed(range(stages))]
    x = Dense(h * w * widths[0], kernel_init=GLOROT)(z).reshape(-1, h, w, widths[0])
    for width in widths:
      x = Up(width, self.classes, EPSILON)(x, label)
      x = attentive(x, self.attend)
    x = nn.relu(BatchNorm(EPSILON)(x))  # the authors' last norm knows no class
    return activation(self.output)(conv3(self.shape[-1], kernel_init=GLOROT)(x))


class Discriminator(nn.Module):
  """`First`, `Down` blocks to the smallest size, one that keeps it, and the sum phi."""

  width: int = 64  # of the first block
  attend: int = 32
  classes: int = 0
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array, label: Array | None = None) -> Any:
    """image f32[B,H,W,C] (and label i32[B]) -> logit f32[B], or with heads `layers.verdict`."""
    _, stages = halvings(x.shape[1:])
    hidden = [attentive(First(self.width)(x), self.attend)]
    for i in range(1, stages):
      x = Down(min(1 << i, WIDEST) * self.width)(hidden[-1])
      hidden.append(attentive(x, self.attend))
    hidden.append(Same()(hidden[-1]))
    phi = nn.relu(hidden[-1]).sum((1, 2))
    return projected(verdict([*hidden, phi], self.heads, GLOROT), phi, label, self.classes)


def attentive(x: Array, size: int) -> Array:
  """Attention on features of `size` pixels a side, and others as they are."""
  return Attention()(x) if x.shape[1] == size else x
