"""Matrix products with narrow operands and wide sums, differentiable to any order.

JAX differentiates a product of bfloat16 operands that is summed in float32 into products with
float32 operands, which cost a CPU or GPU what bfloat16 was to save. Here every derivative is again
a product like the first.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.game import Array
from gan_jax.ops.varying import alike


def wide(a: Array, b: Array, i: int, j: int) -> Array:
  """The product of two matrices over axis i of a and j of b, in float32 at least."""
  dtype = jnp.promote_types(a.dtype, jnp.float32)
  return lax.dot_general(a, b, (((i,), (j,)), ((), ())), preferred_element_type=dtype)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def narrow(a: Array, b: Array, i: int, j: int) -> Array:
  """The same, rounded once to the operands' own type."""
  return wide(a, b, i, j).astype(a.dtype)


def _backward(i: int, j: int, ab: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
  a, b = ab
  da = narrow(g, b, 1, 1 - j) if i == 1 else narrow(b, g, 1 - j, 1)
  db = narrow(a, g, 1 - i, 0) if j == 0 else narrow(g, a, 0, 1 - i)
  return da, db


narrow.defvjp(lambda a, b, i, j: (narrow(a, b, i, j), (a, b)), _backward)


def dot_general(x: Array, w: Array, dimensions: Any, **options: Any) -> Array:
  """`lax.dot_general` for `flax.linen.Dense`: x [...,K], w [K,N] -> [...,N]."""
  if x.dtype.itemsize >= 4:
    return lax.dot_general(x, w, dimensions, **options)
  flat, w = alike(x.reshape(-1, x.shape[-1]), w)
  return narrow(flat, w, 1, 0).reshape(*x.shape[:-1], w.shape[-1])
