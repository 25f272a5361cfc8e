"""The perceptrons of the unrolled GAN's toy (Metz et al. 2017), as in poolio/unrolled_gan.

Two tanh layers of 128 and a linear one; orthogonal weights of gain 1.4.
"""

from typing import Any

import flax.linen as nn
import numpy as np

from gan_jax.game import Array
from gan_jax.nets.layers import Dense, Heads, verdict

INIT = nn.initializers.orthogonal(1.4)


class Generator(nn.Module):
  """Tanh layers and a point anywhere."""

  shape: tuple[int, ...]
  hidden: tuple[int, ...] = (128, 128)

  @nn.compact
  def __call__(self, z: Array) -> Array:
    """z f32[B,Z] -> point f32[B,*shape]."""
    x = z
    for units in self.hidden:
      x = nn.tanh(Dense(units, kernel_init=INIT)(x))
    return Dense(int(np.prod(self.shape)), kernel_init=INIT)(x).reshape(x.shape[0], *self.shape)


class Discriminator(nn.Module):
  """Tanh layers and one logit."""

  hidden: tuple[int, ...] = (128, 128)
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array) -> Any:
    """point f32[B,...] -> logit f32[B], or with heads `layers.verdict`."""
    hidden = [x.reshape(x.shape[0], -1)]
    for units in self.hidden:
      hidden.append(nn.tanh(Dense(units, kernel_init=INIT)(hidden[-1])))
    return verdict(hidden, self.heads, INIT)
