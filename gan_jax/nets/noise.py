"""Gaussian noise as a layer, the regulariser of Salimans et al. 2016's discriminators."""

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.ops import random


class Noise(nn.Module):
  """N(0, sigma²) added to every entry; without a key, the identity, as `layers.Dropout`."""

  sigma: float

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,...] -> the same shape."""
    if self.sigma == 0 or not self.has_rng('dropout'):
      return x
    return x + (self.sigma * random.normal(self.make_rng('dropout'), x.shape)).astype(x.dtype)
