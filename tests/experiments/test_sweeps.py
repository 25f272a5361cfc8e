"""Every sweep of experiments/sweeps/: its trials' configs are made, one of them is played."""

import pathlib

import numpy as np
import pytest

from gan_jax import log, train
from gan_jax.sweeps import book, trials

ROOT = pathlib.Path(__file__).parents[2]
FILES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / 'experiments/sweeps').glob('*.py'))


@pytest.mark.parametrize('file', FILES)
def test_a_sweep_can_be_played(file, tmp_path, monkeypatch):
  monkeypatch.chdir(ROOT)
  assert len(book.read(trials.load(file, 'get_sweep')('')).trials) > 10
  tiny = book.read(trials.load(file, 'get_sweep')('tiny'))
  path, _, arg = tiny.config.partition(':')
  train.run(trials.load(path, 'get_config')(arg), tmp_path)
  measured = [entry[tiny.metric] for entry in log.read(tmp_path) if tiny.metric in entry]
  assert measured
  assert np.isfinite(measured).all()
