"""Batches as pure functions of (seed, round): there is no iterator, and nothing to save.

A feed has two halves. `inputs(round)` runs on the host and returns what a compiled call that starts
at that round is handed; `batches(inputs, i, round)` runs inside that call and returns the
minibatches of its i-th round, leaves [k,B,...]. The two feeds here give the same batches.

A population of N runs, each with a seed of its own, shares the resident set, or has its streamed
batches gathered N times over; inside the call each member sees what its run alone would see.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

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


def check(source: Source, plan: Plan, total_rounds: int) -> None:
  """Raises InputError if the run cannot be fed from this source."""
  if not len(source):
    raise InputError(f'{source.meta.get("name", "the data set")} holds no examples.')
  if total_rounds * plan.k * plan.batch >= LIMIT:
    raise InputError(
      f'{total_rounds} rounds of {plan.k} x {plan.batch} examples are more than the {LIMIT} that '
      'one run can count; take fewer rounds, or several runs.'
    )


def positions(plan: Plan, rounds: Any) -> Any:
  """Where in the endless sequence the examples of `rounds`, uint32[R], stand: uint32[R,k,B]."""
  within = np.arange(plan.k * plan.batch, dtype=np.uint32).reshape(1, plan.k, plan.batch)
  return rounds[:, None, None] * np.uint32(plan.k * plan.batch) + within


def resident(source: Source, plan: Plan, place: Callable[[Any], Any]) -> Feed:
  """The whole set lies on the devices and is sampled inside the call; `place` puts it there."""
  arrays = {name: place(np.asarray(a)) for name, a in source.arrays.items()}

  def batches(inputs: Arrays, i: Array, round_: Array, seed: Any = plan.seed) -> Arrays:
    at = positions(plan, jnp.asarray(round_, jnp.uint32)[None])[0]
    rows = order(seed, at, len(source))
    return {name: a[rows] for name, a in inputs.items()}

  return Feed(lambda first: arrays, batches, lambda: None, shared=True)


def streamed(
  source: Source, plan: Plan, place: Callable[[Any], Any], seeds: Sequence[int] | None = None
) -> Feed:
  """Each call's batches are gathered on the host, one call ahead: for large sets.

  `seeds` are those of a population: its inputs have a leading axis of members, [N,R,k,B,...].
  """
  pool = ThreadPoolExecutor(1, thread_name_prefix='loader')
  ahead: dict[int, Any] = {}

  def gather(first: int) -> Arrays:
    rounds = np.arange(first, first + plan.rounds, dtype=np.uint32)
    where = lambda seed: order(seed, positions(plan, rounds), len(source)).astype(np.int64)
    rows = where(plan.seed) if seeds is None else np.stack([where(seed) for seed in seeds])
    return {name: place(_rows(a, rows)) for name, a in source.arrays.items()}

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
