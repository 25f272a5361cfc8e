"""The perceptrons of BiGAN on MNIST (Donahue et al. 2017), as in jeffdonahue/bigan.

No bias anywhere, weights N(0, .02), BatchNorm without gain and shift (eps 1e-8). What a network is
conditioned on enters its second layer: z that of D(x, z), and once more that of G(z).
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from gan_jax.game import Array
from gan_jax.nets.layers import (
  DCGAN_INIT,
  BatchNorm,
  Dense,
  Heads,
  Initializer,
  activation,
  verdict,
)

SLOPE = 0.2


def dense(units: int, *inputs: Array) -> Array:
  """f32[B,I] each -> f32[B,units]: a product with all of them side by side."""
  return Dense(units, use_bias=False, kernel_init=DCGAN_INIT)(jnp.concatenate(inputs, axis=1))


def standard(x: Array) -> Array:
  """f32[B,U] -> the same shape, of mean 0 and variance 1 over the batch."""
  return BatchNorm(1e-8, affine=False)(x)


class Generator(nn.Module):
  """Two ReLU layers with BatchNorm, the second from the first and z."""

  shape: tuple[int, ...]
  width: int = 1024
  output: str = 'sigmoid'

  @nn.compact
  def __call__(self, z: Array) -> Array:
    """z f32[B,Z] -> image f32[B,*shape], in [0, 1] for 'sigmoid'."""
    x = nn.relu(standard(dense(self.width, z)))
    x = nn.relu(standard(dense(self.width, x, z)))
    x = dense(int(np.prod(self.shape)), x)
    return activation(self.output)(x).reshape(x.shape[0], *self.shape)


class Encoder(nn.Module):
  """Two leaky ReLU layers, the second with BatchNorm, and a code in the range of U(-1, 1).

  The authors make 2 sigmoid(a) - 1 of the last product a, which is tanh(a / 2); they judge E by its
  'features' too, the last hidden layer.
  """

  dim: int = 50
  width: int = 1024

  @nn.compact
  def __call__(self, x: Array) -> dict[str, Array]:
    """image f32[B,...] -> {'mean' f32[B,dim] in (-1, 1), the code; 'features' f32[B,width]}."""
    h = nn.leaky_relu(dense(self.width, x.reshape(x.shape[0], -1)), SLOPE)
    h = nn.leaky_relu(standard(dense(self.width, h)), SLOPE)
    return {'mean': jnp.tanh(dense(self.dim, h) / 2), 'features': h}


class Discriminator(nn.Module):
  """The layers of `Encoder`, with z beside the first as the second's input, and a logit.

  The logit is 0 at the start, whatever the pair.
  """

  width: int = 1024
  heads: Heads | None = None
  logit_init: Initializer = nn.initializers.zeros

  @nn.compact
  def __call__(self, x: Array, z: Array) -> Any:
    """image f32[B,...], z f32[B,Z] -> logit f32[B], or with heads `layers.verdict`."""
    first = nn.leaky_relu(dense(self.width, x.reshape(x.shape[0], -1)), SLOPE)
    second = nn.leaky_relu(standard(dense(self.width, first, z)), SLOPE)
    return verdict([first, second], self.heads, self.logit_init, use_bias=False)
