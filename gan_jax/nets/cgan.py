"""The perceptrons of the first conditional GAN (Mirza & Osindero 2014, section 4.1).

Image and class, or noise and class, each have a layer of their own before a joint one. The paper
says dropout of 0.5 in both networks, here on every hidden layer, and nothing of the initialisation,
which is that of the 2014 nets (`mlp`). There is no code of the authors'.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.game import Array
from gan_jax.nets.initializers import irange
from gan_jax.nets.layers import Dense, Dropout, Heads, activation, is_told, verdict
from gan_jax.nets.mlp import maxout


class Generator(nn.Module):
  """ReLU layers: `own` units see z, `label` units the class, `joint` units both."""

  shape: tuple[int, ...]
  own: int = 200
  label: int = 1000
  joint: int = 1200
  keep: float = 0.5
  output: str = 'sigmoid'
  classes: int = 0

  @nn.compact
  def __call__(self, z: Array, label: Array | None = None) -> Array:
    """z f32[B,Z] (and label i32[B]) -> image f32[B,*shape], in [0, 1] for 'sigmoid'."""

    def layer(x: Array, units: int) -> Array:
      return Dropout(self.keep)(nn.relu(Dense(units, kernel_init=irange(0.05))(x)))

    x = layer(z, self.own)
    if is_told(label, self.classes):
      x = jnp.concatenate([x, layer(jax.nn.one_hot(label, self.classes), self.label)], axis=1)
    x = Dense(int(np.prod(self.shape)), kernel_init=irange(0.05))(layer(x, self.joint))
    return activation(self.output)(x).reshape(x.shape[0], *self.shape)


class Discriminator(nn.Module):
  """Maxout layers, (units, pieces): `own` see the image, `label` the class, `joint` both."""

  own: tuple[int, int] = (240, 5)
  label: tuple[int, int] = (50, 5)
  joint: tuple[int, int] = (240, 4)
  keep: float = 0.5
  classes: int = 0
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array, label: Array | None = None) -> Any:
    """image f32[B,...] (and label i32[B]) -> logit f32[B], or with heads `layers.verdict`."""

    def layer(x: Array, units: int, pieces: int) -> Array:
      x = Dense(units * pieces, kernel_init=irange(0.005))(x)
      return Dropout(self.keep)(maxout(x, pieces))

    x = layer(x.reshape(x.shape[0], -1), *self.own)
    if is_told(label, self.classes):
      x = jnp.concatenate([x, layer(jax.nn.one_hot(label, self.classes), *self.label)], axis=1)
    return verdict([x, layer(x, *self.joint)], self.heads, irange(0.005))
