"""What custom derivatives must know of `shard_map`."""

from typing import Any

import jax
from jax import lax

from gan_jax.game import Array


def alike(x: Array, k: Array) -> tuple[Array, Array]:
  """Both arrays as they are; inside `shard_map`, both varying over the same mesh axes.

  There a kernel that all devices share has as its derivative a sum over devices. JAX adds that sum
  where a shared array becomes a varying one, and it cannot look for that place inside our rules.
  """
  if varying(x) == varying(k):
    return x, k
  nothing = [lax.stop_gradient(a)[:0].sum() for a in (x, k)]  # 0, but varying as a does
  return x + nothing[1], k + nothing[0]


def varying(a: Array) -> Any:
  """The mesh axes that an array varies over inside `shard_map`; jax 0.7 says vma, 0.10 mat."""
  kind = jax.typeof(a)
  return getattr(kind, 'mat', getattr(kind, 'vma', None))
