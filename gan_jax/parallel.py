"""The mesh of devices, and the two ways to run a step on it.

`jitted` is one program over all devices: the state is replicated, batches are split along 'data',
the compiler averages gradients, and randomness and BatchNorm are global, so that the numbers do
not depend on how many devices there are. `pmapped` is one program per device, which `jax.pmap` has
been an old name for since jax 0.8: each device draws its own noise and normalises its own part of
the batch; gradients are averaged.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from gan_jax.errors import InputError
from gan_jax.step import Mean, Step, identity

AXIS = 'data'


def mesh(batch: int, devices: int | None = None) -> Mesh:
  """A mesh over that many devices (all of them by default).

  Raises InputError if there are not so many, or the global batch does not divide among them.
  """
  n = devices or jax.device_count()
  if n > jax.device_count():
    raise InputError(f'devices={n}, but there are {jax.device_count()} here.')
  if batch % n:
    near = sorted({max(batch - batch % n, n), batch - batch % n + n})
    raise InputError(
      f'a batch of {batch} cannot be split among {n} devices; '
      f'near it, {" or ".join(map(str, near))} can.'
    )
  # The default kind of axis differs between versions of jax, so it is said.
  return jax.make_mesh((n,), (AXIS,), axis_types=(AxisType.Auto,), devices=jax.devices()[:n])


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
    return step(state, batches, jax.random.fold_in(key, jax.lax.axis_index(AXIS)))

  one, part = PartitionSpec(), PartitionSpec(None, AXIS)
  return jax.shard_map(
    run, mesh=mesh, in_specs=(one, part, one), out_specs=(one, one), check_vma=False
  )
