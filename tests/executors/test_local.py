"""Processes of this machine, of which each has its place."""

import os
import pathlib
import subprocess
import sys
import time
from collections import deque

import pytest

from gan_jax.executors import local
from gan_jax.executors.job import OUTPUT, Ended, Job, Started
from tests.messages import refused

TELLS = 'import os; print(sorted(os.sched_getaffinity(0)), os.environ.get("CUDA_VISIBLE_DEVICES"))'


def job(folder, name, code):
  (folder / name).mkdir()
  return Job(name, (sys.executable, '-c', code), folder / name)


def test_local_has_slots_that_share_the_cores(tmp_path):
  events = list(local.local(deque([job(tmp_path, n, TELLS) for n in 'abcd']), slots=2))
  assert [e.job.name for e in events if isinstance(e, Started)] == list('abcd')
  assert [e.status for e in events if isinstance(e, Ended)] == [0] * 4
  told = {(tmp_path / n / OUTPUT).read_text().split('] ')[0] for n in 'abcd'}
  cores = sorted(os.sched_getaffinity(0))
  assert len(told) == min(2, len(cores))


def test_places_give_out_gpus_so_many_at_a_time(tmp_path):
  slots = local.places(1, (0, 1, 2, 3), 2)
  assert [s.environment['CUDA_VISIBLE_DEVICES'] for s in slots] == ['0,1', '2,3']
  list(local.local(deque([job(tmp_path, 'a', TELLS)]), gpus=(3,)))
  assert (tmp_path / 'a' / OUTPUT).read_text().endswith(' 3\n')
  with refused('3 gpus', 2):
    local.places(1, (0, 1, 2), 2)
  with refused('slots=0', 1):
    local.places(0, (), 1)


def test_local_jobs_end_when_the_sweep_is_killed(tmp_path):
  if sys.platform != 'linux':
    pytest.skip('only Linux tells a process that its parent died')
  code = (
    'import sys, pathlib, collections\n'
    'from gan_jax.executors import local\n'
    'from gan_jax.executors.job import Job\n'
    'sleeps = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"\n'
    'one = Job("a", (sys.executable, "-c", sleeps), pathlib.Path(sys.argv[1]))\n'
    'list(local.local(collections.deque([one])))\n'
  )
  sweep = subprocess.Popen([sys.executable, '-c', code, str(tmp_path)])
  output, until = pathlib.Path(tmp_path / OUTPUT), time.monotonic() + 120
  while not (output.exists() and output.read_text().strip()) and time.monotonic() < until:
    time.sleep(0.1)
  child = int(output.read_text())
  sweep.kill()
  sweep.wait()
  until = time.monotonic() + 120
  while _lives(child) and time.monotonic() < until:
    time.sleep(0.1)
  assert not _lives(child)


def _lives(pid):
  try:
    os.kill(pid, 0)
    state = pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0]
  except (OSError, IndexError):
    return False
  return state != 'Z'
