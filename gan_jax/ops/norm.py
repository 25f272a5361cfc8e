"""Batch normalisation with its derivative in closed form."""

from functools import partial

import jax
import jax.numpy as jnp

from gan_jax.game import Array


def moments(x: Array) -> tuple[Array, Array]:
  """x [B,...,C] -> mean and variance of each channel, f32[C]."""
  axes, x = tuple(range(x.ndim - 1)), x.astype(jnp.promote_types(x.dtype, jnp.float32))
  mean = jnp.mean(x, axes)
  # Two passes: E[x²] - E[x]² in float32 loses all of an epsilon of 1e-8.
  return mean, jnp.mean(jnp.square(x - rows(mean, x)), axes)


@partial(jax.custom_vjp, nondiff_argnums=(3,))
def batch_norm(x: Array, scale: Array, bias: Array, epsilon: float) -> Array:
  """x [B,...,C], scale and bias f32[C] -> x standardised by its own moments, scaled and shifted.

  (Ioffe & Szegedy 2015.) JAX's own derivative of these lines reads and writes x several times more.
  """
  return _forward(x, scale, bias, epsilon)[0]


def _forward(x: Array, scale: Array, bias: Array, epsilon: float):
  mean, var = moments(x)
  inverse = jax.lax.rsqrt(var + epsilon)
  return normalised(x, mean, inverse, scale, bias), (x, mean, inverse, scale)


def _backward(epsilon: float, kept: tuple[Array, Array, Array, Array], g: Array):
  """dx = scale/σ (g - mean(g) - x̂ mean(g x̂)), and the sums that are d scale and d bias."""
  del epsilon
  x, mean, inverse, scale = kept
  axes, n, dtype = tuple(range(x.ndim - 1)), x.size // x.shape[-1], x.dtype
  x, g = (a.astype(mean.dtype) for a in (x, g))
  x = (x - rows(mean, x)) * rows(inverse, x)
  d_bias, d_scale = jnp.sum(g, axes), jnp.sum(g * x, axes)
  dx = rows(scale * inverse, x) * (g - rows(d_bias / n, x) - x * rows(d_scale / n, x))
  return dx.astype(dtype), d_scale, d_bias


batch_norm.defvjp(_forward, _backward)


def normalised(x: Array, mean: Array, inverse: Array, scale: Array, bias: Array) -> Array:
  """(x - mean)·inverse·scale + bias for each channel, in float32, rounded to x's own type."""
  wide = x.astype(mean.dtype)
  wide = (wide - rows(mean, x)) * rows(inverse, x)
  return (wide * rows(scale, x) + rows(bias, x)).astype(x.dtype)


def joined(x: Array, mean: Array, var: Array, share: Array) -> tuple[Array, Array]:
  """The moments f32[C] of a batch, as they are with x's own added to it: f32[B,1,...,C] each.

  x [B,...,C]; `share` is the part that an example has in them: 1 / (n + 1) for a batch of n.
  """
  axes, x = tuple(range(1, x.ndim - 1)), x.astype(mean.dtype)
  own = lambda v: share * jnp.mean(v, axes, keepdims=True)
  both = (1 - share) * rows(mean, x) + own(x)
  return both, (1 - share) * (rows(var, x) + (rows(mean, x) - both) ** 2) + own((x - both) ** 2)


def rows(v: Array, x: Array) -> Array:
  """v [C] -> [1,...,1,C], to go with x [B,...,C]; what is of x's rank already stays as it is."""
  return v if v.ndim == x.ndim else v.reshape((1,) * (x.ndim - 1) + (-1,))
