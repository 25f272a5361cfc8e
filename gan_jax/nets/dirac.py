"""The Dirac-GAN: one weight each, the least game that does not converge (Mescheder et al. 2018)."""

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.game import Array


class Generator(nn.Module):
  """G(z) = theta, whatever z is."""

  shape: tuple[int, ...]
  start: float = 1.0

  @nn.compact
  def __call__(self, z: Array) -> Array:
    """z f32[B,Z] -> point f32[B,*shape]."""
    theta: Array = self.param('theta', nn.initializers.constant(self.start), self.shape)
    return jnp.broadcast_to(theta[None], (z.shape[0], *self.shape))


class Discriminator(nn.Module):
  """D(x) = psi x: a slope, no bias."""

  start: float = 1.0

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """point f32[B,...] -> verdict f32[B]."""
    x = x.reshape(x.shape[0], -1)
    psi: Array = self.param('psi', nn.initializers.constant(self.start), (x.shape[1],))
    return x @ psi
