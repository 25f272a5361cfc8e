"""The soak program, for seconds instead of hours.

Covers: checkpoint.py, main.py.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys

import pytest

from tests import commands, soak
from tests.configs import file_of
from tests.messages import says
from tests.runs import rounds_saved


class Forked:
  """A command of tests/commands.py, used like a Popen."""

  def __init__(self, words):
    self._command = commands.start(*words)
    self.pid = self._command.pid
    self.returncode = None

  def poll(self):
    if self.returncode is None and not self._command.running():
      self.returncode = self._command.ended().status
    return self.returncode

  def send_signal(self, number: signal.Signals):
    with contextlib.suppress(ProcessLookupError):  # it has just ended
      self._command.send(number)


def after_two_saves(dice, every, workdir):
  """A kill when a process has saved twice, however fast that is."""
  before = max(rounds_saved(workdir), default=0)
  return lambda seconds: len([r for r in rounds_saved(workdir) if r > before]) >= 2


@pytest.mark.slow  # four processes, each of which compiles
def test_soak_shows_that_a_run_that_is_killed_comes_to_the_same(tmp_path, capsys, monkeypatch):
  monkeypatch.setattr(soak, 'LOOK', 0.01)
  samples = dict(samples=dict(name='figures.grids.samples', every=400, rows=2, columns=2))
  often = dict(checkpoint=dict(every=20, keep=3), log_every=20, evals=samples)
  status = soak.main(
    [f'--config={file_of("perceptrons", tmp_path, **often)}', '--rounds=1600', '--kills=2',
     '--seed=4', f'--workdir={tmp_path / "runs"}'],
    Forked,
    after_two_saves,
  )  # fmt: skip
  lines = capsys.readouterr().out.splitlines()
  assert status == 0, lines
  assert re.fullmatch(r'straight .* in 1 processes, no kills; at most [1-9]\d* MiB', lines[-3])
  assert re.fullmatch(r'killed .* in 3 processes, 1 SIGKILL, 1 SIGTERM; at most \d+ MiB', lines[-2])
  assert lines[-1].split()[0] == 'same'


@pytest.mark.slow  # four times Python and jax from their beginning
def test_soak_is_a_command_that_kills_by_the_clock(tmp_path):
  done = subprocess.run(
    [sys.executable, '-m', 'tests.soak', f'--config={file_of("perceptrons", tmp_path)}',
     '--rounds=4', '--every=1e-9', '--kills=1', f'--workdir={tmp_path / "runs"}'],
    cwd=soak.ROOT, capture_output=True, text=True,
    env={k: v for k, v in os.environ.items() if k != commands.CACHE},  # both would write one entry
  )  # fmt: skip
  assert done.returncode == 0, done
  *_, straight, killed, same = done.stdout.splitlines()
  says(straight, 'straight', '1 processes', 'no kills')
  says(killed, 'killed', '2 processes', '1 SIGKILL')  # at the first look: before Python had begun
  says(same, 'same')


def test_soak_tells_runs_apart_and_sees_memory_grow(tmp_path):
  for name, text in (('a', '{"step": 1, "D/loss": 1.0}\n'), ('b', '{"step": 1, "D/loss": 2.0}\n')):
    (tmp_path / name / 'samples').mkdir(parents=True)
    (tmp_path / name / 'samples' / 'x.png').write_text(name)
    (tmp_path / name / 'log.jsonl').write_text(text)
  assert soak.numbers(tmp_path / 'a') != soak.numbers(tmp_path / 'b')
  assert soak.pictures(tmp_path / 'a') != soak.pictures(tmp_path / 'b')
  flat = soak.Played(0, '', 100.0, [(t, 500 << 20) for t in range(400)])
  grown = flat._replace(memory=[(t, (500 + t) << 20) for t in range(400)])
  assert soak.growth([flat]) == []
  assert re.fullmatch(r'memory grew from \d+ to \d+ MiB', soak.growth([flat, grown])[0])
