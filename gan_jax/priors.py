"""What G is fed: z ~ p(z), as functions `prior(key, n) -> f32[n,Z]`."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtr, ndtri

from gan_jax.errors import InputError
from gan_jax.game import Array, Key
from gan_jax.ops import random

Prior = Callable[[Key, int], Array]


@dataclass(frozen=True)
class Normal:
  """z ~ N(0, I), f32[n,dim]."""

  dim: int

  def __call__(self, key: Key, n: int) -> Array:
    """The draw, f32[n,dim]."""
    return random.normal(key, (n, self.dim))

  def truncated(self, z: np.ndarray, threshold: float) -> np.ndarray:
    """A draw z f32[n,dim] as one of N(0, 1) between -threshold and threshold (Brock et al. 2019).

    Entry by entry by the quantile, so that z and order stay what they were: no entry is redrawn.
    """
    tail = float(ndtr(-threshold))
    u = ndtr(np.asarray(z, np.float64))
    found = ndtri(tail + u * (1 - 2 * tail))
    return np.clip(found, -threshold, threshold).astype(np.float32)


@dataclass(frozen=True)
class Uniform:
  """z ~ U(-bound, bound), f32[n,dim]."""

  dim: int
  bound: float

  def __call__(self, key: Key, n: int) -> Array:
    """The draw, f32[n,dim]."""
    return random.uniform(key, (n, self.dim), -self.bound, self.bound)

  def truncated(self, z: np.ndarray, threshold: float) -> np.ndarray:
    """A draw z f32[n,dim] as one between -threshold and threshold, which is a smaller uniform."""
    return np.asarray(z, np.float32) * np.float32(min(1.0, threshold / self.bound))


def normal(dim: int = 100) -> Normal:
  """z ~ N(0, I), f32[n,dim]."""
  return Normal(dim)


def uniform(dim: int = 100, bound: float = 1.0) -> Uniform:
  """z ~ U(-bound, bound), f32[n,dim]: 1 in DCGAN, sqrt(3) (unit variance) in the 2014 MNIST net."""
  return Uniform(dim, bound)


def truncated(prior: Prior | None, z: np.ndarray, threshold: float) -> np.ndarray:
  """A draw of the prior, f32[n,Z], as one whose entries are no larger than the threshold.

  Raises InputError for a prior that cannot be truncated, and a threshold that is not above 0.
  """
  if not threshold > 0:
    raise InputError(f'truncation at {threshold} leaves nothing of z: right is a number above 0.')
  if not isinstance(prior, Normal | Uniform):
    raise InputError('only the z of a normal or uniform prior can be truncated.')
  return prior.truncated(z, threshold)


def hypercube(dim: int = 100) -> Prior:
  """z ~ U(0, 1), f32[n,dim]: conditional GANs (Mirza & Osindero 2014), Salimans et al. 2016."""
  return lambda key, n: random.uniform(key, (n, dim))


def sphere(dim: int = 100) -> Prior:
  """z uniform on the sphere of radius sqrt(dim), where a normal z of that size nearly lies."""

  def draw(key: Key, n: int) -> Array:
    z = random.normal(key, (n, dim))
    return z * jnp.sqrt(dim) / jnp.linalg.norm(z, axis=1, keepdims=True)

  return draw


@dataclass(frozen=True)
class Structured:
  """A prior of noise and codes side by side: z = [noise | one-hots | U(-1,1)], f32[n,Z].

  It remembers which columns are which, for those who read the codes or set them.
  """

  noise: Prior
  categorical: tuple[int, ...]  # the size of each one-hot code
  continuous: int  # how many codes are numbers

  def __call__(self, key: Key, n: int) -> Array:
    """The draw, f32[n,Z]."""
    k_noise, k_cat, k_con = jax.random.split(key, 3)
    keys = jax.random.split(k_cat, len(self.categorical)) if self.categorical else ()
    codes = [
      jax.nn.one_hot(jax.random.randint(k, (n,), 0, size), size)
      for k, size in zip(keys, self.categorical, strict=True)
    ]
    u = random.uniform(k_con, (n, self.continuous), -1.0, 1.0)
    return jnp.concatenate([self.noise(k_noise, n), *codes, u], axis=1)

  def columns(self, width: int) -> tuple[list[slice], slice]:
    """Of the `width` columns of z, those of each one-hot code and those of the numbers."""
    numbers = width - self.continuous
    starts = numbers - sum(self.categorical) + np.cumsum((0, *self.categorical))
    one_hots = [slice(int(a), int(b)) for a, b in itertools.pairwise(starts)]
    return one_hots, slice(numbers, width)


def structured(
  noise: int | Prior = 62, categorical: Sequence[int] = (10,), continuous: int = 2
) -> Structured:
  """InfoGAN's latent (Chen et al. 2016); unless said, with the codes of its MNIST run.

  `noise` is a prior of its own, or the number of entries of a normal one.
  """
  return Structured(noise if callable(noise) else normal(noise), tuple(categorical), continuous)
