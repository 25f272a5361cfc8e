"""Initialisations that jax.nn.initializers lacks, each with its paper or code."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.game import Array, Key
from gan_jax.nets.layers import Initializer


def irange(a: float) -> Initializer:
  """U(-a, a): pylearn2's `irange`."""

  def init(key: Key, shape: tuple[int, ...], dtype=jnp.float32) -> Array:
    return jax.random.uniform(key, shape, dtype, -a, a)

  return init


def sparse(n: int) -> Initializer:
  """Kernel f32[inputs, units] with n weights ~ N(0,1) into each unit, elsewhere 0 (Martens 2010).

  pylearn2's `sparse_init`. With n inputs or fewer, every weight is drawn.
  """

  def init(key: Key, shape: tuple[int, int], dtype=jnp.float32) -> Array:
    chosen, drawn = jax.random.split(key)
    order = jax.random.uniform(chosen, shape)
    threshold = jax.lax.top_k(order.T, min(n, shape[0]))[0][:, -1]
    weights = jax.random.normal(drawn, shape, dtype)
    return jnp.where(order >= threshold[None, :], weights, jnp.zeros_like(weights))

  return init


def constant(value) -> Initializer:
  """The given number everywhere, or the given array (of as many entries as the weights)."""

  def init(key: Key, shape: tuple[int, ...], dtype=jnp.float32) -> Array:
    del key
    value_ = jnp.asarray(np.asarray(value), dtype)
    return jnp.full(shape, value_) if value_.ndim == 0 else value_.reshape(shape)

  return init


def wgan_gp(stride: int = 1, transposed: bool = False) -> Initializer:
  """Kernel [kh,kw,I,O] ~ U with variance 4 / (fan_in + fan_out), Gulrajani et al.'s `he_init`.

  A stride divides the fan of the small image's side by stride² (tflib/ops/conv2d.py, deconv2d.py).
  """

  def init(key: Key, shape: tuple[int, int, int, int], dtype=jnp.float32) -> Array:
    kh, kw, inputs, outputs = shape
    fan_in, fan_out = kh * kw * inputs, kh * kw * outputs
    fans = fan_in / stride**2 + fan_out if transposed else fan_in + fan_out / stride**2
    bound = np.sqrt(3 * 4 / fans)
    return jax.random.uniform(key, shape, dtype, -bound, bound)

  return init


def torch() -> Initializer:
  """U(-1/sqrt(n), 1/sqrt(n)), n the inputs of a unit: what Torch gives a layer by default."""
  return jax.nn.initializers.variance_scaling(1 / 3, 'fan_in', 'uniform')
