"""Minibatch discrimination (Salimans et al. 2016, section 3.2): a layer that compares examples."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.game import Array
from gan_jax.ops import product

EPSILON = 1e-12  # under the root: the authors have none there


class MinibatchDiscrimination(nn.Module):
  """Beside each example's features, how near the others of its minibatch are to it.

  With M_i = f(x_i) T, of one row of `dims` numbers for each of `kernels` kernels b,

    o(x_i)_b = sum_{j != i} exp(-|M_ib - M_jb|_1),

  and a bias. As in the authors' code (their MinibatchLayer) T is normalised, the weights into each
  of its numbers having the length e^s with s learnt; initialised on examples of the data (`fit` in
  the config of a net), half the mean distance to the nearest neighbour is 1 in every kernel, and
  o has the mean 0 over them. The paper's sum includes j = i, which is 1 always.
  """

  kernels: int = 100
  dims: int = 5

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,F] -> f32[B,F+kernels]."""
    shape = (x.shape[-1], self.kernels * self.dims)
    v = self.param('kernel', nn.initializers.normal(0.05), shape)
    wide = v.astype(jnp.promote_types(v.dtype, jnp.float32))
    unit = wide * jax.lax.rsqrt(jnp.sum(wide**2, axis=0, keepdims=True) + EPSILON)

    def rows(lengths: Array) -> Array:
      """M for T of these lengths f32[kernels,dims]: f32[B,kernels,dims]."""
      t = (unit * lengths.reshape(1, -1)).astype(x.dtype)
      return product.dot_general(x, t, (((1,), (0,)), ((), ()))).reshape(x.shape[0], *lengths.shape)

    ones = jnp.ones((self.kernels, self.dims))
    s = self.param('log_scale', lambda key: -jnp.log(spacing(rows(ones)))[:, None] * ones)
    o = nearness(rows(jnp.exp(s)))
    b = self.param('bias', lambda key: -jnp.mean(o, axis=0))
    return jnp.concatenate([x, (o + b[None]).astype(x.dtype)], axis=1)


def distances(m: Array) -> Array:
  """m f32[B,kernels,dims] -> |m_i - m_j|_1 in each kernel, f32[B,B,kernels]."""
  return jnp.sum(jnp.abs(m[:, None] - m[None]), axis=3)


def others(n: int) -> Array:
  """bool[n,n,1]: who is another than whom."""
  return ~jnp.eye(n, dtype=bool)[:, :, None]


def nearness(m: Array) -> Array:
  """m f32[B,kernels,dims] -> o f32[B,kernels]."""
  return jnp.sum(jnp.where(others(len(m)), jnp.exp(-distances(m)), 0.0), axis=1)


def spacing(m: Array) -> Array:
  """Half the mean distance to the nearest neighbour in each kernel, f32[kernels]; 1 if it is 0."""
  nearest = jnp.min(jnp.where(others(len(m)), distances(m), jnp.inf), axis=1)
  half = jnp.mean(nearest, axis=0) / 2
  return jnp.where((half > 0) & jnp.isfinite(half), half, 1.0)
