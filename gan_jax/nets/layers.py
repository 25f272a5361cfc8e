"""Layers that the architectures share, and `net`, which turns a Linen module into a `Net`.

No layer takes a `train` flag. What a call may use is what it is handed: BatchNorm normalises with
the batch's own statistics unless the weights hold some; Dropout is the identity without a key.
"""

from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import InputError
from gan_jax.game import Array, Key, Net, Params, no_state
from gan_jax.ops import conv as ops

Initializer = Callable[..., Array]  # (key, shape, dtype) -> array
Example = Array | jax.ShapeDtypeStruct

DCGAN_INIT = nn.initializers.normal(0.02)  # every kernel of Radford et al. 2015


def net(
  module: nn.Module,
  *examples: Example,
  reparam: Callable[[Params, Any], tuple[Params, Any]] | None = None,
  reparam_init: Callable[[Key, Params], Any] = no_state,
) -> Net:
  """A module and one example of each input -> its pure functions. Only the examples' shapes count.

  `statistics` is None where the module has no BatchNorm.
  """
  zeros = [jnp.zeros(e.shape, e.dtype) for e in examples]

  @jax.jit  # so that the forward pass, which init runs for its shapes only, is never computed
  def init(key: Key) -> Params:
    return module.init(key, *zeros, mutable=['params']).get('params', {})

  def apply(params: Params, *inputs: Array, key: Key | None = None) -> Any:
    return module.apply({'params': params}, *inputs, rngs={} if key is None else {'dropout': key})

  def statistics(params: Params, *inputs: Array) -> Params:
    """The mean and var of every BatchNorm for one batch, nested as in params."""
    _, found = module.apply({'params': params}, *inputs, mutable=['statistics'])
    return found.get('statistics', {})

  abstract = jax.eval_shape(init, jax.random.key(0))
  has_statistics = bool(jax.eval_shape(statistics, abstract, *zeros))
  return Net(init, apply, statistics if has_statistics else None, reparam, reparam_init)


class BatchNorm(nn.Module):
  """Normalisation over all axes but the last (Ioffe & Szegedy 2015).

  On f32[B,U] this is one mean per unit, which is what the DCGAN authors do after the projection.
  'mean' and 'var' beside 'scale' and 'bias' in the weights are used in place of the batch's own.
  """

  epsilon: float = 1e-5
  affine: bool = True

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,...,C] -> the same shape."""
    axes = tuple(range(x.ndim - 1))
    collecting = self.is_mutable_collection('statistics')
    if self.has_variable('params', 'mean') and not collecting:
      mean: Array = _rows(self.get_variable('params', 'mean'), x)
      var: Array = _rows(self.get_variable('params', 'var'), x)
    else:
      mean = jnp.mean(x, axes, keepdims=True)
      # Two passes: E[x²] - E[x]² in float32 loses all of an epsilon of 1e-8.
      var = jnp.mean(jnp.square(x - mean), axes, keepdims=True)
    if collecting:
      self.put_variable('statistics', 'mean', mean.reshape(-1))
      self.put_variable('statistics', 'var', var.reshape(-1))
    x = (x - mean) * jax.lax.rsqrt(var + self.epsilon)
    if not self.affine:
      return x
    scale = self.param('scale', _around_one, x.shape[-1:])
    bias = self.param('bias', nn.initializers.zeros, x.shape[-1:])
    return x * _rows(scale, x) + _rows(bias, x)


class LayerNorm(nn.Module):
  """Normalisation of each example over all its entries.

  Scale and bias are per channel, as in WGAN-GP's critics, where BatchNorm would tie the examples
  whose gradients are penalised one by one.
  """

  epsilon: float = 1e-5

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,...,C] -> the same shape."""
    axes = tuple(range(1, x.ndim))
    mean = jnp.mean(x, axes, keepdims=True)
    var = jnp.mean(jnp.square(x - mean), axes, keepdims=True)
    scale = self.param('scale', nn.initializers.ones, x.shape[-1:])
    bias = self.param('bias', nn.initializers.zeros, x.shape[-1:])
    x = (x - mean) * jax.lax.rsqrt(var + self.epsilon)
    return x * _rows(scale, x) + _rows(bias, x)


class Dropout(nn.Module):
  """Entries kept with probability `keep` and divided by it; without a key, the identity."""

  keep: float

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,...] -> the same shape."""
    if self.keep == 1 or not self.has_rng('dropout'):
      return x
    kept = jax.random.bernoulli(self.make_rng('dropout'), self.keep, x.shape)
    return jnp.where(kept, x / self.keep, jnp.zeros_like(x))


class Conv(nn.Module):
  """A convolution with a square kernel; `padding` as in `ops.conv.conv`."""

  features: int
  size: int = 4
  stride: int = 2
  padding: ops.Padding = 'SAME'
  use_bias: bool = True
  kernel_init: Initializer = DCGAN_INIT

  def convolve(self, x: Array, kernel: Array) -> Array:
    """x f32[B,H,W,I], kernel f32[k,k,I,O] -> f32[B,h,w,O]."""
    return ops.conv(x, kernel, (self.stride, self.stride), self.padding)

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,H,W,I] -> f32[B,h,w,features]."""
    shape = (self.size, self.size, x.shape[-1], self.features)
    x = self.convolve(x, self.param('kernel', self.kernel_init, shape))
    if not self.use_bias:
      return x
    return x + _rows(self.param('bias', nn.initializers.zeros, (self.features,)), x)


class ConvTranspose(Conv):
  """A transposed convolution; `padding` as in `ops.conv.conv_transpose`."""

  def convolve(self, x: Array, kernel: Array) -> Array:
    """x f32[B,h,w,I], kernel f32[k,k,I,O] -> f32[B,H,W,O]."""
    return ops.conv_transpose(x, kernel, (self.stride, self.stride), self.padding)


def normalise(kind: str, x: Array, epsilon: float = 1e-5) -> Array:
  """x f32[B,...,C] -> the same shape, through the norm that a config names."""
  if kind == 'batch':
    return BatchNorm(epsilon)(x)
  if kind == 'layer':
    return LayerNorm(epsilon)(x)
  if kind == 'none':
    return x
  raise InputError(f"norm={kind!r} is none of 'batch', 'layer', 'none'.")


def activation(name: str) -> Callable[[Array], Array]:
  """'relu', 'sigmoid', 'tanh', 'linear' or any other function of jax.nn."""
  function = getattr(jax.nn, 'identity' if name == 'linear' else name, None)
  if not callable(function):
    raise InputError(f"activation {name!r} is neither 'linear' nor a function of jax.nn.")
  return function


def with_label(x: Array, label: Array | None, classes: int) -> Array:
  """x f32[B,...,C], label i32[B] -> f32[B,...,C+classes]: the one-hot code beside every entry."""
  if (label is None) != (classes == 0):
    raise InputError(
      f'a network with classes={classes} was given {"no" if label is None else "a"} label: name '
      "'label' in its inputs and the number of classes, or neither."
    )
  if label is None:
    return x
  code = jax.nn.one_hot(label, classes, dtype=x.dtype)
  code = code.reshape(len(x), *(1,) * (x.ndim - 2), classes)
  return jnp.concatenate([x, jnp.broadcast_to(code, (*x.shape[:-1], classes))], axis=-1)


def per_layer(value: Any, n: int, name: str) -> Sequence:
  """A value for each of n layers: the sequence that was given, or the one value n times."""
  if not isinstance(value, tuple | list):
    return (value,) * n
  if len(value) != n:
    raise InputError(f'{name}={value!r} has {len(value)} entries for {n} layers.')
  return value


def _rows(v: Array, x: Array) -> Array:
  """v f32[C] -> f32[1,...,1,C], to go with x f32[B,...,C]."""
  return v.reshape((1,) * (x.ndim - 1) + (-1,))


def _around_one(key: Key, shape: Sequence[int]) -> Array:
  """BatchNorm gains ~ N(1, .02) (Radford et al. 2015)."""
  return 1 + 0.02 * jax.random.normal(key, shape)
