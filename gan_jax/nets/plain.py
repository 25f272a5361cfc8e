"""Plain multi-layer perceptrons for points and small images: mixtures, WGAN's MLP, toy games.

He's initialisation, so that depth and width may be changed without thought.
"""

from typing import Any

import flax.linen as nn
import numpy as np

from gan_jax.game import Array
from gan_jax.nets.layers import Dense, Dropout, Heads, activation, verdict, with_label

HE = nn.initializers.he_normal()


class Generator(nn.Module):
  """ReLU layers and an output in the range of `output`."""

  shape: tuple[int, ...]
  hidden: tuple[int, ...] = (512, 512, 512)
  output: str = 'linear'
  classes: int = 0

  @nn.compact
  def __call__(self, z: Array, label: Array | None = None) -> Array:
    """z f32[B,Z] (and label i32[B]) -> image or point f32[B,*shape]."""
    x = with_label(z, label, self.classes)
    for units in self.hidden:
      x = nn.relu(Dense(units, kernel_init=HE)(x))
    x = Dense(int(np.prod(self.shape)))(x)
    return activation(self.output)(x).reshape(x.shape[0], *self.shape)


class Discriminator(nn.Module):
  """ReLU layers (leaky ones for a slope above 0) and one logit."""

  hidden: tuple[int, ...] = (512, 512, 512)
  slope: float = 0.0
  keep: float = 1.0  # dropout after each hidden layer
  classes: int = 0
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array, label: Array | None = None) -> Any:
    """image or point f32[B,...] (and label i32[B]) -> logit f32[B], or with heads a `verdict`."""
    x = with_label(x.reshape(x.shape[0], -1), label, self.classes)
    hidden = [x]
    for units in self.hidden:
      x = nn.leaky_relu(Dense(units, kernel_init=HE)(hidden[-1]), self.slope)
      hidden.append(Dropout(self.keep)(x))
    return verdict(hidden, self.heads, nn.linear.default_kernel_init)
