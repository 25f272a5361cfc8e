"""Several processes that play one run, a host each: what they must do together.

  python -m gan_jax.main --config=... --coordinator=10.0.0.1:8476 --processes=2 --process=0
  python -m gan_jax.main --config=... --coordinator=10.0.0.1:8476 --processes=2 --process=1
  python -m gan_jax.main --config=... --coordinator=auto     (on a TPU slice, under Slurm, MPI, ...)

All run the same program on all devices, each host feeds its own. The workdir is one folder that all
of them see, which is made sure of. Process 0 alone claims it, writes logs, looks (evals, pictures)
and prints; checkpoints are saved and read by all. A signal to any of them stops all after the same
call. With one process, which is the usual case, nothing here costs anything.
"""

import contextlib
import json
import pathlib
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec, Sharding

from gan_jax.errors import InputError, Interrupted

AUTO = 'auto'
TRY_AGAIN = 75  # the exit status EX_TEMPFAIL
VISIBLE = 10.0  # seconds that a new file may take to be seen by another host


def connect(
  coordinator: str,
  processes: int | None = None,
  process: int | None = None,
  patience: int = 100,
) -> None:
  """Joins the others, before anything else of jax is used; 'auto' finds them as jax can.

  When one of them has not been heard of for `patience` seconds, jax ends all of them.
  Raises InputError if what is said of them is not enough, or they cannot be found.
  """
  if coordinator != AUTO and (processes is None or process is None):
    raise InputError(
      f'--coordinator={coordinator} needs --processes, how many there are, and --process, which '
      'of them this is, from 0; with --coordinator=auto jax finds both where it can (TPU slices, '
      'Slurm).'
    )
  if process is not None and processes is not None and not 0 <= process < processes:
    raise InputError(f'--process={process} is none of 0 to {processes - 1}, of --processes.')
  address = None if coordinator == AUTO else coordinator
  try:
    jax.distributed.initialize(address, processes, process, heartbeat_timeout_seconds=patience)
  except (ValueError, RuntimeError) as error:
    text = str(error).strip().splitlines()[0]
    raise InputError(
      f'--coordinator={coordinator} does not bring the hosts together: {text}'
    ) from error


def several() -> bool:
  """Whether more than one process plays."""
  return jax.process_count() > 1


def first() -> bool:
  """Whether this is the process that writes, looks and speaks."""
  return jax.process_index() == 0


def told(find: Callable[[], Any]) -> Any:
  """What process 0 finds, in all of them once it has found it; it must be JSON.

  Raises in all the InputError that `find` raises in process 0.
  """
  if not several():
    return find()
  from jax.experimental import multihost_utils

  found = _caught(find) if first() else None
  text = json.dumps(found).encode()
  size = int(multihost_utils.broadcast_one_to_all(np.int32(len(text))))
  sent = np.frombuffer(text, np.uint8) if first() else np.zeros(size, np.uint8)
  value, error = json.loads(bytes(multihost_utils.broadcast_one_to_all(sent)))
  if error:
    raise InputError(error)
  return value


def _caught(find: Callable[[], Any]) -> tuple[Any, str]:
  try:
    return find(), ''
  except InputError as error:
    return None, str(error)


def sharing(folder: pathlib.Path) -> None:
  """Raises InputError in all unless each sees what process 0 writes into its `folder`.

  Else hosts would save parts of one checkpoint on disks of their own, and none could be read again.
  """
  if not several():
    return
  from jax.experimental import multihost_utils

  mark = pathlib.Path(told(lambda: _mark(folder)))
  seen = multihost_utils.process_allgather(np.array(_appears(folder / mark.name)))
  if first():
    mark.unlink()
  if blind := [str(i) for i, sees in enumerate(seen) if not sees]:
    raise InputError(
      f'process {", ".join(blind)} of {len(seen)} does not see what process 0 writes into '
      f'{mark.parent}: a --workdir must lie on a disk that all hosts share.'
    )


def _mark(folder: pathlib.Path) -> str:
  path = folder / f'.shared-{uuid.uuid4().hex}'
  path.touch()
  return str(path)


def _appears(path: pathlib.Path) -> bool:
  until = time.monotonic() + VISIBLE
  while not (there := path.exists()) and time.monotonic() < until:
    time.sleep(0.1)
  return there


def agreed(value: bool) -> bool:
  """Whether it is so in every process."""
  if not several():
    return value
  from jax.experimental import multihost_utils

  return bool(np.all(multihost_utils.process_allgather(np.array(value))))


def caller(mesh: Mesh) -> Callable[[Sequence[int]], Callable[[], int]]:
  """call(signals received here) -> a function that says which one, 0 for none, all have heard of.

  Of several processes each learns of the same one after the same call. This is asked of the devices
  before the next call of the program, and so answered before its end: nobody waits for anybody.
  """
  if not several():
    return lambda asked: lambda: asked[0] if asked else 0
  each = NamedSharding(mesh, PartitionSpec(mesh.axis_names[0]))
  highest = jax.jit(lambda a: a.max(), out_shardings=NamedSharding(mesh, PartitionSpec()))

  def call(asked: Sequence[int]) -> Callable[[], int]:
    mine = np.full(1, asked[0] if asked else 0, np.int32)
    heard = highest(jax.make_array_from_callback((mesh.size,), each, lambda at: mine))
    return lambda: int(heard)

  return call


def everywhere(tree: Any, sharding: Sharding) -> Any:
  """A tree of which every process has the same, as arrays over the devices of all of them."""
  if not several():
    return jax.device_put(tree, sharding)
  place = lambda a: jax.make_array_from_callback(a.shape, sharding, lambda at: a[at])
  return jax.tree.map(lambda a: a if a.sharding == sharding else place(a), tree)


def here(state: Any) -> Any:
  """Arrays that all devices hold, as those of one of this process: what is looked at alone."""
  return jax.tree.map(lambda a: a.addressable_data(0), state) if several() else state


@contextlib.contextmanager
def together() -> Iterator[None]:
  """Around what is played together: if another process goes away, the text says what to do."""
  try:
    yield
  except jax.errors.JaxRuntimeError as error:
    if not several() or 'RESOURCE_EXHAUSTED' in str(error):
      raise
    text = str(error).strip().splitlines()[0][:200]
    raise Interrupted(
      f'another process of this run went away ({text}). Start all of them again, and they go on '
      'from the newest checkpoint; there may be more or fewer of them.',
      TRY_AGAIN,
    ) from error
