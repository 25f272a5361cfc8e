"""Random numbers that the compiler sees through: those of `jax.random`, bit for bit.

On CPU XLA gets `jax.random`'s cipher as a loop, which is slow to compile and to run, and hides that
two draws from one key are the same. Written out it is 2-5 times faster, is fused with what uses the
numbers, and equal draws are made once. Keys must be threefry's, JAX's default.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.game import Array, Key

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def threefry(key: Array, high: Array, low: Array) -> tuple[Array, Array]:
  """Threefry-2x32, 20 rounds (Salmon et al. 2011): key u32[2], counters u32[N] -> u32[N] twice."""
  words = key[0], key[1], key[0] ^ key[1] ^ jnp.uint32(0x1BD11BDA)
  a, b = high + words[0], low + words[1]
  for i in range(5):
    for r in ROTATIONS[i % 2]:
      a = a + b
      b = a ^ ((b << jnp.uint32(r)) | (b >> jnp.uint32(32 - r)))
    a = a + words[(i + 1) % 3]
    b = b + words[(i + 2) % 3] + jnp.uint32(i + 1)
  return a, b


def bits(key: Key, shape: Sequence[int]) -> Array:
  """u32[shape], as `jax.random.bits`; for fewer than 2³² numbers."""
  count = lax.iota(jnp.uint32, math.prod(shape))
  a, b = threefry(jax.random.key_data(key), jnp.zeros_like(count), count)
  return (a ^ b).reshape(shape)


def uniform(key: Key, shape: Sequence[int], low: float = 0.0, high: float = 1.0) -> Array:
  """f32[shape] in [low, high), as `jax.random.uniform`: 23 bits of fraction."""
  one_to_two = (bits(key, shape) >> jnp.uint32(9)) | jnp.uint32(0x3F800000)
  u = lax.bitcast_convert_type(one_to_two, jnp.float32) - 1
  lo, hi = jnp.float32(low), jnp.float32(high)
  return jnp.maximum(lo, u * (hi - lo) + lo)


def normal(key: Key, shape: Sequence[int]) -> Array:
  """f32[shape] ~ N(0, 1), as `jax.random.normal`: the inverse of the distribution function."""
  above = -1 + 2**-24  # the next float32 after -1, whose inverse is infinite
  return jnp.float32(math.sqrt(2)) * lax.erf_inv(uniform(key, shape, above, 1.0))


def bernoulli(key: Key, p: float | Array, shape: Sequence[int]) -> Array:
  """bool[shape], true with probability p, as `jax.random.bernoulli`."""
  return uniform(key, shape) < p
