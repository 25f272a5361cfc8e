"""Where on a Ray cluster a trial is played: anywhere that has what it needs, or a whole slice."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gan_jax.errors import InputError
from gan_jax.executors.hand import Hand

LOOK = 5.0  # seconds between two attempts at a slice
RESERVE = 3.0  # seconds that one may take

# () -> (an actor for each process of a trial, what gives the place back), None if there is none now
Place = Callable[[], tuple[Sequence[Any], Callable[[], None]] | None]


def library() -> Any:
  """Ray; InputError if it is not installed."""
  try:
    import ray
    import ray.exceptions
  except ImportError as error:
    raise InputError("Ray is not installed: pip install 'gan_jax[ray]'.") from error
  return ray


def wanted(
  cpus: float, gpus: float, tpus: float, resources: Mapping[str, float] | None
) -> dict[str, float]:
  """What a trial needs, as Ray names it; InputError for what is no amount."""
  told = {'CPU': cpus, 'GPU': gpus, 'TPU': tpus, **(resources or {})}
  for name, amount in told.items():
    if isinstance(amount, bool) or not isinstance(amount, int | float) or amount < 0:
      raise InputError(f'{name}: {amount!r} is no amount that a trial could need.')
  return {name: amount for name, amount in told.items() if amount}


def refuse_impossible(ray: Any, needs: Mapping[str, float], autoscaled: bool) -> None:
  """Raises InputError if no node has that much, and none will come: it would wait for ever."""
  nodes = [node['Resources'] for node in ray.nodes() if node['Alive']]
  if autoscaled or any(all(has.get(k, 0) >= v for k, v in needs.items()) for has in nodes):
    return
  kinds = sorted({k for has in nodes for k in has} - {'memory', 'object_store_memory'})
  most = {k: max(has.get(k, 0) for has in nodes) for k in kinds if not k.startswith('node:')}
  said = lambda amounts: ', '.join(f'{k} {v:g}' for k, v in amounts.items())
  raise InputError(
    f'a trial needs {said(needs)}, and no node of the cluster has that; the most that one has is '
    f'{said(most)}. Where an autoscaler will bring one, say ray(autoscaled=True).'
  )


def anywhere(ray: Any, needs: Mapping[str, float]) -> Place:
  """One process where there is room; Ray keeps it waiting until there is."""
  remote = ray.remote(Hand)
  return lambda: ([_actor(remote, needs)], lambda: None)


def slices(ray: Any, tpu: str, topology: str, autoscaled: bool) -> Place:
  """A process on each host of a whole TPU slice, as soon as one can be reserved.

  Raises InputError if no slice is of that kind, or if Ray is too old to know of slices.
  """
  if not (tpu and topology):
    raise InputError("a slice is asked for by both, ray(tpu='v6e', topology='4x4').")
  try:
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy
    from ray.util.tpu import get_num_tpu_slices, slice_placement_group
  except ImportError as error:
    raise InputError(
      "this Ray knows nothing of slices: pip install --upgrade 'gan_jax[ray]'."
    ) from error
  if not autoscaled and not get_num_tpu_slices(topology, f'TPU-{tpu.upper()}'):
    raise InputError(
      f'the cluster has no whole slice of {tpu} in {topology}. Where an autoscaler will bring one, '
      'say ray(autoscaled=True).'
    )
  remote = ray.remote(Hand)
  clock = {'next': 0.0}

  def place() -> tuple[Sequence[Any], Callable[[], None]] | None:
    if time.monotonic() < clock['next']:
      return None
    try:
      group = slice_placement_group(topology, tpu, head_reservation_timeout_s=RESERVE)
    except (RuntimeError, TimeoutError):  # all are taken
      clock['next'] = time.monotonic() + LOOK
      return None
    pinned = lambda i: PlacementGroupSchedulingStrategy(group.placement_group, i)
    hosts = range(group.num_bundles)
    actors = [_actor(remote, group.bundle_resources, pinned(i)) for i in hosts]
    return actors, group.shutdown

  return place


def here() -> tuple[str, str]:
  """(id, a short name) of the node that this is called on."""
  import ray

  node = ray.get_runtime_context().get_node_id()
  return node, f'{ray.util.get_node_ip_address()}/{node[:6]}'


def _actor(remote: Any, needs: Mapping[str, float], strategy: Any = None) -> Any:
  others = {name: amount for name, amount in needs.items() if name not in ('CPU', 'GPU')}
  options: dict[str, Any] = dict(
    num_cpus=needs.get('CPU', 0), num_gpus=needs.get('GPU', 0), resources=others, max_restarts=0
  )
  if strategy is not None:
    options['scheduling_strategy'] = strategy
  return remote.options(**options).remote(here)
