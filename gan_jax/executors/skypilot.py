"""SkyPilot managed jobs that play the trials, wherever there is a machine to be had.

--executor="skypilot(accelerators='tpu-v6e-8', bucket='gs://my-bucket')"

writes WORKDIR/skypilot.yaml, the task, and WORKDIR/skypilot.sh, a `sky jobs launch` for each trial.
This folder, with gan_jax and the experiments, is copied to each machine; runs are written into the
bucket, which is mounted there (cached, since logs are appended to), so that a job that is preempted
goes on from its last checkpoint.
"""

import shlex
from collections import deque
from collections.abc import Iterator

from gan_jax.executors.job import Event, Job, Told, taken
from gan_jax.executors.jobset import moved, name

FILE = 'skypilot.yaml'
SCRIPT = 'skypilot.sh'
BUCKET = '/sweep'  # where it is mounted


def skypilot(
  queue: deque[Job],
  *,
  bucket: str,
  accelerators: str = '',
  infra: str = '',
  cpus: str | int = '',
  spot: bool = True,
  setup: str = 'pip install -q -e .',
) -> Iterator[Event]:
  """Writes the task and the script that launches it once for each trial.

  `bucket` as gs://..., s3://...; accelerators, infra and cpus as SkyPilot takes them.
  """
  jobs = taken(queue)
  if not jobs:
    return
  import yaml

  folder = jobs[0].workdir.parent.parent
  needs = dict(infra=infra, accelerators=accelerators, cpus=str(cpus))
  task = dict(
    name=name(folder.name, ''),
    workdir='.',
    resources={**{k: v for k, v in needs.items() if v}, 'use_spot': spot},
    file_mounts={BUCKET: dict(source=bucket, mode='MOUNT_CACHED')},
    envs=dict(TRIAL='', FLAGS=''),
    setup=setup,
    run=f"""eval "python $FLAGS --workdir='{BUCKET}/trials/$TRIAL'"\n""",
  )
  (folder / FILE).write_text(yaml.safe_dump(task, sort_keys=False))
  launches = [_launch(job, folder.name, str(folder / FILE)) for job in jobs]
  (folder / SCRIPT).write_text('\n'.join(['#!/bin/sh', 'set -e', *launches]) + '\n')
  (folder / SCRIPT).chmod(0o755)
  yield Told(f'wrote    {folder / FILE}; {folder / SCRIPT} launches {len(jobs)} jobs of it')
  yield Told(
    f'next     copy {bucket}/trials into {folder}/trials, then the same command: the table'
  )


def _launch(job: Job, sweep: str, file: str) -> str:
  words = moved(tuple(word for word in job.command if not word.startswith('--workdir=')))[1:]
  flags, own = shlex.quote(f'FLAGS={shlex.join(words)}'), shlex.quote(f'TRIAL={job.name}')
  return f'sky jobs launch -y -d -n {name(sweep, job.name)} --env {own} --env {flags} {file}'
