"""What a process does before it becomes a trial."""

import os
import subprocess
import sys
import types

import pytest

from gan_jax.alone import alone
from gan_jax.executors import settle
from tests.messages import says


def test_wait_is_over_when_nothing_is_at_work_in_the_folder(tmp_path, capsys):
  settle.wait(str(tmp_path), 600)
  assert capsys.readouterr().out == ''


def test_wait_says_once_what_it_waits_for_until_its_patience_is_over(tmp_path, capsys, monkeypatch):
  clock = types.SimpleNamespace(monotonic=iter([0.0, 0.0, 0.2, 0.4, 0.6]).__next__, sleep=id)
  monkeypatch.setattr(settle, 'time', clock)
  with alone(tmp_path):
    settle.wait(str(tmp_path), 0.5)
  says(out := capsys.readouterr().out, tmp_path)
  assert out.count('\n') == 1


def test_begins_a_child_that_becomes_the_command(tmp_path):
  words = settle.begins(tmp_path, (sys.executable, '-c', 'print("it is played")'))
  assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == (
    'it is played\n'
  )


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux tells who the parent was')
def test_begins_no_command_for_a_parent_that_is_gone(tmp_path):
  module, gone = [sys.executable, '-m', 'gan_jax.executors.settle'], str(os.getppid())
  words = [*module, gone, '', str(tmp_path), sys.executable, '-c', 'print("it is played")']
  done = subprocess.run(words, capture_output=True, text=True, check=False)
  assert (done.returncode, done.stdout) == (143, '')
