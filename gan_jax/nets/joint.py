"""The plain discriminator of pairs (x, z): is it a datum with its code, or a code with its image?

BiGAN's own, for MNIST, is in `bigan.py`, ALI's, for CIFAR-10, in `ali.py`.
"""

from typing import Any

import jax.numpy as jnp

from gan_jax.game import Array
from gan_jax.nets import plain


class Discriminator(plain.Discriminator):
  """`plain.Discriminator` of x and z side by side."""

  def __call__(self, x: Array, z: Array) -> Any:  # type: ignore[override]
    """image or point f32[B,...], z f32[B,Z] -> logit f32[B], or with heads `layers.verdict`."""
    return super().__call__(jnp.concatenate([x.reshape(x.shape[0], -1), z], axis=1))
