"""Kubernetes JobSets that play the trials, one for each, as GKE plays them on TPU slices.

--executor="jobset(image='HOST/IMAGE', tpu='tpu-v6e-slice', topology='2x4', chips=8, claim=disk)"

writes WORKDIR/jobset.yaml, to be given to kubectl. The image has Python, gan_jax and its libraries;
`claim` is a volume claim of a disk that all pods share (ReadWriteMany) and that is mounted at
`mount`, which stands for the folder in which the sweep is called: experiments, and the sweep's
folder, lie in it.

The pods of `hosts` nodes play one run: on a slice they find each other by what the TPU tells them,
elsewhere (GPUs) by the name that the JobSet gives to the first of them.

A pod that is preempted or dies brings its JobSet down, which begins anew on other nodes, `restarts`
times, from the last checkpoint. Status 1 is an answer (it diverged, a wrong value) and final.
API: jobset.x-k8s.io/v1alpha2 (JobSet 0.6 or newer, for the rules of its failure policy).
"""

import hashlib
import pathlib
import re
import sys
from collections import deque
from collections.abc import Iterator
from typing import Any

from gan_jax.errors import InputError
from gan_jax.executors.job import Event, Job, Told, joint, taken

FILE = 'jobset.yaml'
PORT = 8476  # that the hosts of a run meet at
TOPOLOGY = 'cloud.google.com/gke-tpu-topology'
SAVING = 120  # seconds that a pod has to save when it is asked to go


def jobset(
  queue: deque[Job],
  *,
  image: str,
  claim: str,
  mount: str = '/work',
  tpu: str = '',
  topology: str = '',
  chips: int = 0,
  hosts: int = 1,
  gpus: int = 0,
  cpus: str | float = '',
  memory: str = '',
  spot: bool = False,
  restarts: int = 20,
  kueue: str = '',
) -> Iterator[Event]:
  """Writes the JobSets: each on `hosts` nodes, with so many chips, gpus, cpus, memory on each.

  `tpu` and `topology` select the nodes, `kueue` names the queue of Kueue that admits them. Raises
  InputError for half of a slice, for a population on several hosts, or if the sweep's folder is not
  in this one.
  """
  if (bool(tpu), bool(topology), bool(chips)) not in ((True,) * 3, (False,) * 3):
    raise InputError('a slice is asked for by tpu, topology and chips (on each host), all three.')
  jobs = taken(queue)
  if not jobs:
    return
  amounts = {'google.com/tpu': chips, 'nvidia.com/gpu': gpus, 'cpu': cpus, 'memory': memory}
  limits = {name: str(amount) for name, amount in amounts.items() if amount}
  nodes = {
    'cloud.google.com/gke-tpu-accelerator': tpu,
    TOPOLOGY: topology,
    'cloud.google.com/gke-spot': 'true' if spot else '',
  }
  nodes = {name: value for name, value in nodes.items() if value}
  folder = jobs[0].workdir.parent.parent
  path = folder / FILE
  manifests = []
  for job in jobs:
    command = _command(job, name(folder.name, job.name), hosts, bool(tpu))
    pod = _pod(command, image, claim, mount, limits, nodes)
    manifests.append(_manifest(job, folder.name, pod, hosts, restarts, kueue))
  import yaml

  path.write_text(yaml.safe_dump_all(manifests, sort_keys=False))
  yield Told(f'wrote    {path}, {len(jobs)} JobSets: kubectl apply -f {path}')
  yield Told('next     the same command where that disk is mounted, for the table; it leaves out')
  yield Told('         of the file what is done by then')


def _command(job: Job, jobset: str, hosts: int, slice_: bool) -> list[str]:
  if hosts == 1:
    return moved(job.command)
  if slice_:
    return moved(joint(job))
  first = f'{jobset}-trial-0-0.{jobset}'  # a pod of an indexed Job: Kubernetes says which, below
  flags = (
    f'--coordinator={first}:{PORT}', f'--processes={hosts}', '--process=$(JOB_COMPLETION_INDEX)'
  )  # fmt: skip
  return moved(joint(job, flags))


def _manifest(
  job: Job, sweep: str, pod: dict[str, Any], hosts: int, restarts: int, kueue: str
) -> dict[str, Any]:
  labels = {'gan-jax/sweep': _label(sweep)}
  if kueue:
    labels['kueue.x-k8s.io/queue-name'] = kueue
  annotations = {'gan-jax/trial': job.name}
  if hosts > 1 and TOPOLOGY in pod['nodeSelector']:  # a slice is a node pool
    exclusive = 'alpha.jobset.sigs.k8s.io/exclusive-topology'
    annotations[exclusive] = 'cloud.google.com/gke-nodepool'
  answer = dict(
    action='FailJob', onExitCodes=dict(containerName='trial', operator='In', values=[1])
  )
  one = dict(
    parallelism=hosts,
    completions=hosts,
    backoffLimit=0,
    podFailurePolicy=dict(rules=[answer]),
    template=dict(spec=pod),
  )
  final = dict(name='answer', action='FailJobSet', onJobFailureReasons=['PodFailurePolicy'])
  return dict(
    apiVersion='jobset.x-k8s.io/v1alpha2',
    kind='JobSet',
    metadata=dict(name=name(sweep, job.name), labels=labels, annotations=annotations),
    spec=dict(
      failurePolicy=dict(maxRestarts=restarts, rules=[final]),
      replicatedJobs=[dict(name='trial', replicas=1, template=dict(spec=one))],
    ),
  )


def _pod(
  command: list[str],
  image: str,
  claim: str,
  mount: str,
  limits: dict[str, str],
  nodes: dict[str, str],
) -> dict[str, Any]:
  container = dict(
    name='trial',
    image=image,
    command=command,
    workingDir=mount,
    resources=dict(limits=limits, requests=limits),
    volumeMounts=[dict(name='shared', mountPath=mount)],
  )
  return dict(
    restartPolicy='Never',  # the JobSet restarts
    terminationGracePeriodSeconds=SAVING,
    nodeSelector=nodes,
    containers=[container],
    volumes=[dict(name='shared', persistentVolumeClaim=dict(claimName=claim))],
  )


def name(sweep: str, trial: str) -> str:
  """A name as Kubernetes takes it, of at most 29 letters: what it makes of it must fit in 63."""
  return f'{_label(sweep)[:20].strip("-")}-{hashlib.sha256(trial.encode()).hexdigest()[:8]}'


def moved(command: tuple[str, ...]) -> list[str]:
  """The command by another machine's Python, and its workdir within the folder it begins in."""
  words = ['python' if word == sys.executable else word for word in command]
  return [_within(word) if word.startswith('--workdir=') else word for word in words]


def _within(word: str) -> str:
  flag, _, path = word.partition('=')
  try:
    return f'{flag}={pathlib.Path(path).absolute().relative_to(pathlib.Path.cwd())}'
  except ValueError:
    raise InputError(
      f'{path} does not lie in {pathlib.Path.cwd()}, which is what the other machines see: give a '
      '--workdir in it.'
    ) from None


def _label(text: str) -> str:
  return re.sub(r'[^a-z0-9]+', '-', text.lower()).strip('-')[:40] or 'sweep'
