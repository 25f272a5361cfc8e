"""The commands as a person meets them: help, wrong words, and what they leave behind.

Covers: command.py.
"""

import atexit
import multiprocessing
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from gan_jax.main import default_workdir
from tests import commands
from tests.messages import says

ROOT = pathlib.Path(__file__).parents[1]
DIGITS = '--config=experiments/gan_digits.py'
COMMANDS = (
  ('main', '--config'), ('sample', '--workdir'), ('evaluate', '--workdir'), ('fit', '--workdir'),
  ('export', '--workdir'), ('tournament', '--runs'), ('watch', '--workdir'),
)  # fmt: skip

OWN = """
from gan_jax.config import experiment
from tests.configs import perceptrons
get_config = lambda: experiment(perceptrons(rounds=4, checkpoint=dict(every=4, keep=1)))
"""


def test_default_workdir_says_what_was_asked_for():
  assert default_workdir('experiments/dcgan_mnist.py', {}) == pathlib.Path('runs/dcgan_mnist')
  assert default_workdir(
    'experiments/dcgan_mnist.py:pair=hinge,width=32', {'seed': 3, 'data.path': 'my photos/x'}
  ) == pathlib.Path('runs/dcgan_mnist-pair=hinge-width=32-path=my_photos_x-seed=3')
  assert default_workdir(
    'experiments/gan_mixture.py', {}, ['seed=0:8', 'players.*.tx.learning_rate=0.1,0.2']
  ) == pathlib.Path('runs/gan_mixture-seed=0_8-learning_rate=0.1_0.2')


@pytest.mark.parametrize(
  ('words', 'facts'),
  [
    ([], ['--config']),
    (['--config=experiments/nothing.py'], ['experiments/nothing.py']),
    ([f'{DIGITS}:tny'], ['tny', 'tiny']),
    ([f'{DIGITS}:tiny=perhaps'], ['tiny', 'perhaps']),
    ([f'{DIGITS}:pair=hing'], ['hing', 'hinge']),
    ([DIGITS, '--config.roundz=4'], ['roundz']),
    ([DIGITS, '--confg=4'], ['confg']),
    ([DIGITS, '--vary=seed'], ['--vary=seed', '--vary=KEY=']),
    ([DIGITS, '--vary=batch=8,16'], ['batch']),
    ([DIGITS, '--dry_run', '--config.driver=stages.run'], ['driver']),
    (['--config=experiments/dcgan_folder.py'], ['path']),
    (['--config=experiments/dcgan_folder.py', '--config.data.path=/no/such'], ['/no/such']),
  ],
)
def test_main_answers_a_wrong_word_in_a_line_without_traceback(words, facts, tmp_path):
  done = commands.run('gan_jax.main', *words, f'--workdir={tmp_path}')
  assert done.status == 1, done.err
  says(done.err, *facts)
  assert 'Traceback' not in done.err
  assert len(done.err.strip().splitlines()) <= 3, done.err


@pytest.mark.parametrize(('name', 'flag'), COMMANDS)
def test_start_answers_help_and_a_flag_that_there_is_not(name, flag):
  """Each command is addressed by its flags, and says which there are."""
  done = commands.run(f'gan_jax.{name}', '--helpshort')
  assert done.status == 1, done  # as absl ends when it has shown its help
  says(done.out, flag)
  assert 'Traceback' not in done.err
  done = commands.run(f'gan_jax.{name}', '--nosuch=1')
  assert done.status == 1
  says(done.err, 'gan_jax: ', 'nosuch')
  assert len(done.err.strip().splitlines()) == 1


def speaks():
  """What a process has of its surroundings; it has one of its own, and says when it ends."""
  atexit.register(print, 'gone')
  other = multiprocessing.get_context('fork').Process(target=print)
  other.start()
  other.join()
  print(os.environ.get('TOLD'), os.getcwd())
  sys.exit('badly')


def waits():
  print('here', flush=True)
  time.sleep(300)


def test_run_is_of_the_environment_and_the_folder_it_is_given(monkeypatch, tmp_path):
  """As from a shell, which the other tests of commands rely on."""
  monkeypatch.setenv('TOLD', 'now')
  assert commands.call(speaks).ended() == (1, f'\nnow {ROOT}\ngone\n', 'badly\n')
  monkeypatch.delenv('TOLD')
  assert commands.call(speaks).ended().out == f'\nNone {ROOT}\ngone\n'
  (tmp_path / 'own.py').write_text('import sys; print(sys.argv[1:], __name__); sys.exit(7)')
  assert commands.run('own', 'a', 'b', cwd=tmp_path) == (7, "['a', 'b'] __main__\n", '')
  waiting = commands.call(waits)
  waiting.until(lambda: waiting.said())
  waiting.send(signal.SIGTERM)
  assert waiting.ended() == (-signal.SIGTERM, 'here\n', '')


def test_main_answers_a_word_that_is_no_flag_with_its_help():
  done = commands.run('gan_jax.main', DIGITS, 'more')
  assert done.status == 1
  says(done.err, '--config', '--vary', "'more'")
  assert 'Traceback' not in done.err


def _trains(command, tmp_path):
  """The folder of a run of OWN."""
  (tmp_path / 'own.py').write_text(OWN)
  run = tmp_path / 'run'
  done = command('main', f'--config={tmp_path}/own.py', f'--workdir={run}')
  assert done.status == 0, done.err
  return run


def test_main_trains_what_sample_then_draws(tmp_path):
  """Five images, in each of three forms."""
  command = lambda name, *words: commands.run(f'gan_jax.{name}', *words)
  run = _trains(command, tmp_path)
  grid, array, folder = tmp_path / 'grid.png', tmp_path / 'images.npy', tmp_path / 'images'
  for out in (grid, array, folder):
    done = command('sample', f'--workdir={run}', '--n=5', f'--out={out}')
    assert done.status == 0, done.err
    assert re.search(rf'\b5\b.*\b4\b.*{re.escape(str(out))}', done.out), done.out
  images = np.load(array)
  assert images.shape == (5, 8, 8, 1)
  assert images.dtype == np.uint8
  with Image.open(grid) as picture:
    assert picture.size[0] > 100
  files = sorted(folder.iterdir())
  assert len(files) == 5
  with Image.open(files[3]) as picture:
    np.testing.assert_array_equal(np.asarray(picture), images[3, ..., 0])


@pytest.mark.slow  # four starts of Python and jax
def test_main_sample_and_evaluate_start_by_themselves(tmp_path):
  """Processes that begin with nothing imported, as from a shell."""

  def command(name, *words):
    done = subprocess.run(
      [sys.executable, '-m', f'gan_jax.{name}', *words],
      capture_output=True, text=True, cwd=ROOT, check=False, env={**os.environ},
    )  # fmt: skip
    return commands.Done(done.returncode, done.stdout, done.stderr)

  run = _trains(command, tmp_path)
  done = command('sample', f'--workdir={run}', '--n=5', f'--out={tmp_path}/images.npy')
  assert done.status == 0, done.err
  assert np.load(tmp_path / 'images.npy').shape == (5, 8, 8, 1)
  metrics = ('--metrics=frechet', '--features=pixels', '--n=20')
  done = command('evaluate', f'--workdir={run}', *metrics)
  assert done.status == 0, done.err
  says(done.out, 'frechet', run / 'evaluations' / '00000004.json')
  done = command('main', f'{DIGITS}:tny')
  assert done.status == 1
  says(done.err, 'gan_jax: ', 'tny', 'tiny')
  assert 'Traceback' not in done.err
