"""Trials that differ in a seed, or in numbers that the game only calculates with, as one program.

--executor=population                         such trials together, one program after the other
--executor='population(over=local(gpus=[0,1]))'   a program on each GPU
--executor='population(over=ray(tpus=1))'     or on each TPU chip of a cluster

What can be played together is seen by the trials' configs: these may differ in the seed and in
floats of the game (learning rates, penalty weights), not in sizes, data or names. Trials that find
nobody, were begun alone, or turn out to need a program of their own are played alone. Numbers are
those of the trials alone (see gan_jax/population.py); one that diverges takes no other with it.
"""

import hashlib
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from gan_jax import asking, runs, summary
from gan_jax.errors import InputError
from gan_jax.executors import together
from gan_jax.executors.job import OUTPUT, Ended, Event, Job, Started, words

FOLDER = 'together'  # beside the folder of the trials' folders
Jobs = dict[str, Job]


def population(
  queue: deque[Job], *, over: str | Mapping[str, Any] = 'local', members: int = 64
) -> Iterator[Event]:
  """Plays the jobs in groups of up to so many members, each group a job of the executor `over`."""
  if members < 2:
    raise InputError(f'members={members}: right is 2 or more.')
  execute = _executor(over)
  groups: dict[str, Jobs] = {}  # name of a group's job -> its members
  apart: set[str] = set()  # trials that are to be played alone
  inner: deque[Job] = deque()
  _take(queue, inner, groups, apart, members)
  while inner:
    for event in execute(inner):
      if isinstance(event, Ended) and event.job.name in groups and _cannot(event):
        jobs = groups.pop(event.job.name)
        apart |= jobs.keys()
        inner.extend(jobs.values())
      elif isinstance(event, Started | Ended) and event.job.name in groups:
        yield from _told(event, groups[event.job.name])
      else:
        yield event
      _take(queue, inner, groups, apart, members)


def _executor(over: str | Mapping[str, Any]) -> Callable[[deque[Job]], Iterator[Event]]:
  if isinstance(over, str):
    return asking.call(over, 'executors')
  options = {key: value for key, value in over.items() if key != 'name'}
  return partial(asking.call(str(over['name']), 'executors'), **options)


def _take(
  queue: deque[Job], inner: deque[Job], groups: dict[str, Jobs], apart: set[str], most: int
) -> None:
  """All that waits, as jobs of groups: those of before first, then those that are new."""
  jobs = {job.name: job for job in queue}
  queue.clear()
  kinds: dict[str, list[Job]] = {}
  known = _known(jobs)
  for job in jobs.values():
    if job.name in known and job.name not in apart:
      groups.setdefault(known[job.name].name, {})[job.name] = job
      if known[job.name] not in inner:
        inner.append(known[job.name])
    elif job.name in apart or not job.config or (job.workdir / 'config.json').exists():
      inner.append(job)
    else:
      kinds.setdefault(together.kind(job.config), []).append(job)
  for kind, alike in kinds.items():
    for i in range(0, len(alike), most):
      inner.extend(_grouped(alike[i : i + most], kind, groups))


def _known(jobs: Mapping[str, Job]) -> dict[str, Job]:
  """Trial -> the job of the group that it was begun in."""
  found: dict[str, Job] = {}
  for place in {job.workdir.parent.parent / FOLDER for job in jobs.values()}:
    for file in sorted(place.glob(f'*/{together.FILE}')):
      if (file.parent / summary.FILE).exists():
        found |= dict.fromkeys(runs.read_json(file), _job(file.parent))
  return found


def _grouped(alike: list[Job], kind: str, groups: dict[str, Jobs]) -> list[Job]:
  """One job for all of them; or themselves, where an outer loop plays, or there is but one."""
  if len(alike) == 1 or 'driver' in (alike[0].config or {}):
    return alike
  digest = hashlib.sha256(' '.join(job.name for job in alike).encode()).hexdigest()[:8]
  folder = alike[0].workdir.parent.parent / FOLDER / f'{kind}-{digest}'
  together.write(folder, alike)
  groups[folder.name] = {job.name: job for job in alike}
  return [_job(folder)]


def _job(folder: Any) -> Job:
  words = (sys.executable, '-m', 'gan_jax.executors.together', str(folder))
  return Job(folder.name, words, folder, alone=True)


def _cannot(ended: Ended) -> bool:
  """Whether the program was refused: alone its members go, or say each what is wrong with it.

  Trials may need programs of their own, or some have gone on alone since they were begun together.
  """
  told = ended.status == 1 and words(ended.job.workdir).startswith('gan_jax: ')
  return told and not ended.lost and not _fallen(ended.job)


def _fallen(job: Job) -> dict[str, str]:
  """The members that diverged, and how."""
  path = job.workdir / summary.FILE
  told = runs.read_json(path)['members'] if path.exists() else {}
  return {name: one['diverged'] for name, one in told.items() if one['diverged']}


def _told(event: Started | Ended, jobs: Jobs) -> Iterator[Event]:
  """What the event of a group means to its members."""
  if isinstance(event, Started):
    where = f'{event.where}, ' if event.where else ''
    for job in jobs.values():
      yield Started(job, f'{where}a program of {len(jobs)}')
    return
  fell = _fallen(event.job)
  whole = event.status == 1 and bool(fell)  # the sentence that some diverged: the others are done
  for name, job in jobs.items():
    status = 1 if name in fell else 0 if whole else event.status
    line = f'gan_jax: {fell[name]}' if name in fell else f'see {event.job.workdir / OUTPUT}'
    with (job.workdir / OUTPUT).open('a') as file:
      file.write(f'{line}\n')
    yield Ended(job, status, event.lost and name not in fell)
