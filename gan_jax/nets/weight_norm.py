"""Weight normalisation with an initialisation from data (Salimans & Kingma 2016).

w = g v / |v| for the weights into each unit, and so direction and length are learnt apart. A
network of these layers that is initialised on examples of the data (`fit` in the config of a net)
starts with every unit's output of mean 0 and deviation `spread` over them, layer by layer: the
numbers are there while `init` runs, and g and b are made of them. Where outputs do not vary, as on
the zeros that stand for examples when there are none, g starts at 1 and b at 0.
"""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.game import Array
from gan_jax.nets import layers
from gan_jax.nets.layers import Initializer
from gan_jax.ops import conv as ops
from gan_jax.ops import norm, product

EPSILON = 1e-6  # under the root, as in openai/improved-gan


class Dense(nn.Module):
  """A dense layer; g is trained only if `trained`, as in openai/improved-gan.

  With spread=None nothing is fitted: g starts at 1, b at 0.
  """

  features: int
  spread: float | None = 1.0
  trained: bool = False
  kernel_init: Initializer = nn.initializers.normal(0.05)

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,F] -> f32[B,features]."""
    v = self.param('kernel', self.kernel_init, (x.shape[-1], self.features))
    multiply = lambda x, w: product.dot_general(x, w, (((1,), (0,)), ((), ())))
    return normalised(self, multiply, x, v, self.spread, self.trained)


class Conv(layers.Conv):
  """A convolution; the fields beyond those of `layers.Conv` are as above."""

  spread: float | None = 1.0
  trained: bool = False
  kernel_init: Initializer = nn.initializers.normal(0.05)

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,H,W,I] -> f32[B,h,w,features]."""
    v = self.param('kernel', self.kernel_init, (self.size, self.size, x.shape[-1], self.features))
    return normalised(self, self.convolve, x, v, self.spread, self.trained)


class ConvTranspose(Conv):
  """A transposed convolution."""

  def convolve(self, x: Array, kernel: Array) -> Array:
    """x f32[B,h,w,I], kernel f32[k,k,I,O] -> f32[B,H,W,O]."""
    return ops.conv_transpose(x, kernel, (self.stride, self.stride), self.padding)


def normalised(
  layer: nn.Module,
  multiply: Callable[[Array, Array], Array],
  x: Array,
  v: Array,
  spread: float | None,
  trained: bool,
) -> Array:
  """multiply(x, g v / |v|) + b, x [B,...,I] and v [...,I,O] -> [B,...,O], for a layer's g and b.

  What is not trained is a constant under differentiation.
  """
  wide = v.astype(jnp.promote_types(v.dtype, jnp.float32))
  square = jnp.sum(wide**2, axis=tuple(range(v.ndim - 1)), keepdims=True)
  unit = wide * jax.lax.rsqrt(square + EPSILON)
  start = lambda: fitted(multiply(x, unit.astype(x.dtype)), spread)
  g = layer.param('scale', lambda key: start()[0])
  b = layer.param('bias', lambda key: start()[1])
  g = g if trained else jax.lax.stop_gradient(g)
  y = multiply(x, (unit * norm.rows(g, unit)).astype(x.dtype))
  return y + norm.rows(b, y)


def fitted(y: Array, spread: float | None) -> tuple[Array, Array]:
  """y [B,...,C] -> g and b, f32[C], with which g y + b has mean 0 and deviation `spread`."""
  mean, var = norm.moments(y)
  varies = var > 1e-8 * mean**2
  if spread is None:
    varies = jnp.zeros_like(varies)
    spread = 1.0
  g = jnp.where(varies, spread * jax.lax.rsqrt(jnp.where(varies, var, 1.0)), 1.0)
  return g, jnp.where(varies, -mean * g, 0.0)
