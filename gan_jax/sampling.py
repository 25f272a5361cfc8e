"""Samples: the generator with averaged weights and calibrated statistics, at any number of images.

After `calibrate` the same z gives the same image whatever else is in the batch, which BatchNorm
with the batch's own statistics does not.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from gan_jax.data.source import is_picture
from gan_jax.data.transforms import Transform, to_uint8
from gan_jax.errors import InputError
from gan_jax.game import Array, Key, Net, Params, logit
from gan_jax.step import Game, TrainState, effective

Pixels = Array | np.ndarray


class Sampler(NamedTuple):
  """A trained generator, with what is needed to use it.

  generate: the generator's inputs, z f32[N,Z] or label i32[N] or what else it takes -> image
            f32[N,...], in the range that it was trained in; N is free.
  draw:     (key, n) -> image f32[n,...]: z from the prior, labels and examples taken in turn.
  fill:     (key, n) -> the inputs that `draw` makes up.
  prior:    (key, n) -> z f32[n,Z]; None in a game without noise.
  see:      uint8[N,...], as stored -> f32[N,...], as the networks see it.
  display:  image f32[N,...] -> uint8[N,...].
  unit:     image f32[N,...] -> the same in [0, 1], not rounded: what densities are measured on.
  critic:   image f32[N,...] (and label) -> f32[N] by the network called D; None without one, if it
            judges more than images and labels, or if it has BatchNorm, since its scores would be
            of batches and not of images.
  apply:    (network, *inputs, output=None) -> what that network makes of N inputs, by averaged
            weights where there are any: an encoder's codes, say; `output` names the entry wanted of
            one that returns a dict. BatchNorm has the statistics of these very inputs.
  function: (network, *inputs) -> that network as a function of JAX arrays, to be differentiated,
            with the weights of `apply` and, for BatchNorm, the statistics of the inputs; for G,
            without any, what `generate` computes. With key=..., before it learnt anything: by
            weights that are drawn anew.
  round:    rounds played.
  shape:    of one image; () unsaid.
  z_at:     which of the generator's inputs is the z of its prior; None if none is.
  along:    function of (weights, uint8[N,...]) -> (weights, *inputs) -> what it makes of the images
            that `generate` draws of N inputs, a dict, with these themselves as 'image': JAX arrays,
            in one call, compiled once for all states. None of images that are made in several.
  facts:    how it draws, as protocols tell it: which weights, which statistics.
  """

  generate: Callable[..., np.ndarray]
  draw: Callable[[Key, int], np.ndarray]
  fill: Callable[[Key, int], tuple[Array, ...]]
  prior: Callable[[Key, int], Array] | None
  see: Callable[[Pixels], np.ndarray]
  display: Callable[[Pixels], np.ndarray]
  unit: Callable[[Pixels], np.ndarray]
  critic: Callable[..., np.ndarray] | None
  apply: Callable[..., np.ndarray]
  function: Callable[..., Callable]
  round: int
  shape: tuple[int, ...] = ()
  z_at: int | None = None
  along: Callable[[Callable], Callable[..., dict[str, Array]]] | None = None
  facts: Mapping[str, Any] = MappingProxyType({})


def calibrate(net: Net, params: Params, *batches: Array) -> Params:
  """`params` with normalisation statistics put in: their means over n batches of inputs.

  `batches` are the network's inputs with a leading axis, [n,B,...]. The authors of DCGAN found
  their statistics in such a separate pass. A network without BatchNorm comes back as it is.
  """
  if net.statistics is None:
    return params
  found = jax.lax.map(lambda inputs: net.statistics(params, *inputs), batches)
  return merge(params, jax.tree.map(lambda leaf: jnp.mean(leaf, axis=0), found))


def fresh(net: Net, key: Key) -> Params:
  """The weights that a network is applied with before it learns anything."""
  params = net.init(key)
  return net.reparam(params, net.reparam_init(key, params))[0] if net.reparam else params


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
  prior: Callable[[Key, int], Array] | None,
  seen: Transform,
  *,
  inputs: Sequence[str] = ('z',),
  examples: Mapping[str, np.ndarray] | None = None,
  classes: int = 0,
  batch: int = 64,
  calibration: int = 16,
  generator: str = 'G',
  critic: str = 'D',
) -> Callable[[TrainState], Sampler]:
  """state -> Sampler; what it compiles is compiled once for all states.

  `inputs` are the generator's: 'z', 'label' and columns of the data, as stored, of which `examples`
  has some. `calibration` batches of `batch` draws give BatchNorm its statistics. `critic` is the
  network that scores images, '' if none does. Raises InputError for inputs that there is nothing
  to make of.
  """
  examples = examples or {}
  made = ('z',) if prior else ()
  if missing := [name for name in inputs if name not in (*made, 'label', *examples)]:
    raise InputError(
      f'samples are made from z, labels and examples of the data; {generator} takes '
      f'{", ".join(missing)}, of which there are none.'
    )
  net = game.nets[generator]
  show = jax.jit(lambda x: to_uint8(seen.display(x)))
  unit = jax.jit(lambda x: jnp.clip(seen.display(x) / 255, 0, 1))
  see = jax.jit(lambda x: seen.apply(x, jax.random.key(0)))
  scores = critic in game.nets and game.nets[critic].statistics is None
  score = jax.jit(lambda params, *x: logit(game.nets[critic].apply(params, *x)))
  look = lru_cache(None)(lambda name, output: jax.jit(partial(_entry, game.nets[name], output)))
  onward = lru_cache(8)(lambda function: jax.jit(partial(_along, net, seen, function)))
  # In one piece: as the first picture is drawn, compiling it bit by bit would take seconds.
  noise = jax.jit(prior, static_argnums=1) if prior else None

  def fill(key: Key, n: int) -> tuple[Array, ...]:
    """The generator's inputs for n images."""
    turn = jnp.arange(n, dtype=jnp.int32)
    column = lambda name: jnp.asarray(examples[name])[turn % len(examples[name])]
    of: dict[str, Callable[[], Array]] = {
      'z': lambda: noise(key, n),  # type: ignore[misc]
      'label': lambda: turn % max(classes, 1),
      **{name: partial(column, name) for name in examples},
    }
    pictures = lambda name, a: see(a) if name in examples and is_picture(name, a) else a
    return tuple(pictures(name, of[name]()) for name in inputs)

  one = lambda params: net.apply(params, *fill(jax.random.key(0), 1))
  told = {'statistics': f'of {calibration} x {batch} draws'} if net.statistics else {}

  @jax.jit
  def ready(state: TrainState) -> tuple[dict[str, Params], Params, Params]:
    weights, _ = effective(game.nets, {**state.params, **state.ema}, state.reparam)
    raw, _ = effective(game.nets, state.params, state.reparam)
    draws = jax.vmap(lambda key: fill(key, batch))(jax.random.split(jax.random.key(0), calibration))
    return weights, calibrate(net, weights[generator], *draws), raw.get(critic)

  def bind(state: TrainState) -> Sampler:
    weights, params, d_params = ready(state)
    made_of = look(generator, None)
    shape = tuple(jax.eval_shape(one, params).shape[1:])

    def generate(*given: Any) -> np.ndarray:
      return in_chunks(lambda *part: made_of(params, *part), batch, *given)

    def fitted(name: str, *given: Any, key: Key | None = None) -> Params:
      if name not in game.nets:
        raise InputError(f'this game has no network {name!r}; it has {", ".join(game.nets)}.')
      if not given and key is None:
        return params if name == generator else weights[name]
      own = weights[name] if key is None else fresh(game.nets[name], key)
      return calibrate(game.nets[name], own, *_batches(given, batch, calibration)) if given else own

    def apply(name: str, *given: Any, output: str | None = None) -> np.ndarray:
      own = fitted(name, *given)
      return in_chunks(lambda *part: look(name, output)(own, *part), batch, *given)

    def function(name: str, *given: Any, key: Key | None = None) -> Callable:
      own = fitted(name, *given, key=key)
      return partial(game.nets[name].apply, own)

    return Sampler(
      generate=generate,
      draw=lambda key, n: generate(*fill(key, n)),
      fill=fill,
      prior=prior,
      see=lambda x: in_chunks(see, batch, x),
      display=lambda x: in_chunks(show, batch, x),
      unit=lambda x: in_chunks(unit, batch, x),
      critic=(lambda *x: in_chunks(lambda *part: score(d_params, *part), batch, *x))
      if scores
      else None,
      apply=apply,
      function=function,
      round=int(state.step),
      shape=shape,
      z_at=inputs.index('z') if 'z' in inputs else None,
      along=partial(_carried, onward, params) if len(shape) == 3 else None,
      facts=dict(weights='averaged' if generator in state.ema else 'of the round', **told),
    )

  return bind


def still(images: np.ndarray, label: np.ndarray | None = None) -> Sampler:
  """A sampler that draws the first n of these, whatever the key: uint8[N,H,W,C], label i32[N].

  What takes networks is refused with an InputError, and None where that can be. Of more images than
  there are it draws those that there are.
  """
  seen = lambda x: np.asarray(x, np.float32) / 255
  told = () if label is None else (jnp.asarray(label, jnp.int32),)
  fill = lambda key, n: (jnp.arange(min(n, len(images)))[:, None], *(a[:n] for a in told))
  generate = lambda rows, *_: seen(images[np.asarray(rows)[:, 0]])
  return Sampler(
    generate=generate,
    draw=lambda key, n: generate(*fill(key, n)),
    fill=fill,
    prior=None,
    see=seen,
    display=lambda x: np.clip(np.round(np.asarray(x) * 255), 0, 255).astype(np.uint8),
    unit=np.asarray,
    critic=None,
    apply=_no_networks,
    function=_no_networks,
    round=0,
    shape=tuple(images.shape[1:]),
  )


def _no_networks(*given: Any, **options: Any) -> Any:
  raise InputError('this takes the networks of a run, and there are only images here.')


def _carried(onward: Callable, params: Params, function: Callable) -> Callable[..., dict]:
  """onward(function) of these params, copied once to the devices that its inputs are on."""
  held: dict[Any, Params] = {}

  def call(weights: Any, *given: Array) -> dict[str, Array]:
    there = getattr(given[0], 'sharding', None)
    if there not in held:
      held[there] = params
      if isinstance(there, NamedSharding):
        held[there] = jax.device_put(params, NamedSharding(there.mesh, PartitionSpec()))
    return onward(function)(held[there], weights, *given)

  return call


def _along(
  net: Net, seen: Transform, function: Callable, params: Params, weights: Any, *given: Array
) -> dict[str, Array]:
  """The images that G draws, as shown, and what the function makes of them."""
  image = to_uint8(seen.display(net.apply(params, *given)))
  return {'image': image, **function(weights, image)}


def _entry(net: Net, output: str | None, params: Params, *inputs: Array) -> Array:
  """What a network returns, or one entry of it; what is not asked for is not computed."""
  out = net.apply(params, *inputs)
  if output is None:
    return out
  if not isinstance(out, Mapping) or output not in out:
    told = f'a dict of {", ".join(out)}' if isinstance(out, Mapping) else 'an array'
    raise InputError(f'{output!r} is asked for of a network that returns {told}.')
  return out[output]


def _batches(given: Sequence[Any], size: int, most: int) -> list[Array]:
  """The first of the inputs as at most `most` batches of `size`, or one of what there is."""
  n = len(given[0])
  size = min(size, n)
  count = min(most, n // size)
  return [jnp.asarray(a[: count * size]).reshape(count, size, *a.shape[1:]) for a in given]


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


def label_at(given: Sequence[Any]) -> int:
  """Where among a generator's inputs the label i32[N] is; InputError if it is told none."""
  found = [i for i, a in enumerate(given) if a.ndim == 1 and np.issubdtype(a.dtype, np.integer)]
  if not found:
    raise InputError("this generator is told no class: its inputs lack 'label'.")
  return found[0]
