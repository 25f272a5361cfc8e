"""Every sweep of experiments/sweeps/: its trials' configs are made, one of them is played."""

import pathlib

import numpy as np
import pytest

from gan_jax import assemble, log, train
from gan_jax.sweeps import book, trials

ROOT = pathlib.Path(__file__).parents[2]
FILES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / 'experiments/sweeps').glob('*.py'))


def first(file):
  """The tiny sweep, and the config that its trials have in common."""
  tiny = book.read(trials.load(file, 'get_sweep')('tiny'))
  path, _, arg = tiny.config.partition(':')
  return tiny, trials.load(path, 'get_config')(arg)


@pytest.mark.parametrize('file', FILES)
def test_get_sweep_has_trials_whose_configs_can_be_made(file, monkeypatch):
  monkeypatch.chdir(ROOT)
  assert len(book.read(trials.load(file, 'get_sweep')('')).trials) > 10
  tiny, config = first(file)
  assert tiny.metric in config.evals
  path = tiny.config.partition(':')[0]
  for each in (trials.load(path, 'get_config')(''), config):
    complete = assemble.complete(each)
    train.check_cadences(complete, train.evals_of(complete['evals']))


@pytest.mark.slow  # a whole run, with all that it measures and draws
@pytest.mark.parametrize('file', FILES)
def test_get_sweep_has_a_metric_that_its_runs_come_to(file, tmp_path, monkeypatch):
  monkeypatch.chdir(ROOT)
  tiny, config = first(file)
  train.run(config, tmp_path)
  measured = [entry[tiny.metric] for entry in log.read(tmp_path) if tiny.metric in entry]
  assert measured
  assert np.isfinite(measured).all()
