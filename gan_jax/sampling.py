"""Samples: the generator with averaged weights and calibrated statistics, at any number of images.

After `calibrate` the same z gives the same image whatever else is in the batch, which BatchNorm
with the batch's own statistics does not.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.transforms import to_uint8
from gan_jax.errors import InputError
from gan_jax.game import Array, Key, Net, Params
from gan_jax.step import Game, TrainState, effective

Pixels = Array | np.ndarray


class Sampler(NamedTuple):
  """A trained generator, with what is needed to use it.

  generate: z f32[N,Z] (and label i32[N], where the generator takes one) -> image f32[N,...], in
            the range that it was trained in; N is free.
  draw:     (key, n) -> image f32[n,...], from the prior, labels taken in turn.
  prior:    (key, n) -> z f32[n,Z].
  display:  image f32[N,...] -> uint8[N,...].
  unit:     image f32[N,...] -> the same in [0, 1], not rounded: what densities are measured on.
  critic:   image f32[N,...] (and label) -> f32[N] by the network called D; None without one, or
            if it has BatchNorm, since its scores would be of batches and not of images.
  round:    rounds played.
  """

  generate: Callable[..., np.ndarray]
  draw: Callable[[Key, int], np.ndarray]
  prior: Callable[[Key, int], Array]
  display: Callable[[Pixels], np.ndarray]
  unit: Callable[[Pixels], np.ndarray]
  critic: Callable[..., np.ndarray] | None
  round: int


def calibrate(net: Net, params: Params, *batches: Array) -> Params:
  """`params` with normalisation statistics put in: their means over n batches of inputs.

  `batches` are the network's inputs with a leading axis, [n,B,...]. The authors of DCGAN found
  their statistics in such a separate pass. A network without BatchNorm comes back as it is.
  """
  if net.statistics is None:
    return params
  found = jax.lax.map(lambda inputs: net.statistics(params, *inputs), batches)
  return merge(params, jax.tree.map(lambda leaf: jnp.mean(leaf, axis=0), found))


def merge(params: Params, more: Params) -> Params:
  """Two trees of dicts as one; `more` wins where both have a leaf."""
  if not isinstance(params, Mapping):
    return more
  out = dict(params)
  for name, value in more.items():
    out[name] = merge(out[name], value) if name in out else value
  return out


def make_sampler(
  game: Game,
  prior: Callable[[Key, int], Array],
  display: Callable[[Array], Array],
  *,
  inputs: Sequence[str] = ('z',),
  classes: int = 0,
  batch: int = 64,
  calibration: int = 16,
  generator: str = 'G',
) -> Callable[[TrainState], Sampler]:
  """state -> Sampler; what it compiles is compiled once for all states.

  `inputs` are the generator's: 'z' alone, or 'z' and 'label'. `calibration` batches of `batch`
  draws give BatchNorm its statistics. Raises InputError for inputs that it cannot make up.
  """
  if tuple(inputs) not in (('z',), ('z', 'label')):
    raise InputError(f'samples are made from z, or from z and label; {generator} takes {inputs}.')
  net = game.nets[generator]
  apply = jax.jit(lambda params, *given: net.apply(params, *given))
  scores = 'D' in game.nets and game.nets['D'].statistics is None
  critic = jax.jit(game.nets['D'].apply) if scores else None
  show = jax.jit(lambda x: to_uint8(display(x)))
  unit = jax.jit(lambda x: jnp.clip(display(x) / 255, 0, 1))

  def fill(key: Key, n: int) -> tuple[Array, ...]:
    labels = (jnp.arange(n, dtype=jnp.int32) % max(classes, 1),) if 'label' in inputs else ()
    return (prior(key, n), *labels)

  @jax.jit
  def ready(state: TrainState) -> tuple[Params, Params]:
    weights, _ = effective(game.nets, {**state.params, **state.ema}, state.reparam)
    raw, _ = effective(game.nets, state.params, state.reparam)
    draws = jax.vmap(lambda key: fill(key, batch))(jax.random.split(jax.random.key(0), calibration))
    return calibrate(net, weights[generator], *draws), raw.get('D')

  def bind(state: TrainState) -> Sampler:
    params, d_params = ready(state)

    def generate(*given: Any) -> np.ndarray:
      return in_chunks(lambda *part: apply(params, *part), batch, *given)

    return Sampler(
      generate=generate,
      draw=lambda key, n: generate(*fill(key, n)),
      prior=prior,
      display=lambda x: in_chunks(show, batch, x),
      unit=lambda x: in_chunks(unit, batch, x),
      critic=critic and (lambda *x: in_chunks(lambda *part: critic(d_params, *part), batch, *x)),
      round=int(state.step),
    )

  return bind


def in_chunks(function: Callable[..., Array], size: int, *arrays: Any) -> np.ndarray:
  """function(*arrays), computed `size` rows at a time, so that any number compiles once."""
  n = len(arrays[0])
  out = []
  for start in range(0, max(n, 1), size):
    part = [np.asarray(a[start : start + size]) for a in arrays]
    short = size - len(part[0])
    padded = [np.pad(p, [(0, short)] + [(0, 0)] * (p.ndim - 1)) for p in part]
    out.append(np.asarray(function(*padded))[: size - short])
  return np.concatenate(out)
