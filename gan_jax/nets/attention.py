"""Self-attention between the positions of an image (Zhang et al. 2019, section 3)."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.game import Array
from gan_jax.nets.layers import Dense
from gan_jax.ops.pool import max_pool

# On the last axis of an image a dense layer is a 1x1 convolution.
conv1 = partial(Dense, use_bias=False, kernel_init=nn.initializers.glorot_uniform())


class Attention(nn.Module):
  """x + gamma o, gamma 0 at first (eq. 3): o at each position is a mean of values from everywhere.

  Queries and keys have C/8 channels, values C/2; keys and values are max-pooled 2x2, as in
  brain-research/self-attention-gan (non_local.py).
  """

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,H,W,C], H and W even, C a multiple of 8 -> the same shape."""
    b, h, w, c = x.shape
    flat = lambda a: a.reshape(b, -1, a.shape[-1])
    query = flat(conv1(max(c // 8, 1), name='query')(x))
    key = flat(max_pool(conv1(max(c // 8, 1), name='key')(x), 2, 2))
    value = flat(max_pool(conv1(max(c // 2, 1), name='value')(x), 2, 2))
    scores = jnp.einsum('bik,bjk->bij', query, key)
    # In float32 whatever the operands, as other sums here.
    share = jax.nn.softmax(scores.astype(jnp.float32), axis=-1).astype(x.dtype)
    seen = jnp.einsum('bij,bjv->biv', share, value).reshape(b, h, w, -1)
    gamma = self.param('gamma', nn.initializers.zeros, ())
    return x + gamma * conv1(c, name='out')(seen)
