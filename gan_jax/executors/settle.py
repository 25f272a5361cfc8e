"""What a process does before it becomes a trial.

python -m gan_jax.executors.settle PARENT CORES WORKDIR COMMAND ...

It takes its cores ('0,2', or '' for all), asks to be told to end if its parent dies (Linux), waits
for an earlier attempt that is still saving, and becomes the command. A program of its own, since a
process that has threads, as one with JAX in it has, cannot run anything safely between fork and
exec.
"""

import ctypes
import os
import signal
import sys
import time

from gan_jax.alone import alone
from gan_jax.errors import InputError
from gan_jax.executors.stopping import PATIENCE

PR_SET_PDEATHSIG = 1


def begins(workdir: object, command: tuple[str, ...], cores: str = '') -> list[str]:
  """The command that begins as this process's child, settles, and becomes `command`."""
  own = [sys.executable, '-m', 'gan_jax.executors.settle', str(os.getpid())]
  return [*own, cores, str(workdir), *command]


def main(parent: str, cores: str, workdir: str, *command: str) -> None:
  """Does not come back."""
  if cores:
    os.sched_setaffinity(0, {int(core) for core in cores.split(',')})
  if sys.platform == 'linux':
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it died in between
      sys.exit(143)
  wait(workdir, PATIENCE)
  os.execvp(command[0], command)


def wait(workdir: str, patience: float) -> None:
  """Until nothing is at work in the folder, or patience is over: the command will say so then."""
  until, told = time.monotonic() + patience, False
  while time.monotonic() < until:
    try:
      with alone(workdir):
        return
    except InputError as busy:
      if not told:
        print(f'waits: {busy}', flush=True)
      told = True
      time.sleep(0.2)


if __name__ == '__main__':
  main(*sys.argv[1:])
