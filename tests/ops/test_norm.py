"""Batch normalisation with its own derivative against what JAX makes of its definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.ops import norm


def definition(x, scale, bias, epsilon):
  axes = tuple(range(x.ndim - 1))
  mean = x.mean(axes, keepdims=True)
  var = ((x - mean) ** 2).mean(axes, keepdims=True)
  return (x - mean) / jnp.sqrt(var + epsilon) * norm.rows(scale, x) + norm.rows(bias, x)


@pytest.mark.parametrize('shape', [(6, 4), (2, 3, 5, 4)])
def test_batch_norm_has_the_value_and_gradients_of_its_definition(shape):
  rng = np.random.default_rng(0)
  x = np.float32(2 * rng.normal(size=shape) + 1)
  scale, bias = np.float32(rng.normal(size=(2, 4)))

  def tangle(f, *given):
    """The value, its gradient and the gradient of a gradient penalty."""

    def value(*given):
      y = f(*given, 1e-3)
      return jnp.sum(jnp.sin(y)), y

    def penalty(*given):
      slopes, y = jax.grad(value, (0, 1, 2), has_aux=True)(*given)
      return sum(jnp.sum(s**2) for s in slopes), (y, slopes)

    return jax.grad(penalty, (0, 1, 2), has_aux=True)(*given)

  both = jax.jit(lambda *given: [tangle(f, *given) for f in (norm.batch_norm, definition)])
  ours, theirs = both(x, scale, bias)
  for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
    np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4)


def test_batch_norm_normalises_bfloat16_in_float32():
  x = (1000 + np.random.default_rng(0).normal(size=(4096, 2))).astype(jnp.bfloat16)
  ones, zeros = np.ones(2, np.float32), np.zeros(2, np.float32)
  y = jax.jit(norm.batch_norm, static_argnums=3)(x, ones, zeros, 1e-5)
  assert y.dtype == jnp.bfloat16
  wide = np.float64(x)
  exact = (wide - wide.mean(0)) / np.sqrt(wide.var(0) + 1e-5)
  np.testing.assert_allclose(np.float32(y), exact, atol=0.02)
