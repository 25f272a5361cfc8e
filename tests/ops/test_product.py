"""Products of narrow operands."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.ops import product


@pytest.mark.parametrize('i', [0, 1])
@pytest.mark.parametrize('j', [0, 1])
def test_narrow_has_the_derivatives_of_both_orders(i, j):
  rng = np.random.default_rng(0)
  a = np.float32(rng.normal(size=(3, 4) if i else (4, 3)))
  b = np.float32(rng.normal(size=(5, 4) if j else (4, 5)))
  plain = lambda a, b: (a if i else a.T) @ (b.T if j else b)

  def tangle(f, a, b):
    value = lambda a, b: jnp.sum(jnp.sin(f(a, b)))
    penalty = lambda a, b: sum(jnp.sum(s**2) for s in jax.grad(value, (0, 1))(a, b))
    return f(a, b), jax.grad(value, (0, 1))(a, b), jax.grad(penalty, (0, 1))(a, b)

  narrow = lambda a, b: product.narrow(a, b, i, j)
  ours, theirs = jax.jit(lambda a, b: [tangle(f, a, b) for f in (narrow, plain)])(a, b)
  for x, y in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
    np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)


def test_narrow_sums_in_float32():
  """4,096 ones: a sum kept in bfloat16 would stop at 256."""
  ones = np.ones((1, 4096), jnp.bfloat16)
  total = jax.jit(lambda a, b: product.narrow(a, b, 1, 0))(ones, ones.T)
  assert total.dtype == jnp.bfloat16
  assert np.float32(total) == 4096
