"""A shell script that plays the trials, for machines on which no sweep is to run.

--executor='shell(slots=4)'      writes WORKDIR/play.sh
"""

import pathlib
import shlex
from collections import deque
from collections.abc import Iterator

from gan_jax.errors import InputError
from gan_jax.executors.job import OUTPUT, Event, Job, Told, taken

FILE = 'play.sh'


def shell(queue: deque[Job], *, slots: int = 1) -> Iterator[Event]:
  """Writes the script; it plays `slots` trials at a time, or as many as SLOTS says."""
  if slots < 1:
    raise InputError(f'slots={slots}: right is 1 or more.')
  jobs = taken(queue)
  if not jobs:
    return
  path = jobs[0].workdir.parent.parent / FILE
  path.write_text(script(jobs, path.absolute(), slots))
  path.chmod(0o755)
  yield Told(f'wrote    {path}, which plays {len(jobs)} trials: sh {path}')
  yield Told('next     the same command, when it is through, for the table')


def script(jobs: list[Job], path: pathlib.Path, slots: int) -> str:
  """The text: called without a name it plays all, by calling itself with each.

  No trial is run by exec: of one that is killed xargs would make an end of all.
  """
  names = ' '.join(shlex.quote(job.name) for job in jobs)
  trials = '\n'.join(
    f'{shlex.quote(job.name)})\n'
    f'  {shlex.join(job.command)} >>{shlex.quote(str(job.workdir / OUTPUT))} 2>&1 || exit 1 ;;'
    for job in jobs
  )
  return f"""#!/bin/sh
# Plays {len(jobs)} trials, {slots} at a time or as many as SLOTS says; or one, by its name.
# Ctrl-C stops it; begun again, every trial goes on from its last checkpoint.
cd {shlex.quote(str(pathlib.Path.cwd()))} || exit 1
case "$1" in
'')
  printf '%s\\n' {names} |
    xargs -n 1 -P "${{SLOTS:-{slots}}}" sh {shlex.quote(str(path))} ;;
{trials}
*)
  echo "there is no trial $1" >&2
  exit 2 ;;
esac
"""
