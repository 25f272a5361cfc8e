"""What G is fed: z ~ p(z), as functions `prior(key, n) -> f32[n,Z]`."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from gan_jax.game import Array, Key
from gan_jax.ops import random

Prior = Callable[[Key, int], Array]


def normal(dim: int = 100) -> Prior:
  """z ~ N(0, I), f32[n,dim]."""
  return lambda key, n: random.normal(key, (n, dim))


def uniform(dim: int = 100, bound: float = 1.0) -> Prior:
  """z ~ U(-bound, bound), f32[n,dim]: 1 in DCGAN, sqrt(3) (unit variance) in the 2014 MNIST net."""
  return lambda key, n: random.uniform(key, (n, dim), -bound, bound)


def sphere(dim: int = 100) -> Prior:
  """z uniform on the sphere of radius sqrt(dim), where a normal z of that size nearly lies."""

  def draw(key: Key, n: int) -> Array:
    z = random.normal(key, (n, dim))
    return z * jnp.sqrt(dim) / jnp.linalg.norm(z, axis=1, keepdims=True)

  return draw


def structured(noise: int = 62, categorical: Sequence[int] = (10,), continuous: int = 2) -> Prior:
  """Noise and codes side by side (Chen et al. 2016): [N(0,1) | one-hots | U(-1,1)], f32[n,Z]."""

  def draw(key: Key, n: int) -> Array:
    k_noise, k_cat, k_con = jax.random.split(key, 3)
    codes = (
      [
        jax.nn.one_hot(jax.random.randint(k, (n,), 0, size), size)
        for k, size in zip(jax.random.split(k_cat, len(categorical)), categorical, strict=True)
      ]
      if categorical
      else []
    )
    z = random.normal(k_noise, (n, noise))
    c = random.uniform(k_con, (n, continuous), -1.0, 1.0)
    return jnp.concatenate([z, *codes, c], axis=1)

  return draw
