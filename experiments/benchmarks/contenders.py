"""Who competes, and how a contender's process is started and talked to."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any, NamedTuple

import cases

HERE = pathlib.Path(__file__).parent
OURS = 'gan_jax'


class Contender(NamedTuple):
  """A module with `build(job, **options) -> cases.Bench`."""

  module: str
  options: dict[str, Any]
  library: str  # 'jax' or 'torch', whose large product is the limit
  what: str


CONTENDERS = {
  OURS: Contender('ours', {}, 'jax', 'this project'),
  'torch-nchw': Contender('rival_torch', dict(layout='nchw'), 'torch', 'eager, channels first'),
  'torch-nhwc': Contender('rival_torch', dict(layout='nhwc'), 'torch', 'eager, channels last'),
  'torch-compile': Contender('rival_torch', dict(compiled=True), 'torch', 'torch.compile'),
  'flax': Contender('rival_flax', {}, 'jax', "Flax's stock layers and optax"),
}
PRODUCTS = {
  library: Contender('products', dict(library=library), library, 'one large matrix product')
  for library in ('jax', 'torch')
}


def entrants(names: Sequence[str]) -> dict[str, Contender]:
  """The contenders of these names, and the product of every library among them."""
  chosen = {name: CONTENDERS[name] for name in names}
  return chosen | {
    library: PRODUCTS[library] for library in {c.library: 0 for c in chosen.values()}
  }


class Failed(Exception):
  """A contender broke; the message is a clause that says how."""


class Worker(NamedTuple):
  """A contender that is built and warm, waiting for its turn."""

  name: str
  job: cases.Job
  process: subprocess.Popen
  printed: Any  # the file that holds its stderr
  ready: dict[str, Any]  # its first answer: 'ready' s, 'steps', 'counts', 'device'; or 'left_out'


def start(name: str, job: cases.Job, seconds: float) -> Worker:
  """Starts it and waits until it is warm, alone on the machine."""
  module, options, *_ = {**CONTENDERS, **PRODUCTS}[name]
  command = [str(HERE / 'worker.py'), module, json.dumps(options), json.dumps(job._asdict())]
  printed = tempfile.TemporaryFile('w+')  # noqa: SIM115  # closed by stop
  process = subprocess.Popen(
    [sys.executable, *command, json.dumps(seconds)],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    stderr=printed,
    text=True,
    # Several processes share one GPU, so none may take all of its memory.
    env={'XLA_PYTHON_CLIENT_PREALLOCATE': 'false', **os.environ},
  )
  worker = Worker(name, job, process, printed, {})
  try:
    worker.ready.update(answer(worker))
  except BaseException:
    stop(worker)
    raise
  return worker


def repeat(worker: Worker) -> dict[str, Any]:
  """One repetition: {'seconds': of a step, 'steps', 'cpu_while_idle': s since the last one}."""
  worker.process.stdin.write('go\n')
  worker.process.stdin.flush()
  return answer(worker)


def answer(worker: Worker) -> dict[str, Any]:
  """The next line that it says. Raises Failed if it could not go on, or died."""
  line = worker.process.stdout.readline()
  if not line:
    worker.printed.seek(0)
    last = ''.join(worker.printed.readlines()[-1:]).strip() or 'nothing'
    status = worker.process.wait()
    raise Failed(f'{worker.name} ended with status {status}; the last that it printed: {last}')
  said = json.loads(line)
  if 'failed' in said:
    raise Failed(said['failed'])
  return said


def stop(worker: Worker) -> None:
  """Ends it: a closed stdin ends the worker's loop; after ten seconds it is killed."""
  worker.process.stdin.close()
  try:
    worker.process.wait(10)
  except subprocess.TimeoutExpired:
    worker.process.kill()
    worker.process.wait()
  worker.process.stdout.close()
  worker.printed.close()
