"""What a process does before it becomes a trial: python settle.py PARENT CORES COMMAND ...

It takes its cores ('0,2', or '' for all), asks to be told to end if its parent dies (Linux), and
becomes the command. A program of its own, since a process that has threads, as one with JAX in it
has, cannot run anything safely between fork and exec.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: str, cores: str, *command: str) -> None:
  """Does not come back."""
  if cores:
    os.sched_setaffinity(0, {int(core) for core in cores.split(',')})
  if sys.platform == 'linux':
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it died in between
      sys.exit(143)
  os.execvp(command[0], command)


if __name__ == '__main__':
  main(*sys.argv[1:])
