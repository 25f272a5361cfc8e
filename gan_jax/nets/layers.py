"""Layers that the architectures share, and `net`, which turns a Linen module into a `Net`.

No layer takes a `train` flag. What a call may use is what it is handed: BatchNorm normalises with
the batch's own statistics unless the weights hold some; Dropout is the identity without a key.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeGuard

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import InputError
from gan_jax.game import Array, Key, Net, Params, no_state
from gan_jax.ops import conv as ops
from gan_jax.ops import norm, product, random
from gan_jax.ops.varying import alike

Initializer = Callable[..., Array]  # (key, shape, dtype) -> array
Example = Array | jax.ShapeDtypeStruct

DCGAN_INIT = nn.initializers.normal(0.02)  # every kernel of Radford et al. 2015


# A dense layer whose products are summed in float32 whatever its operands.
Dense = partial(nn.Dense, dot_general=product.dot_general)
WIDE = ('scale', 'mean', 'var', 'share')  # weights of norms, applied in float32 in any case


def net(
  module: nn.Module,
  *examples: Example,
  precision: str = 'float32',
  reparam: Callable[[Params, Any], tuple[Params, Any]] | None = None,
  reparam_init: Callable[[Key, Params], Any] = no_state,
) -> Net:
  """A module and examples of each input, [n,...], or their shapes -> its pure functions.

  The weights are initialised on the examples, with dropout and noise, which counts for layers that
  are fitted to them (weight_norm); on shapes alone, on zeros.

  `statistics` is None where the module has no BatchNorm. With precision='bfloat16' weights and
  inputs are rounded to it on the way in and outputs are float32 again: the weights that are trained
  and the losses stay float32, sums of products and norms are float32 in between. Raises InputError
  for another precision.
  """
  if precision not in ('float32', 'bfloat16'):
    raise InputError(f"precision={precision!r} is neither 'float32' nor 'bfloat16'.")
  narrow, wide = partial(_cast, jnp.dtype(precision)), partial(_cast, jnp.dtype('float32'))
  shape_only = lambda e: isinstance(e, jax.ShapeDtypeStruct)
  seen = [jnp.zeros(e.shape, e.dtype) if shape_only(e) else e for e in examples]

  @jax.jit  # so that the forward pass, which init mostly runs for its shapes only, is not computed
  def init(key: Key) -> Params:
    rngs = {'params': key, 'dropout': jax.random.fold_in(key, 1)}
    return module.init(rngs, *seen, mutable=['params']).get('params', {})

  def apply(params: Params, *inputs: Array, key: Key | None = None) -> Any:
    rngs = {} if key is None else {'dropout': key}
    return wide(module.apply({'params': narrow(params)}, *narrow(inputs), rngs=rngs))

  def statistics(params: Params, *inputs: Array) -> Params:
    """The mean and var of every BatchNorm for one batch, nested as in params."""
    _, found = module.apply({'params': narrow(params)}, *narrow(inputs), mutable=['statistics'])
    return found.get('statistics', {})

  abstract = jax.eval_shape(init, jax.random.key(0))
  has_statistics = bool(jax.eval_shape(statistics, abstract, *seen))
  return Net(init, apply, statistics if has_statistics else None, reparam, reparam_init)


def _cast(dtype: jnp.dtype, tree: Any) -> Any:
  """Every floating array of the tree in that type, but for the weights of norms."""

  def cast(path: Any, a: Array) -> Array:
    keeps = path and getattr(path[-1], 'key', None) in WIDE
    return a if keeps or not jnp.issubdtype(a.dtype, jnp.floating) else a.astype(dtype)

  return jax.tree_util.tree_map_with_path(cast, tree)


class BatchNorm(nn.Module):
  """Normalisation over all axes but the last (Ioffe & Szegedy 2015).

  On f32[B,U] this is one mean per unit, which is what the DCGAN authors do after the projection.
  'mean' and 'var' beside 'scale' and 'bias' in the weights are used in place of the batch's own;
  with 'share' beside them, each example's own have that share in them (virtual_norm).
  """

  epsilon: float = 1e-5
  affine: bool = True

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,...,C] -> the same shape."""
    channels = x.shape[-1:]
    scale: Array = self.param('scale', _around_one, channels) if self.affine else jnp.ones(channels)
    bias: Array = (
      self.param('bias', nn.initializers.zeros, channels) if self.affine else jnp.zeros(channels)
    )
    collecting = self.is_mutable_collection('statistics')
    if self.has_variable('params', 'mean') and not collecting:
      mean: Array = self.get_variable('params', 'mean')
      var: Array = self.get_variable('params', 'var')
      if self.has_variable('params', 'share'):
        mean, var = norm.joined(x, mean, var, self.get_variable('params', 'share'))
      return norm.normalised(x, mean, jax.lax.rsqrt(var + self.epsilon), scale, bias)
    if collecting:
      mean, var = norm.moments(x)
      self.put_variable('statistics', 'mean', mean)
      self.put_variable('statistics', 'var', var)
    x, scale = alike(x, scale)
    bias = alike(x, bias)[1].astype(scale.dtype)
    return norm.batch_norm(x, scale, bias, self.epsilon)


class LayerNorm(nn.Module):
  """Normalisation of each example over all its entries.

  Scale and bias are per channel, as in WGAN-GP's critics, where BatchNorm would tie the examples
  whose gradients are penalised one by one.
  """

  epsilon: float = 1e-5
  scale_init: Initializer = nn.initializers.ones

  def axes(self, x: Array) -> tuple[int, ...]:
    """What a mean is taken over."""
    return tuple(range(1, x.ndim))

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,...,C] -> the same shape."""
    axes, dtype = self.axes(x), x.dtype
    x = x.astype(jnp.promote_types(dtype, jnp.float32))
    mean = jnp.mean(x, axes, keepdims=True)
    var = jnp.mean(jnp.square(x - mean), axes, keepdims=True)
    scale = self.param('scale', self.scale_init, x.shape[-1:])
    bias = self.param('bias', nn.initializers.zeros, x.shape[-1:])
    x = (x - mean) * jax.lax.rsqrt(var + self.epsilon)
    return (x * norm.rows(scale, x) + norm.rows(bias, x)).astype(dtype)


class InstanceNorm(LayerNorm):
  """Normalisation of each channel of each example (Ulyanov et al. 2016).

  That is BatchNorm for a batch of one, with the same weights, but it does the same in any batch.
  """

  scale_init: Initializer = lambda key, shape: _around_one(key, shape)

  def axes(self, x: Array) -> tuple[int, ...]:
    """What a mean is taken over."""
    return tuple(range(1, x.ndim - 1))


class Dropout(nn.Module):
  """Entries kept with probability `keep` and divided by it; without a key, the identity."""

  keep: float

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,...] -> the same shape."""
    if self.keep == 1 or not self.has_rng('dropout'):
      return x
    kept = random.bernoulli(self.make_rng('dropout'), self.keep, x.shape)
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
    return x + norm.rows(self.param('bias', nn.initializers.zeros, (self.features,)), x)


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
  if kind == 'instance':
    return InstanceNorm(epsilon)(x)
  if kind == 'none':
    return x
  raise InputError(f"norm={kind!r} is none of 'batch', 'layer', 'instance', 'none'.")


def activation(name: str) -> Callable[[Array], Array]:
  """'relu', 'sigmoid', 'tanh', 'linear' or any other function of jax.nn."""
  function = getattr(jax.nn, 'identity' if name == 'linear' else name, None)
  if not callable(function):
    raise InputError(f"activation {name!r} is neither 'linear' nor a function of jax.nn.")
  return function


def is_told(label: Array | None, classes: int) -> TypeGuard[Array]:
  """Whether a network is told the class; InputError for classes and no label, or the reverse."""
  if (label is None) != (classes == 0):
    raise InputError(
      f'a network with classes={classes} was given {"no" if label is None else "a"} label: name '
      "'label' in its inputs and the number of classes, or neither."
    )
  return label is not None


def with_label(x: Array, label: Array | None, classes: int) -> Array:
  """x f32[B,...,C], label i32[B] -> f32[B,...,C+classes]: the one-hot code beside every entry."""
  if not is_told(label, classes):
    return x
  code = jax.nn.one_hot(label, classes, dtype=x.dtype)
  code = code.reshape(x.shape[0], *(1,) * (x.ndim - 2), classes)
  return jnp.concatenate([x, jnp.broadcast_to(code, (*x.shape[:-1], classes))], axis=-1)


Heads = Mapping[str, int]  # name -> width


def verdict(
  hidden: Sequence[Array], heads: Heads | None, kernel_init: Initializer, use_bias: bool = True
) -> Any:
  """What a discriminator returns of its hidden layers f32[B,...]: the logit f32[B] of the last.

  With `heads`, a dict: the 'logit', f32[B,width] of each head, a linear map of the same last layer
  (`dict(classes=10)`, or `dict()` for none), and for losses that compare what D sees, 'features',
  that layer f32[B,F], and 'hidden', all of them. What a loss does not use is not computed.
  """
  features = hidden[-1].reshape(len(hidden[-1]), -1)
  logit = Dense(1, use_bias=use_bias, kernel_init=kernel_init)(features)[:, 0]
  if heads is None:
    return logit
  told = {name: Dense(n, name=name, kernel_init=kernel_init)(features) for name, n in heads.items()}
  return {'logit': logit, 'features': features, 'hidden': tuple(hidden), **told}


def per_layer(value: Any, n: int, name: str) -> Sequence:
  """A value for each of n layers: the sequence that was given, or the one value n times."""
  if not isinstance(value, tuple | list):
    return (value,) * n
  if len(value) != n:
    raise InputError(f'{name}={value!r} has {len(value)} entries for {n} layers.')
  return value


def _around_one(key: Key, shape: Sequence[int]) -> Array:
  """BatchNorm gains ~ N(1, .02) (Radford et al. 2015)."""
  return 1 + 0.02 * jax.random.normal(key, shape)
