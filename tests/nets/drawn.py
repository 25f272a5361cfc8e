"""Weights and examples from NumPy, for which nothing is compiled."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import numpy as np

from gan_jax.game import Net


def shapes(module: nn.Module, *examples: jax.ShapeDtypeStruct) -> Any:
  """The shapes of a module's weights, for inputs of these shapes."""
  return jax.eval_shape(module.init, jax.random.key(0), *examples)['params']


def size(tree: Any) -> int:
  """How many numbers all leaves of a tree have."""
  return sum(leaf.size for leaf in jax.tree.leaves(tree))


def weights(net: Net, seed: int = 0) -> Any:
  """Weights of the shapes and types of a network's own, N(0, 1 / fan in), none of them 0.

  To compile an initialisation takes several times as long as to compile the network. Where a test
  is not about how a network starts, these do as well, and better where a network starts with zeros.
  """
  rng = np.random.default_rng(seed)

  def one(a: jax.ShapeDtypeStruct) -> np.ndarray:
    fan_in = max(1, int(np.prod(a.shape[:-1])))
    return rng.normal(0, fan_in**-0.5, a.shape).astype(a.dtype)

  return jax.tree.map(one, jax.eval_shape(net.init, jax.random.key(0)))


def normal(*shape: int, seed: int = 0) -> np.ndarray:
  """f32[shape], each entry N(0, 1)."""
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def spec(shape: Sequence[int], dtype: Any = np.float32) -> jax.ShapeDtypeStruct:
  """What stands for an array where only its shape and type are asked for."""
  return jax.ShapeDtypeStruct(tuple(shape), dtype)
