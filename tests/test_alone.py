import subprocess
import sys

import pytest

from gan_jax import runs, train
from gan_jax.alone import alone
from gan_jax.errors import InputError
from tests.test_train import small

HOLDS = """
import sys
from gan_jax.alone import alone
with alone(sys.argv[1]):
  print('held', flush=True)
  sys.stdin.read()
"""


def test_a_folder_is_held_until_its_process_ends_however_that_is(tmp_path):
  other = subprocess.Popen(
    [sys.executable, '-c', HOLDS, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
  )
  with other:
    assert other.stdout.readline() == b'held\n'
    with pytest.raises(InputError, match='another process is at work in'), alone(tmp_path):
      pass
    with pytest.raises(InputError, match='another process is at work in'):
      train.run(small(rounds=2, evals={}), tmp_path)
    assert not (tmp_path / 'config.json').exists()
    other.kill()
  with alone(tmp_path):
    pass


def test_a_run_that_is_over_can_be_gone_on_with(tmp_path):
  train.run(small(rounds=2, evals={}), tmp_path)
  train.run(small(rounds=4, evals={}), tmp_path)
  assert runs.rounds(tmp_path) == {2, 4}


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(InputError, match='cannot be written to'), alone(tmp_path / 'file' / 'run'):
    pass
