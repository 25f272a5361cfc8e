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
def test_value_gradient_and_second_gradient(shape):
  x = 2 * jax.random.normal(jax.random.key(0), shape) + 1
  scale, bias = jax.random.normal(jax.random.key(1), (2, 4))

  def tangle(f):
    value = lambda *given: jnp.sum(jnp.sin(f(*given, 1e-3)))
    slopes = jax.grad(value, (0, 1, 2))
    penalty = jax.grad(lambda *given: sum(jnp.sum(s**2) for s in slopes(*given)), (0, 1, 2))
    return jax.jit(lambda *given: (f(*given, 1e-3), slopes(*given), penalty(*given)))

  ours, theirs = (tangle(f)(x, scale, bias) for f in (norm.batch_norm, definition))
  for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
    np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4)


def test_bfloat16_is_normalised_in_float32():
  x = (1000 + jax.random.normal(jax.random.key(0), (4096, 2))).astype(jnp.bfloat16)
  y = norm.batch_norm(x, jnp.ones(2), jnp.zeros(2), 1e-5)
  assert y.dtype == jnp.bfloat16
  exact = definition(x.astype(jnp.float32), jnp.ones(2), jnp.zeros(2), 1e-5)
  np.testing.assert_allclose(y.astype(jnp.float32), exact, atol=0.02)
