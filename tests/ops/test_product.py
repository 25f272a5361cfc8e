"""Products of narrow operands."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.ops import product


@pytest.mark.parametrize('i', [0, 1])
@pytest.mark.parametrize('j', [0, 1])
def test_derivatives_of_both_orders(i, j):
  a = jax.random.normal(jax.random.key(0), (3, 4) if i else (4, 3))
  b = jax.random.normal(jax.random.key(1), (5, 4) if j else (4, 5))
  plain = lambda a, b: (a if i else a.T) @ (b.T if j else b)

  def tangle(f):
    value = lambda a, b: jnp.sum(jnp.sin(f(a, b)))
    penalty = lambda a, b: sum(jnp.sum(s**2) for s in jax.grad(value, (0, 1))(a, b))
    return f(a, b), jax.grad(value, (0, 1))(a, b), jax.grad(penalty, (0, 1))(a, b)

  ours, theirs = tangle(lambda a, b: product.narrow(a, b, i, j)), tangle(plain)
  for x, y in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
    np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)


def test_long_sums_are_not_narrow():
  """4,096 ones: a sum kept in bfloat16 would stop at 256."""
  ones = jnp.ones((1, 4096), jnp.bfloat16)
  assert product.narrow(ones, ones.T, 1, 0)[0, 0] == 4096
