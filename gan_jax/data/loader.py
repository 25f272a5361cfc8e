"""Batches as pure functions of (seed, round): there is no iterator, and nothing to save.

A feed has two halves. `inputs(round)` runs on the host and returns what a compiled call that starts
at that round is handed; `batches(inputs, i, round)` runs inside that call and returns the
minibatches of its i-th round, leaves [k,B,...]. The feeds here all give the same batches.

A population of N runs, each with a seed of its own, shares the resident set, or has its streamed
batches gathered N times over; inside the call each member sees what its run alone would see.

A set may be divided into equal parts, of each of which a batch takes equally many, in an order of
its own. Then each device need hold only its share of the parts, and what is drawn does not depend
on how many devices there are.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec, Sharding

from gan_jax.data.order import LIMIT, order
from gan_jax.data.source import Source, is_picture
from gan_jax.data.transforms import Transform
from gan_jax.errors import InputError
from gan_jax.game import Array, Batch, Key

Arrays = Mapping[str, Any]


class Feed(NamedTuple):
  """How a compiled call gets its minibatches."""

  inputs: Callable[[int], Arrays]  # first round of a call -> arrays on the devices
  batches: Callable[..., Arrays]  # (inputs, round in call, round, seed=plan's) -> [k,B,...]
  close: Callable[[], None]
  shared: bool  # whether the members of a population are all handed the same inputs


class Plan(NamedTuple):
  """How much is drawn: k minibatches of `batch` in each round, `rounds` rounds to a call."""

  seed: int
  batch: int
  k: int
  rounds: int  # per call
  parts: int = 1  # of the set


# How an array of a shape and dtype, of which `part` gives what is at an index, comes to lie.
Place = Callable[..., Any]

PART = 0x27D4EB2F  # between the seeds of two parts


def check(source: Source, plan: Plan, total_rounds: int) -> None:
  """Raises InputError if the run cannot be fed from this source."""
  if not len(source):
    raise InputError(f'{source.meta.get("name", "the data set")} holds no examples.')
  if total_rounds * plan.k * plan.batch >= LIMIT:
    raise InputError(
      f'{total_rounds} rounds of {plan.k} x {plan.batch} examples are more than the {LIMIT} that '
      'one run can count; take fewer rounds, or several runs.'
    )
  if plan.parts < 1 or plan.batch % plan.parts or plan.parts > len(source):
    raise InputError(
      f'resident_parts={plan.parts}: a batch of {plan.batch} takes equally many examples of every '
      f'part, so it must divide {plan.batch}, and be no more than the {len(source)} examples.'
    )


def rows(plan: Plan, seed: Any, rounds: Any, n: int) -> Any:
  """Which of n examples `rounds`, uint32[R] of numpy or jax, show: uint32[R,k,B].

  What is left over when n is divided among the parts, fewer than these, is not shown.
  """
  size, at = n // plan.parts, positions(plan, rounds)
  found = [
    order(_part_seed(seed, part), at, size) + np.uint32(part * size) for part in range(plan.parts)
  ]
  together = jnp.concatenate if isinstance(found[0], jax.Array) else np.concatenate
  return together(found, axis=-1) if plan.parts > 1 else found[0]


def positions(plan: Plan, rounds: Any) -> Any:
  """Where in the endless sequence of a part its examples of `rounds` stand: uint32[R,k,B/parts]."""
  each = plan.batch // plan.parts
  within = np.arange(plan.k * each, dtype=np.uint32).reshape(1, plan.k, each)
  return rounds[:, None, None] * np.uint32(plan.k * each) + within


def _part_seed(seed: Any, part: Any) -> Any:
  """An int for ints, else uint32[]."""
  if isinstance(seed, jax.Array) or isinstance(part, jax.Array):
    low = seed if isinstance(seed, jax.Array) else np.uint32(seed & 0xFFFFFFFF)
    return low + jnp.asarray(part, jnp.uint32) * np.uint32(PART)
  return seed + part * PART


def resident(source: Source, plan: Plan, sharding: Sharding, place: Place | None = None) -> Feed:
  """The whole set lies on the devices and is sampled inside the call."""
  lie = partial(place or placed, sharding=sharding)
  arrays = {n: lie(a.shape, a.dtype, part=a.__getitem__) for n, a in source.arrays.items()}

  def batches(inputs: Arrays, i: Array, round_: Array, seed: Any = plan.seed) -> Arrays:
    taken = rows(plan, seed, jnp.asarray(round_, jnp.uint32)[None], len(source))[0]
    return {name: a[taken] for name, a in inputs.items()}

  return Feed(lambda first: arrays, batches, lambda: None, shared=True)


def divided(source: Source, plan: Plan, mesh: Mesh, place: Place | None = None) -> Feed:
  """Each device holds its share of the parts, and samples them by itself.

  Neither the set nor a batch moves between devices. Raises InputError if the parts cannot be shared
  among them equally.
  """
  (axis,) = mesh.axis_names
  if plan.parts % mesh.size:
    raise InputError(
      f'resident_parts={plan.parts} cannot be shared equally among {mesh.size} devices.'
    )
  own, size = plan.parts // mesh.size, len(source) // plan.parts
  share = PartitionSpec(axis)
  lie = partial(place or placed, sharding=NamedSharding(mesh, share))

  def held(a: Any) -> jax.Array:
    def part(at: tuple) -> np.ndarray:
      first, last, _ = at[0].indices(plan.parts)
      return np.asarray(a[first * size : last * size]).reshape(last - first, size, *a.shape[1:])

    return lie((plan.parts, size, *a.shape[1:]), a.dtype, part=part)

  arrays = {name: held(a) for name, a in source.arrays.items()}

  def sampled(held: Arrays, round_: Array, seed: Array) -> Arrays:
    """One device's [own,size,...] -> its part of the minibatches, [k,B/devices,...]."""
    at = positions(plan, round_[None])[0]
    part = jax.lax.axis_index(axis).astype(jnp.uint32) * np.uint32(own) + jnp.arange(
      own, dtype='u4'
    )
    taken = jax.vmap(lambda p: order(_part_seed(seed, p), at, size))(part)
    gathered = {name: jax.vmap(lambda x, r: x[r])(x, taken) for name, x in held.items()}
    flat = lambda x: jnp.swapaxes(x, 0, 1).reshape(plan.k, -1, *x.shape[3:])
    return {name: flat(x) for name, x in gathered.items()}

  everywhere = jax.shard_map(
    sampled,
    mesh=mesh,
    in_specs=(share, PartitionSpec(), PartitionSpec()),
    out_specs=PartitionSpec(None, axis),
    check_vma=False,
  )

  def batches(inputs: Arrays, i: Array, round_: Array, seed: Any = plan.seed) -> Arrays:
    word = seed if isinstance(seed, jax.Array) else jnp.asarray(np.uint32(seed & 0xFFFFFFFF))
    return everywhere(inputs, jnp.asarray(round_, jnp.uint32), word)

  return Feed(lambda first: arrays, batches, lambda: None, shared=True)


def streamed(
  source: Source,
  plan: Plan,
  sharding: Sharding,
  seeds: Sequence[int] | None = None,
  place: Place | None = None,
) -> Feed:
  """Each call's batches are gathered on the host, one call ahead: for large sets.

  A host reads only what its own devices are to see. `seeds` are those of a population: its inputs
  have a leading axis of members, [N,R,k,B,...].
  """
  pool = ThreadPoolExecutor(1, thread_name_prefix='loader')
  ahead: dict[int, Any] = {}
  lie = partial(place or placed, sharding=sharding)

  def gather(first: int) -> Arrays:
    rounds = np.arange(first, first + plan.rounds, dtype=np.uint32)
    where = lambda seed: rows(plan, seed, rounds, len(source)).astype(np.int64)
    taken = where(plan.seed) if seeds is None else np.stack([where(seed) for seed in seeds])

    def gathered(a: Any) -> jax.Array:
      part = lambda at: _rows(a, taken[at[: taken.ndim]])
      return lie((*taken.shape, *a.shape[1:]), a.dtype, part=part)

    return {name: gathered(a) for name, a in source.arrays.items()}

  def inputs(first: int) -> Arrays:
    now = ahead.pop(first, None) or pool.submit(gather, first)
    ahead.clear()
    ahead[first + plan.rounds] = pool.submit(gather, first + plan.rounds)
    return now.result()

  def batches(inputs: Arrays, i: Array, round_: Array, seed: Any = None) -> Arrays:
    del seed  # by which the host has gathered already
    return {name: a[i] for name, a in inputs.items()}

  close = lambda: pool.shutdown(wait=False, cancel_futures=True)
  return Feed(inputs, batches, close, shared=False)


def placed(
  shape: tuple[int, ...], dtype: Any, part: Callable[[Any], Any], sharding: Sharding
) -> jax.Array:
  """An array over the devices, of which each host makes the parts that its own are to have."""
  del dtype  # that of the parts
  return jax.make_array_from_callback(shape, sharding, lambda at: np.asarray(part(at)))


def _rows(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
  """array[rows], read in the order in which it lies on disk."""
  flat, where = np.unique(rows, return_inverse=True)
  return np.asarray(array[flat])[where.reshape(rows.shape)]


def seen(transform: Transform, batches: Arrays, key: Key) -> Batch:
  """The minibatches as the networks see them: the transform on every picture, [k,B,...].

  The pictures of one example are cut and mirrored alike.
  """
  keys = jax.random.split(key, len(batches['image']))
  move = lambda name, a: jax.vmap(transform.apply)(a, keys) if is_picture(name, a) else a
  return {name: move(name, a) for name, a in batches.items()}
