"""The networks in the layers that flax.linen ships, for the stock Flax contender.

Their weights have the names and shapes of gan_jax's own networks, so either's can be put into the
other's. `dtype` is that of the computation; weights and BatchNorm's statistics are float32.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from cases import pyramid

NORMAL = nn.initializers.normal(0.02)


def around_one(key, shape, dtype=jnp.float32):
  """BatchNorm gains ~ N(1, .02)."""
  return 1 + 0.02 * jax.random.normal(key, shape, dtype)


def uniform(a: float):
  """Weights ~ U(-a, a)."""
  return lambda key, shape, dtype=jnp.float32: jax.random.uniform(key, shape, dtype, -a, a)


class Generator(nn.Module):
  """DCGAN's (k=4) or, with k=5 and per_unit, that of WGAN-GP: z f32[B,Z] -> image f32[B,H,W,C]."""

  base: tuple[int, int]
  widths: tuple[int, ...]  # from the smallest image up
  channels: int
  k: int = 4
  per_unit: bool = False  # the first BatchNorm is per unit, and layers have biases
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, z, train: bool):
    """z f32[B,Z] -> image [B,H,W,C] in [-1, 1]."""
    norm = lambda x: nn.BatchNorm(
      use_running_average=not train, momentum=0.9, scale_init=around_one, dtype=self.dtype
    )(x)
    up = lambda n: nn.ConvTranspose(
      n, (self.k, self.k), (2, 2), 'SAME', use_bias=self.per_unit, kernel_init=NORMAL,
      dtype=self.dtype,
    )  # fmt: skip
    h, w = self.base
    units = h * w * self.widths[0]
    x = nn.Dense(units, use_bias=self.per_unit, kernel_init=NORMAL, dtype=self.dtype)(z)
    image = (-1, h, w, self.widths[0])
    x = norm(x).reshape(image) if self.per_unit else norm(x.reshape(image))
    for width in self.widths[1:]:
      x = norm(up(width)(nn.relu(x)))
    return jnp.tanh(up(self.channels)(nn.relu(x)))


class Discriminator(nn.Module):
  """DCGAN's with BatchNorm, or the critic of WGAN-GP: image f32[B,H,W,C] -> logit [B]."""

  widths: tuple[int, ...]  # from the image down
  k: int = 4
  norm: bool = True  # without it layers have biases
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x, train: bool):
    """image f32[B,H,W,C] -> logit [B]."""
    for i, width in enumerate(self.widths):
      x = nn.Conv(
        width, (self.k, self.k), (2, 2), 'SAME', use_bias=not self.norm, kernel_init=NORMAL,
        dtype=self.dtype,
      )(x)  # fmt: skip
      if i and self.norm:
        x = nn.BatchNorm(
          use_running_average=not train, momentum=0.9, scale_init=around_one, dtype=self.dtype
        )(x)
      x = nn.leaky_relu(x, 0.2)
    x = x.reshape(len(x), -1)
    return nn.Dense(1, use_bias=not self.norm, kernel_init=NORMAL, dtype=self.dtype)(x)[:, 0]


class MlpGenerator(nn.Module):
  """The generator of 2014: z f32[B,Z] -> image f32[B,H,W,C] in [0, 1]."""

  shape: tuple[int, int, int]
  hidden: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, z, train: bool):
    """z f32[B,Z] -> image [B,H,W,C]."""
    dense = lambda n: nn.Dense(n, kernel_init=uniform(0.05), dtype=self.dtype)
    h, w, c = self.shape
    x = nn.relu(dense(self.hidden)(z))
    x = nn.relu(dense(self.hidden)(x))
    return nn.sigmoid(dense(h * w * c)(x)).reshape(-1, h, w, c)


class MlpDiscriminator(nn.Module):
  """Two maxout layers of 5 pieces with dropout (.2 on the image, .5 after): image -> logit [B]."""

  hidden: int
  pieces: int = 5
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x, train: bool):
    """image f32[B,H,W,C] -> logit [B]."""
    dense = lambda n: nn.Dense(n, kernel_init=uniform(0.005), dtype=self.dtype)
    x = nn.Dropout(0.2, deterministic=not train)(x.reshape(len(x), -1))
    for _ in range(2):
      x = dense(self.hidden * self.pieces)(x).reshape(len(x), self.hidden, self.pieces).max(-1)
      x = nn.Dropout(0.5, deterministic=not train)(x)
    return dense(1)(x)[:, 0]


def of(job) -> tuple[nn.Module, nn.Module]:
  """(G, D) of a job."""
  dtype = {'float32': jnp.float32, 'bfloat16': jnp.bfloat16}[job.precision]
  if job.game == 'mlp':
    return (
      MlpGenerator(tuple(job.shape), 5 * job.width, dtype=dtype),
      MlpDiscriminator(job.width, dtype=dtype),
    )
  sizes, widths = pyramid(job)
  wgan = job.game == 'wgan_gp'
  k = 5 if wgan else 4
  return (
    Generator(sizes[-1], tuple(widths[::-1]), job.shape[2], k, per_unit=wgan, dtype=dtype),
    Discriminator(tuple(widths), k, norm=not wgan, dtype=dtype),
  )
