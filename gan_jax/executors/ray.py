"""Trials on a Ray cluster that is there already; needs `pip install 'gan_jax[ray]'`.

--executor='ray'                          the cluster of this machine, or of RAY_ADDRESS
--executor='ray(tpus=4)'                  a TPU host with four chips for each trial
--executor="ray(tpu=v6e, topology='4x4')" a whole slice for each, one run on all its hosts
--executor="ray(address='10.0.0.2:6379', cpus=8, gpus=1)"

The sweep's folder, the experiments and this package are seen by all nodes at the same path (a disk
that they share, a mounted bucket); a node that does not see them ends the sweep with a sentence.

Ray finds the place, and holds the process there by an actor; it tries nothing again by itself
(an actor's max_restarts is 0). The sweep does, since it knows what is worth it, writes down every
attempt, and goes on elsewhere from the last checkpoint: a trial whose node went away is never
counted as having failed.
"""

import contextlib
import dataclasses
import os
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gan_jax.errors import InputError
from gan_jax.executors import ray_places
from gan_jax.executors.hand import Begun
from gan_jax.executors.job import OUTPUT, Ended, Event, Job, Started, Tick, joint
from gan_jax.executors.ray_places import Place
from gan_jax.executors.stopping import PATIENCE, signals

LISTEN = 1.0  # seconds that a hand listens at a time
GRACE = 60.0  # seconds in which a cluster notices that a node is gone
AHEAD = 8  # trials that may wait for a place, so that an autoscaler sees what is wanted
REACH = 10.0  # seconds until a cluster that does not answer is none
KILLED = -9


@dataclasses.dataclass
class Process:
  """One process of a trial, at the other end of an actor."""

  actor: Any
  heard: Any  # what it has been asked last
  begun: Begun | None = None
  status: int | None = None
  gone: float = 0.0  # when its actor was found dead
  lost: bool = False


@dataclasses.dataclass
class Trial:
  """A job and its processes, more than one if it has a whole slice."""

  job: Job
  processes: list[Process]
  free: Callable[[], None]
  told: bool = False  # that it has started
  stopped: float = 0.0  # when it was asked to


def ray(
  queue: deque[Job],
  *,
  address: str = 'auto',
  cpus: float = 1,
  gpus: float = 0,
  tpus: float = 0,
  resources: Mapping[str, float] | None = None,
  tpu: str = '',
  topology: str = '',
  slots: int = 0,
  autoscaled: bool = False,
) -> Iterator[Event]:
  """Plays each job where the cluster has so many cpus, gpus, TPU chips and other resources for it.

  With tpu (v5e, v6e, ...) and topology (4x4), on a slice of its own. No more than `slots` at a
  time, 0: as many as there is room for. Raises InputError without Ray, without a cluster, for what
  no node has (unless an autoscaler may bring one), if a node does not see the folders, and for a
  population on a slice of several hosts.
  """
  library = ray_places.library()
  with _connected(library, address), signals() as asked:
    wanted = ray_places.wanted(cpus, gpus, tpus, resources)
    if topology or tpu:
      place: Place = ray_places.slices(library, tpu, topology, autoscaled)
    else:
      ray_places.refuse_impossible(library, wanted, autoscaled)
      place = ray_places.anywhere(library, wanted)
    yield from _play(library, queue, place, slots, asked)
  if asked:
    raise KeyboardInterrupt


def _play(
  library: Any, queue: deque[Job], place: Place, slots: int, asked: Sequence[int]
) -> Iterator[Event]:
  trials: list[Trial] = []
  wrong = ''
  while queue or trials:
    if asked or wrong:
      queue.clear()
      trials = _stop(library, trials)
    while queue and _has_room(trials, slots) and (found := place()) is not None:
      trials.append(_begin(library, queue.popleft(), *found))
    awaited = [p.heard for t in trials for p in t.processes if p.status is None and not p.gone]
    library.wait(awaited, timeout=0.2) if awaited else time.sleep(0.2)
    for trial in list(trials):
      wrong = wrong or _advance(library, trial)
      if not trial.told and all(p.begun for p in trial.processes):
        trial.told = True
        yield Started(trial.job, ', '.join(p.begun.label for p in trial.processes if p.begun))
      if all(p.status is not None for p in trial.processes):
        trials.remove(trial)
        trial.free()
        if trial.told:
          yield Ended(trial.job, *_end(trial.processes))
        else:  # the node that it was waiting for went away
          queue.appendleft(trial.job)
    yield Tick()
  if wrong:
    raise InputError(wrong)


def _begin(library: Any, job: Job, actors: Sequence[Any], free: Callable[[], None]) -> Trial:
  """Each host of a slice plays its part in one run; the first one's output is the trial's.

  They find each other by what the TPU tells each of its hosts.
  """
  command = joint(job) if len(actors) > 1 else job.command
  processes = []
  for i, actor in enumerate(actors):
    output = (job.workdir / (OUTPUT if i == 0 else f'{i}-{OUTPUT}')).absolute()
    output.touch()
    heard = actor.begin.remote(
      job._replace(command=command, workdir=job.workdir.absolute(), config=None),
      os.getcwd(),
      sys.executable,
      str(output),
    )
    processes.append(Process(actor, heard))
  return Trial(job, processes, free)


def _advance(library: Any, trial: Trial) -> str:
  """Hears what there is to hear; returns what is wrong with a node, or ''."""
  for one in trial.processes:
    if one.status is not None:
      continue
    if one.gone:
      _bury(library, one)
    elif library.wait([one.heard], timeout=0)[0] and (wrong := _hear(library, one)):
      return wrong
  over = [p.status for p in trial.processes if p.status is not None]
  if any(over) and len(over) < len(trial.processes):  # the others would wait for it for ever
    _stop(library, [trial])
  return ''


def _hear(library: Any, one: Process) -> str:
  try:
    said = library.get(one.heard)
  except library.exceptions.ActorUnavailableError:  # the network; it may be back
    if one.begun is None:
      one.gone = time.monotonic()
      library.kill(one.actor)
      return ''
    said = None
  except library.exceptions.RayActorError as error:
    if getattr(error, 'actor_init_failed', False) or 'failed to be imported' in str(error):
      return f'nodes cannot import gan_jax: {" ".join(str(error).split())[:300]}'
    one.gone = time.monotonic()
    return ''
  except library.exceptions.RayTaskError as error:
    return f'a node cannot begin a trial: {error.cause!r}'
  if isinstance(said, int):
    one.status = said
    library.kill(one.actor)
    return ''
  if isinstance(said, Begun):
    if said.wrong:
      return said.wrong
    one.begun = said
  one.heard = one.actor.listen.remote(LISTEN)
  return ''


def _bury(library: Any, one: Process) -> None:
  """The actor is dead; it takes a moment until it is known whether its node is, too."""
  alive = {node['NodeID'] for node in library.nodes() if node['Alive']}
  if one.begun is None or one.begun.node not in alive:
    one.status, one.lost = KILLED, True
  elif time.monotonic() - one.gone > GRACE:  # by a lack of memory, say
    one.status = KILLED


def _stop(library: Any, trials: Sequence[Trial]) -> list[Trial]:
  """Asks all processes to save and end, kills them in time; returns the trials that had begun."""
  begun = []
  for trial in trials:
    living = [p for p in trial.processes if p.status is None and not p.gone]
    if not any(p.begun for p in trial.processes):  # it still waits for its place
      for one in living:
        library.kill(one.actor)
      trial.free()
      continue
    begun.append(trial)
    if not trial.stopped:
      trial.stopped = time.monotonic()
      for one in living:
        one.actor.stop.remote()
    elif time.monotonic() - trial.stopped > PATIENCE:
      for one in living:
        library.kill(one.actor)
        one.status = KILLED
  return begun


def _end(processes: Sequence[Process]) -> tuple[int, bool]:
  """(status, whether a machine went away): that of the process that pulled the others down."""
  first = [p.status for p in processes if p.status not in (0, 143, -15)]
  status = first[0] if first else max((p.status or 0 for p in processes), key=abs)
  return int(status or 0), any(p.lost for p in processes)


def _has_room(trials: Sequence[Trial], slots: int) -> bool:
  if slots and len(trials) >= slots:
    return False
  return sum(not trial.told for trial in trials) < AHEAD


@contextlib.contextmanager
def _connected(library: Any, address: str) -> Iterator[None]:
  """To the cluster, of which nothing is shown but what the sweep says."""
  try:
    host, colon, port = address.rpartition(':')
    if colon and port.isdigit() and '/' not in host:  # Ray itself would try for minutes
      socket.create_connection((host, int(port)), timeout=REACH).close()
    library.init(address=address, log_to_driver=False, logging_level='ERROR')
  except (OSError, ValueError) as error:
    raise InputError(
      f'there is no Ray cluster at {address}: `ray start --head` begins one on this machine, and '
      "ray(address='HOST:6379') names another one."
    ) from error
  except RuntimeError as error:  # another version of Ray or of Python than the cluster's
    raise InputError(f'the Ray cluster at {address}: {" ".join(str(error).split())}') from error
  worker = sys.modules.get('ray._private.worker')
  loud = getattr(worker, 'print_to_stdstream', None)
  if loud:  # it prints a lost node's log of fifty lines whatever log_to_driver says
    worker.print_to_stdstream = lambda *told, **more: None  # type: ignore[union-attr]
  try:
    yield
  finally:
    library.shutdown()
    if loud:
      worker.print_to_stdstream = loud  # type: ignore[union-attr]
