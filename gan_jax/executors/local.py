"""Processes of this machine, each on devices of its own: nothing to install.

On CPU a slot is a share of the cores, on GPU the devices that it is given.
"""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

from gan_jax.errors import InputError
from gan_jax.executors import settle
from gan_jax.executors.job import OUTPUT, Ended, Event, Job, Started, Tick
from gan_jax.executors.stopping import PATIENCE, signals

POLL = 0.1  # seconds


class Slot(NamedTuple):
  """A place for one job."""

  label: str
  environment: dict[str, str]
  cores: frozenset[int]  # none: all


class Playing(NamedTuple):
  """A job in its slot."""

  job: Job
  slot: Slot
  process: subprocess.Popen
  output: IO[bytes]


def local(
  queue: deque[Job], *, slots: int = 1, gpus: Sequence[int] = (), each: int = 1
) -> Iterator[Event]:
  """Plays the jobs, `slots` at a time, which share the cores; or one to every `each` of the gpus.

  SIGTERM and Ctrl-C are passed on: every run saves and ends, and the queue is emptied. Should this
  process be killed, its jobs are told to save and end too (on Linux). Raises InputError for no
  slots.
  """
  free = deque(places(slots, gpus, each))
  playing: list[Playing] = []
  with signals() as asked:
    told = 0.0
    while queue or playing:
      if asked:
        queue.clear()
        told = told or _stop(playing)
        _kill_after(playing, told)
      while queue and free:
        playing.append(_start(queue.popleft(), free.popleft()))
        yield Started(playing[-1].job, playing[-1].slot.label)
      for one in [p for p in playing if p.process.poll() is not None]:
        playing.remove(one)
        one.output.close()
        free.append(one.slot)
        yield Ended(one.job, one.process.returncode)
      time.sleep(POLL)
      yield Tick()
  if asked:
    raise KeyboardInterrupt


def places(slots: int, gpus: Sequence[int], each: int) -> list[Slot]:
  """The slots there are: of gpus the devices of each, else the cores of each."""
  if gpus:
    if each < 1 or len(gpus) % each:
      raise InputError(f'{len(gpus)} gpus cannot be given out {each} at a time.')
    groups = [gpus[i : i + each] for i in range(0, len(gpus), each)]
    visible = [','.join(map(str, group)) for group in groups]
    return [Slot(f'gpu {v}', {'CUDA_VISIBLE_DEVICES': v}, frozenset()) for v in visible]
  if slots < 1:
    raise InputError(f'slots={slots}: right is 1 or more.')
  allowed = getattr(os, 'sched_getaffinity', None)  # which macOS has not
  if slots == 1 or allowed is None:
    return [Slot(f'slot {i}' if slots > 1 else '', {}, frozenset()) for i in range(slots)]
  cores = sorted(allowed(0))
  share = [frozenset(cores[i::slots]) for i in range(slots)]
  return [Slot(f'slot {i}', {}, own or frozenset(cores)) for i, own in enumerate(share)]


def _start(job: Job, slot: Slot) -> Playing:
  output = (job.workdir / OUTPUT).open('ab')
  cores = ','.join(map(str, sorted(slot.cores)))
  process = subprocess.Popen(
    settle.begins(job.workdir, job.command, cores),
    stdout=output,
    stderr=subprocess.STDOUT,
    stdin=subprocess.DEVNULL,
    env={**os.environ, **slot.environment},
    start_new_session=True,  # Ctrl-C is ours to pass on
  )
  return Playing(job, slot, process, output)


def _stop(playing: Sequence[Playing]) -> float:
  for one in playing:
    one.process.send_signal(signal.SIGTERM)
  return time.monotonic()


def _kill_after(playing: Sequence[Playing], told: float) -> None:
  if time.monotonic() - told > PATIENCE:
    for one in playing:
      one.process.kill()
