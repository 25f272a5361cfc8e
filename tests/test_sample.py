"""The command: what it writes, and how it refuses."""

import numpy as np

from tests import commands
from tests.messages import says


def sample(*flags):
  return commands.run('gan_jax.sample', *flags)


def test_sample_draws_an_array_of_one_class_with_z_truncated(trained, tmp_path):
  out = tmp_path / 'images.npy'
  flags = (f'--workdir={trained("conditional")}', f'--out={out}', '--n=5')
  done = sample(*flags, '--label=3', '--truncation=0.5')
  assert done.status == 0, done.err
  says(done.out, '5 images')
  one = np.load(out)
  assert one.shape == (5, 8, 8, 1)
  assert one.dtype == np.uint8
  assert sample(*flags, '--label=3').status == 0
  assert (np.load(out) != one).any()


def test_sample_refuses_a_class_that_there_is_not(trained, tmp_path):
  out = tmp_path / 'x.png'
  done = sample(f'--workdir={trained("conditional")}', f'--out={out}', '--label=10')
  assert done.status == 1
  says(done.err, 'gan_jax: ', 'class 10', '0 to 9')
  assert len(done.err.strip().splitlines()) == 1
  assert not out.exists()


def test_sample_refuses_a_folder_without_a_run(tmp_path):
  done = sample(f'--workdir={tmp_path}')
  assert done.status == 1
  says(done.err, tmp_path, 'config.json')
  assert 'Traceback' not in done.err
