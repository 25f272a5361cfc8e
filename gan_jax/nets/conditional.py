"""What a network makes of a class besides a one-hot code: gains of its own, and a projection.

Both are linear in the one-hot code y: see `layers.with_label` for the code itself.
"""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.game import Array
from gan_jax.nets.layers import BatchNorm, Dense, Initializer, is_told


class ConditionalBatchNorm(nn.Module):
  """BatchNorm with a scale and a bias for each class (Dumoulin et al. 2017; Miyato & Koyama 2018).

  The mean and the variance are those of the whole batch. Scales start at 1, biases at 0.
  """

  classes: int
  epsilon: float = 1e-5

  @nn.compact
  def __call__(self, x: Array, label: Array) -> Array:
    """x f32[B,...,C], label i32[B] -> the same shape as x."""
    shape = (self.classes, x.shape[-1])
    scale = self.param('scale', nn.initializers.ones, shape)
    bias = self.param('bias', nn.initializers.zeros, shape)
    own = lambda table: table[label].reshape(x.shape[0], *(1,) * (x.ndim - 2), -1)
    y = BatchNorm(self.epsilon, affine=False)(x)
    return (y * own(scale) + own(bias)).astype(x.dtype)


class Projection(nn.Module):
  """<V y, phi>, the class's share of D's verdict (Miyato & Koyama 2018, section 3).

  V is the kernel of a linear map of the one-hot code, so spectral norm finds it as it finds others.
  """

  classes: int
  kernel_init: Initializer = nn.initializers.glorot_uniform()

  @nn.compact
  def __call__(self, features: Array, label: Array) -> Array:
    """features phi f32[B,F], label i32[B] -> f32[B]."""
    y = jax.nn.one_hot(label, self.classes, dtype=features.dtype)
    V = Dense(features.shape[-1], use_bias=False, kernel_init=self.kernel_init)
    return jnp.sum(V(y) * features, axis=-1)


def batch_norm(x: Array, label: Array | None, classes: int, epsilon: float = 1e-5) -> Array:
  """x f32[B,...,C] -> the same shape, by the class's scale and bias where there are classes."""
  if is_told(label, classes):
    return ConditionalBatchNorm(classes, epsilon)(x, label)
  return BatchNorm(epsilon)(x)


def projected(out: Any, phi: Array, label: Array | None, classes: int) -> Any:
  """A `layers.verdict` of features phi, to whose logit the class's share is added, if told one."""
  if not is_told(label, classes):
    return out
  own = Projection(classes)(phi, label)
  return {**out, 'logit': out['logit'] + own} if isinstance(out, Mapping) else out + own
