"""The mesh of devices, and the two ways to run a step on it.

`jitted` is one program over all devices: the state is replicated, batches are split along 'data',
the compiler averages gradients, and randomness and BatchNorm are global, so that the numbers do
not depend on how many devices there are. `pmapped` is one program per device, which `jax.pmap` has
been an old name for since jax 0.8: each device draws its own noise and normalises its own part of
the batch; gradients are averaged.

A population of N runs is one program too, its members divided among the devices: nothing is shared
but the data. On one device they are played side by side (`vmap`), which fills a GPU that one small
network leaves idle, or on CPU one after another, a whole call each: there a batched product is
slower than its members (a core's caches hold one network, not all), and a device is a core.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec, Sharding

from gan_jax import hosts
from gan_jax.errors import InputError
from gan_jax.step import Mean, Step, identity

AXIS = 'data'
MEMBERS = 'members'

# One run's rounds of a call: (state, inputs, what is its own) -> (state, scalars f32[R]).
Call = Callable[[Any, Any, Any], tuple[Any, Any]]


class Way(NamedTuple):
  """How what one program plays, a run or N of them, lies on the devices.

  All leaves of a population's state have a leading axis of members, [N,...]; a run's have not.
  """

  mesh: Mesh
  one: Sharding  # of one run's state, as it is begun and restored
  state: Sharding  # of the program's state, and of all that a call returns
  batches: Sharding  # of streamed batches: [R,k,B,...], or [N,R,k,B,...]
  step: Callable[[Callable[[Mean], Step]], Step]  # make -> the step of one run
  spread: Callable[[Call, bool], Call]  # (one run's, whether all share the inputs) -> the program's
  join: Callable[[Sequence[Any]], Any]  # one tree for each run -> the program's
  parts: Callable[[Any], list[Any]]  # and back; a population's lie on the host


def mesh(batch: int, devices: int | None = None, among: Sequence[jax.Device] | None = None) -> Mesh:
  """A mesh over that many devices (all by default) of these (by default those of all processes).

  Raises InputError if there are not so many, if a process would be left without any, or if the
  global batch does not divide among them.
  """
  there = among or jax.devices()
  n = devices or len(there)
  if n > len(there):
    raise InputError(f'devices={n}, but there are {len(there)} here.')
  if {d.process_index for d in there} - {d.process_index for d in there[:n]}:
    raise InputError(
      f'devices={n} leaves some of {jax.process_count()} processes without a device to play on.'
    )
  if batch % n:
    near = sorted({max(batch - batch % n, n), batch - batch % n + n})
    raise InputError(
      f'a batch of {batch} cannot be split among {n} devices; '
      f'near it, {" or ".join(map(str, near))} can.'
    )
  # The default kind of axis differs between versions of jax, so it is said.
  return jax.make_mesh((n,), (AXIS,), axis_types=(AxisType.Auto,), devices=there[:n])


def replicated(mesh: Mesh) -> NamedSharding:
  """The whole on every device."""
  return NamedSharding(mesh, PartitionSpec())


def split(mesh: Mesh, axis: int = 0) -> NamedSharding:
  """Axis `axis` divided among the devices."""
  return NamedSharding(mesh, PartitionSpec(*[None] * axis, AXIS))


def jitted(make: Callable[[Mean], Step], mesh: Mesh) -> Step:
  """The step as one program over the mesh."""
  step = make(identity)

  def run(state: Any, batches: Any, key: Any):
    batches = jax.lax.with_sharding_constraint(batches, split(mesh, axis=1))
    return step(state, batches, key)

  return run


def pmapped(make: Callable[[Mean], Step], mesh: Mesh) -> Step:
  """The step as one program per device, gradients and scalars averaged over them."""
  step = make(partial(jax.lax.pmean, axis_name=AXIS))

  def run(state: Any, batches: Any, key: Any):
    state, log = step(state, batches, jax.random.fold_in(key, jax.lax.axis_index(AXIS)))
    if several := [name for name, value in log.items() if jnp.ndim(value)]:
      raise InputError(
        f"this game remembers {', '.join(several)}, of which parallel='pmapped' would keep the "
        "mean over the devices; it needs parallel='jitted'."
      )
    return state, log

  one, part = PartitionSpec(), PartitionSpec(None, AXIS)
  return jax.shard_map(
    run, mesh=mesh, in_specs=(one, part, one), out_specs=(one, one), check_vma=False
  )


def alone(run: Callable[..., Step], mesh: Mesh) -> Way:
  """One run over the whole mesh; `run` is one of the two above."""
  whole = replicated(mesh)
  return Way(
    mesh,
    one=whole,
    state=whole,
    batches=split(mesh, axis=2),
    step=lambda make: run(make, mesh),
    spread=lambda call, shared: call,
    join=lambda trees: hosts.everywhere(trees[0], whole),
    parts=lambda tree: [tree],
  )


def together(n: int, devices: int | None = None, over: Callable | None = None) -> Way:
  """n runs divided among so many devices; unsaid, the most of those there are that divide them.

  `over` is `side_by_side` or `in_turn`, by default what suits the platform. Raises InputError if
  `devices` are more than there are, or do not divide the members.
  """
  there = jax.device_count()
  able = [d for d in range(1, there + 1) if n % d == 0]
  if devices and devices > there:
    raise InputError(f'devices={devices}, but there are {there} here.')
  if devices and devices not in able:
    raise InputError(
      f'{n} members cannot be divided among {devices} devices; {", ".join(map(str, able))} can.'
    )
  m = devices or able[-1]
  mesh = jax.make_mesh((m,), (MEMBERS,), axis_types=(AxisType.Auto,), devices=jax.devices()[:m])
  divided = NamedSharding(mesh, PartitionSpec(MEMBERS))
  over = over or (in_turn if mesh.devices.flat[0].platform == 'cpu' else side_by_side)

  def spread(call: Call, shared: bool) -> Call:
    each, all_ = PartitionSpec(MEMBERS), PartitionSpec()
    specs = (each, all_ if shared else each, each)
    played = over(call, shared)
    return jax.shard_map(played, mesh=mesh, in_specs=specs, out_specs=each, check_vma=False)

  def parts(tree: Any) -> list[Any]:
    host = jax.device_get(tree)
    return [jax.tree.map(lambda a, i=i: a[i], host) for i in range(n)]

  return Way(
    mesh,
    one=jax.sharding.SingleDeviceSharding(mesh.devices.flat[0]),
    state=divided,
    batches=divided,
    step=lambda make: make(identity),
    spread=spread,
    join=lambda trees: jax.device_put(jax.tree.map(_stack, *trees), divided),
    parts=parts,
  )


def side_by_side(call: Call, shared: bool) -> Call:
  """Every operation of the call for all members at once."""
  return jax.vmap(call, in_axes=(0, None if shared else 0, 0))


def in_turn(call: Call, shared: bool) -> Call:
  """The call for one member after another: each computes what it would alone, bit for bit."""

  def played(state: Any, inputs: Any, own: Any):
    if shared:
      return jax.lax.map(lambda one: call(one[0], inputs, one[1]), (state, own))
    return jax.lax.map(lambda one: call(*one), (state, inputs, own))

  return played


def _stack(*leaves: Any) -> Any:
  """Leaves [...] as one [N,...]. NumPy compiles nothing, but has no keys and no weak types."""
  return jnp.stack(leaves) if leaves[0].ndim == 0 else np.stack(leaves)
