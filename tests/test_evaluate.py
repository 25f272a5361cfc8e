"""The command: a run, two sets of images, two results, a run that is going on, bad input."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from gan_jax import train
from tests.test_train import small

ROOT = pathlib.Path(__file__).parents[1]
METRICS = '--metrics=frechet, two_sample(features=random_conv)'


def evaluate(*flags, cache):
  environment = {'GAN_JAX_DATA': str(cache), 'JAX_PLATFORMS': 'cpu', 'PATH': '', 'HOME': str(cache)}
  done = subprocess.run(
    [sys.executable, '-m', 'gan_jax.evaluate', *flags],
    capture_output=True, text=True, cwd=ROOT, env=environment, check=False,
  )  # fmt: skip
  return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
  workdir = tmp_path_factory.mktemp('run')
  train.run(small(rounds=8, evals={}), workdir)
  return workdir


def test_a_run_is_measured_each_checkpoint_as_it_comes_and_plotted(trained, tmp_path):
  flags = (f'--workdir={trained}', METRICS, '--features=random_conv', '--n=200')
  code, out, err = evaluate(*flags, '--follow', cache=tmp_path)
  assert code == 0, err
  assert 'protocol  features random_conv:0' in out
  results = sorted((trained / 'evaluations').glob('*.json'))
  assert [path.stem for path in results] == ['00000004', '00000008']
  last = json.loads(results[-1].read_text())
  assert last['of']['round'] == 8
  found = last['metrics']['frechet']
  assert found['values']['frechet'] > 0
  assert found['protocol']['n_fake'] == 200
  assert found['protocol']['weights'] == 'averaged'
  assert (trained / 'evaluations.png').exists()
  code, out, err = evaluate(f'--compare={",".join(map(str, results))}', cache=tmp_path)
  assert code == 0, err
  assert out.splitlines()[1].startswith('frechet ')


def test_a_population_is_measured_member_by_member_with_its_spread(tmp_path):
  train.run(small(rounds=4, evals={}), tmp_path / 'both', vary={'seed': range(2)})
  flags = (f'--workdir={tmp_path}/both', '--metrics=frechet', '--features=random_conv', '--n=100')
  code, out, err = evaluate(*flags, cache=tmp_path)
  assert code == 0, err
  (group,) = json.loads((tmp_path / 'both' / 'evaluations.json').read_text())
  each = [
    json.loads((tmp_path / 'both' / f'seed={i}' / 'evaluations' / '00000004.json').read_text())
    for i in range(2)
  ]
  values = [one['metrics']['frechet']['values']['frechet'] for one in each]
  found = group['numbers']['frechet']
  assert found['mean'] == pytest.approx(np.mean(values))
  assert found['sd'] == pytest.approx(np.std(values, ddof=1))
  assert '±' in out


@pytest.fixture(scope='module')
def sets(tmp_path_factory):
  """Files of 60 images each: two of one distribution, one of another."""
  folder, rng = tmp_path_factory.mktemp('sets'), np.random.default_rng(0)
  for name, high in (('a', 256), ('b', 256), ('dark', 90)):
    images = rng.integers(0, high, (60, 8, 8, 1)).astype(np.uint8)
    np.savez(folder / f'{name}.npz', images=images)
  return folder


def test_sets_of_images_are_measured_without_a_run(sets, tmp_path):
  found = {}
  for fake in ('b', 'dark'):
    out = sets / f'{fake}.json'
    names = (f'--fake={sets}/{fake}.npz', f'--real={sets}/a.npz', f'--out={out}')
    code, _, err = evaluate(*names, '--metrics=kernel_distance, two_sample', cache=tmp_path)
    assert code == 0, err
    found[fake] = json.loads(out.read_text())['metrics']['kernel_distance']['values']
  assert found['dark']['kernel_distance'] > 10 * abs(found['b']['kernel_distance'])


def test_a_metric_that_cannot_be_had_is_named_and_the_others_are_there(sets, tmp_path):
  names = (f'--fake={sets}/b.npz', f'--real={sets}/a.npz', f'--out={sets}/some.json')
  code, out, _ = evaluate(*names, '--metrics=frechet, class_score, roundtrip', cache=tmp_path)
  assert code == 1
  assert 'class_score        cannot be had: random_conv' in out
  assert 'roundtrip          cannot be had: this takes the networks of a run' in out
  assert list(json.loads((sets / 'some.json').read_text())['metrics']) == ['frechet']


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    ([], 'give --workdir=RUN, or --fake=IMAGES with --real=IMAGES'),
    (['--fake=a.npz'], '--fake=IMAGES is measured against --real=IMAGES'),
    (['--workdir=nowhere'], 'nowhere holds no run'),
    (['--compare=nowhere.json,b.json'], 'nowhere.json is damaged or missing'),
  ],
)
def test_bad_input_is_one_line(flags, message, tmp_path):
  code, _, err = evaluate(*flags, cache=tmp_path)
  assert code == 1
  assert message in err
  assert len(err.strip().splitlines()) == 1
