"""Spectral norm as a reparametrisation of the weights (Miyato et al. 2018), not as a layer."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict, unflatten_dict

from gan_jax.game import Array, Key, Params


def spectral_norm(leaves: Sequence[str] = ('kernel',)) -> dict[str, Callable]:
  """Arguments for `layers.net` that divide each kernel W by its largest singular value.

  W is taken as a matrix f32[rest, out]. u f32[out] is remembered; each call makes one step of power
  iteration and divides by sigma = v·W u, with u and v constants under differentiation (eq. 19, 20
  and algorithm 1 of the paper). Each kernel starts from its own u ~ N(0, I).
  """

  def reparam_init(key: Key, params: Params) -> Any:
    kernels = {path: w for path, w in flatten_dict(params).items() if path[-1] in leaves}
    keys = jax.random.split(key, max(len(kernels), 1))
    return unflatten_dict(
      {
        path: unit(jax.random.normal(k, w.shape[-1:]))
        for k, (path, w) in zip(keys, kernels.items(), strict=False)
      }
    )

  def reparam(params: Params, us: Any) -> tuple[Params, Any]:
    weights, us = flatten_dict(params), flatten_dict(us)
    steps = {path: divide(weights[path], u) for path, u in us.items()}
    divided = {path: w for path, (w, _) in steps.items()}
    advanced = {path: u for path, (_, u) in steps.items()}
    return unflatten_dict(weights | divided), unflatten_dict(advanced)

  return {'reparam': reparam, 'reparam_init': reparam_init}


def divide(w: Array, u: Array) -> tuple[Array, Array]:
  """w f32[...,O], u f32[O] -> (w / sigma, the next u)."""
  matrix = w.reshape(-1, w.shape[-1])
  fixed = jax.lax.stop_gradient(matrix)
  v = unit(fixed @ u)
  u = unit(v @ fixed)
  return w / (v @ matrix @ u), u


def unit(v: Array) -> Array:
  """v f32[N] -> v / |v|, and 0 for 0."""
  return v / (jnp.linalg.norm(v) + 1e-12)
