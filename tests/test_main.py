"""The commands as a person meets them: help, wrong words, and what they leave behind."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from gan_jax.main import default_workdir

ROOT = pathlib.Path(__file__).parents[1]


def gan_jax(command, *words, cwd=ROOT):
  return subprocess.run(
    [sys.executable, '-m', f'gan_jax.{command}', *words],
    capture_output=True,
    text=True,
    cwd=cwd,
    check=False,
    env={**os.environ, 'JAX_PLATFORMS': 'cpu'},
  )


def test_workdir_says_what_was_asked_for():
  assert default_workdir('experiments/dcgan_mnist.py', {}) == pathlib.Path('runs/dcgan_mnist')
  assert default_workdir(
    'experiments/dcgan_mnist.py:pair=hinge,width=32', {'seed': 3, 'data.path': 'my photos/x'}
  ) == pathlib.Path('runs/dcgan_mnist-pair=hinge-width=32-path=my_photos_x-seed=3')
  assert default_workdir(
    'experiments/gan_mixture.py', {}, ['seed=0:8', 'players.*.tx.learning_rate=0.1,0.2']
  ) == pathlib.Path('runs/gan_mixture-seed=0_8-learning_rate=0.1_0.2')


@pytest.mark.parametrize(
  ('words', 'message'),
  [
    ([], '--config'),
    (['--config=experiments/nothing.py'], 'experiments/nothing.py'),
    (['--config=experiments/gan_digits.py:tny'], 'tny'),
    (['--config=experiments/gan_digits.py:tiny=perhaps'], 'tiny is true or false'),
    (['--config=experiments/gan_digits.py:pair=hing'], 'hinge'),
    (['--config=experiments/gan_digits.py', '--config.roundz=4'], 'roundz'),
    (['--config=experiments/gan_digits.py', '--confg=4'], 'confg'),
    (['--config=experiments/gan_digits.py', '--vary=seed'], '--vary=seed is not --vary=KEY='),
    (['--config=experiments/gan_digits.py', '--vary=batch=8,16'], 'shape of the program'),
    (['--config=experiments/dcgan_folder.py'], 'path'),
    (['--config=experiments/dcgan_folder.py', '--config.data.path=/no/such'], '/no/such'),
  ],
)
def test_a_wrong_word_is_one_line_and_no_traceback(words, message, tmp_path):
  done = gan_jax('main', *words, f'--workdir={tmp_path}')
  assert done.returncode == 1, done.stderr
  assert message in done.stderr
  assert 'Traceback' not in done.stderr
  assert len(done.stderr.strip().splitlines()) <= 3, done.stderr


def test_train_then_sample_from_the_shell(tmp_path):
  done = gan_jax('main', '--config=experiments/gan_digits.py:tiny', f'--workdir={tmp_path}/run')
  assert done.returncode == 0, done.stderr
  grid, array, folder = tmp_path / 'grid.png', tmp_path / 'images.npy', tmp_path / 'images'
  for out in (grid, array, folder):
    done = gan_jax('sample', f'--workdir={tmp_path}/run', '--n=5', f'--out={out}')
    assert done.returncode == 0, done.stderr
    assert f'5 images of round 4 in {out}' in done.stdout
  images = np.load(array)
  assert images.shape == (5, 8, 8, 1)
  assert images.dtype == np.uint8
  with Image.open(grid) as picture:
    assert picture.size[0] > 100
  files = sorted(folder.iterdir())
  assert len(files) == 5
  with Image.open(files[3]) as picture:
    np.testing.assert_array_equal(np.asarray(picture), images[3, ..., 0])


def test_sampling_from_nothing_is_a_sentence(tmp_path):
  done = gan_jax('sample', f'--workdir={tmp_path}')
  assert done.returncode == 1
  assert 'holds no run' in done.stderr
  assert 'Traceback' not in done.stderr
