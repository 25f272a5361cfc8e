"""The command: what it writes, and how it refuses."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from gan_jax import train
from tests.test_train import small

ROOT = pathlib.Path(__file__).parents[1]


def sample(*flags):
  done = subprocess.run(
    [sys.executable, '-m', 'gan_jax.sample', *flags],
    capture_output=True, text=True, cwd=ROOT, check=False,
  )  # fmt: skip
  return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope='module')
def told(tmp_path_factory):
  """A run whose G is told the class."""
  workdir = tmp_path_factory.mktemp('run')
  told = dict(nets__G__inputs=('z', 'label'), nets__D__inputs=('image', 'label'))
  train.run(small(rounds=2, evals={}, objective__name='gan.conditional', **told), workdir)
  return workdir


def test_an_array_of_one_class_with_z_truncated(told, tmp_path):
  out = tmp_path / 'images.npy'
  flags = (f'--workdir={told}', f'--out={out}', '--n=5')
  code, said, err = sample(*flags, '--label=3', '--truncation=0.5')
  assert code == 0, err
  assert '5 images' in said
  one = np.load(out)
  assert one.shape == (5, 8, 8, 1)
  assert one.dtype == np.uint8
  assert sample(*flags, '--label=3')[0] == 0
  assert (np.load(out) != one).any()


def test_a_class_that_there_is_not_is_refused(told, tmp_path):
  code, _, err = sample(f'--workdir={told}', f'--out={tmp_path}/x.png', '--label=10')
  assert code == 1
  assert err == 'gan_jax: class 10 is none of the 10 of this run, which are 0 to 9.\n'
