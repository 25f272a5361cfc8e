"""What goes to an executor, and what comes back from it.

An executor is a function (queue, **options) -> iterator of events. It takes jobs from the left of
the queue while it has room, and is done when the queue is empty and nothing is being played; who
reads the events may append jobs meanwhile, to have them tried again.
"""

import pathlib
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from gan_jax.errors import InputError


class Job(NamedTuple):
  """A trial to be played; the same command goes on where an earlier attempt stopped."""

  name: str
  command: tuple[str, ...]
  workdir: pathlib.Path  # there by then; what the command prints is appended to OUTPUT in it
  config: dict[str, Any] | None = None  # what the command asks for, whole, for who wants to look
  alone: bool = False  # whether one process plays it, which could not share it with other hosts


OUTPUT = 'output.txt'


class Started(NamedTuple):
  """A job is being played."""

  job: Job
  where: str  # '' where there is but one place


class Ended(NamedTuple):
  """A job's process is over."""

  job: Job
  status: int  # as of a process: 0, or the exit status, or less than 0 for a signal
  lost: bool = False  # it did not end by itself: its machine went away


class Tick(NamedTuple):
  """Time has passed."""


class Told(NamedTuple):
  """Something that the person at the keyboard is to know."""

  line: str


Event = Started | Ended | Tick | Told


def joint(job: Job, flags: Sequence[str] = ('--coordinator=auto',)) -> tuple[str, ...]:
  """The command as each of several hosts gives it, with the flags that make them one run.

  Those are the flags of gan_jax.main (see gan_jax/hosts.py); unsaid, of hosts that find each other
  by themselves, as those of a TPU slice do. Raises InputError for a job that one
  process plays: on each host it would play the same.
  """
  if job.alone:
    raise InputError(
      f'{job.name} is one program of many trials, which one host plays: give it a place of one '
      'host, or play the trials one by one on several.'
    )
  return (*job.command, *flags)


def taken(queue: deque[Job]) -> list[Job]:
  """All jobs, of which the queue is emptied: for who only writes down how they are played."""
  jobs = list(queue)
  queue.clear()
  return jobs


def words(folder: pathlib.Path) -> str:
  """The last line in a job's output; '' if there is none."""
  path = folder / OUTPUT
  if not path.exists():
    return ''
  with path.open('rb') as file:
    file.seek(0, 2)
    file.seek(max(0, file.tell() - 4000))
    lines = file.read().decode(errors='replace').replace('\r', '\n').split('\n')
  return next((line.strip() for line in reversed(lines) if line.strip()), '')
