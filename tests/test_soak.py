"""The soak program, for seconds instead of hours."""

import pathlib
import re
import subprocess
import sys

from tests import soak

ROOT = pathlib.Path(__file__).parents[1]


def test_a_run_that_is_killed_comes_to_the_same(tmp_path):
  more = ('--config.checkpoint.every=100', '--config.log_every=20', '--config.devices=1')
  out = subprocess.run(
    [sys.executable, 'tests/soak.py', '--config=experiments/gan_digits.py:tiny', '--rounds=1500',
     '--every=9', '--kills=3', '--seed=1', f'--workdir={tmp_path}', *more],
    cwd=ROOT, capture_output=True, text=True,
  )  # fmt: skip
  assert out.returncode == 0, out.stdout + out.stderr
  lines = out.stdout.splitlines()
  assert re.fullmatch(r'straight .* in 1 processes, no kills; at most \d+ MiB', lines[-3])
  assert re.fullmatch(r'killed .* \d+ SIG\w+.*; at most \d+ MiB', lines[-2])
  assert lines[-1] == 'same     weights, log and pictures'


def test_it_tells_runs_apart_and_sees_memory_grow(tmp_path):
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
