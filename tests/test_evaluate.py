"""The command: a run, two sets of images, two results, a run that is going on, bad input."""

import json
import shutil

import numpy as np
import pytest

from tests import commands
from tests.messages import says

METRICS = '--metrics=frechet, two_sample(features=random_conv)'


def evaluate(*flags):
  """Without a PATH: which revision of the code measures cannot be asked of git, and need not."""
  return commands.run('gan_jax.evaluate', *flags, PATH='')


def test_evaluate_follows_a_run_checkpoint_by_checkpoint_and_plots(trained, tmp_path):
  run = shutil.copytree(trained('digits'), tmp_path / 'run')
  done = evaluate(f'--workdir={run}', METRICS, '--features=random_conv', '--n=200', '--follow')
  assert done.status == 0, done.err
  says(done.out, 'protocol  features random_conv:0')
  results = sorted((run / 'evaluations').glob('*.json'))
  assert [path.stem for path in results] == ['00000004', '00000008']
  last = json.loads(results[-1].read_text())
  assert last['of']['round'] == 8
  assert last['code']['revision'] == 'unknown'
  found = last['metrics']['frechet']
  assert found['values']['frechet'] > 0
  assert found['protocol']['n_fake'] == 200
  assert found['protocol']['weights'] == 'averaged'
  assert (run / 'evaluations.png').exists()
  done = evaluate(f'--compare={",".join(map(str, results))}')
  assert done.status == 0, done.err
  assert done.out.splitlines()[1].startswith('frechet ')


def test_evaluate_measures_a_population_member_by_member(trained, tmp_path):
  run = shutil.copytree(trained('population'), tmp_path / 'all')
  done = evaluate(f'--workdir={run}', '--metrics=frechet(features=pixels)', '--n=50')
  assert done.status == 0, done.err
  (group,) = json.loads((run / 'evaluations.json').read_text())
  each = [
    json.loads((run / f'seed={i}' / 'evaluations' / '00000004.json').read_text()) for i in range(3)
  ]
  values = [one['metrics']['frechet']['values']['frechet'] for one in each]
  assert np.std(values) > 0
  found = group['numbers']['frechet']
  assert found['mean'] == pytest.approx(np.mean(values))
  assert found['sd'] == pytest.approx(np.std(values, ddof=1))
  says(done.out, '±')


@pytest.fixture(scope='module')
def sets(tmp_path_factory):
  """Files of 60 images each: two of one distribution, one of another."""
  folder, rng = tmp_path_factory.mktemp('sets'), np.random.default_rng(0)
  for name, high in (('a', 256), ('b', 256), ('dark', 90)):
    images = rng.integers(0, high, (60, 8, 8, 1)).astype(np.uint8)
    np.savez(folder / f'{name}.npz', images=images)
  return folder


def test_evaluate_measures_sets_of_images_without_a_run(sets, tmp_path):
  found = {}
  for fake in ('b', 'dark'):
    out = tmp_path / f'{fake}.json'
    names = (f'--fake={sets}/{fake}.npz', f'--real={sets}/a.npz', f'--out={out}')
    done = evaluate(*names, '--metrics=kernel_distance, two_sample')
    assert done.status == 0, done.err
    found[fake] = json.loads(out.read_text())['metrics']
    assert list(found[fake]) == ['kernel_distance', 'two_sample']
  dark, b = (found[fake]['kernel_distance']['values']['kernel_distance'] for fake in ('dark', 'b'))
  assert dark > 10 * abs(b)


def test_evaluate_names_a_metric_that_cannot_be_had(sets, tmp_path):
  """The others are there, and the status is 1."""
  names = (f'--fake={sets}/b.npz', f'--real={sets}/a.npz', f'--out={tmp_path}/some.json')
  done = evaluate(*names, '--metrics=frechet, class_score, roundtrip')
  assert done.status == 1
  told = {line.split()[0]: line for line in done.out.splitlines() if line.strip()}
  says(told['class_score'], 'random_conv')
  says(told['roundtrip'], 'networks')
  assert list(json.loads((tmp_path / 'some.json').read_text())['metrics']) == ['frechet']


@pytest.mark.parametrize(
  ('flags', 'facts'),
  [
    ([], ('--workdir=', '--fake=', '--real=')),
    (['--fake=a.npz'], ('--fake=', '--real=')),
    (['--workdir=nowhere'], ('nowhere',)),
    (['--compare=nowhere.json,b.json'], ('nowhere.json',)),
  ],
)
def test_evaluate_refuses_bad_input_in_one_line(flags, facts):
  done = evaluate(*flags)
  assert done.status == 1
  says(done.err, *facts)
  assert len(done.err.strip().splitlines()) == 1
