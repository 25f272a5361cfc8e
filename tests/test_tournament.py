"""Tournaments: of entrants whose skill is known, and of checkpoints of a run."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from gan_jax import train
from gan_jax.errors import InputError
from gan_jax.tournament import Entrant, play
from tests.test_train import small

RNG = np.random.default_rng(0)


def entrant(name, mean, threshold, n=200):
  """Images about that mean where real ones are about 160; D takes for real what is brighter."""
  image = np.clip(RNG.normal(mean, 20, (n, 3, 3, 1)), 0, 255).astype(np.uint8)
  return Entrant(name, image, None, lambda x, y: x.mean((1, 2, 3)) - threshold)


def test_the_better_generator_wins_by_every_count():
  real = entrant('real', 160, 0).image
  models = [entrant('bad', 100, 140), entrant('good', 158, 140), entrant('fair', 138, 140)]
  standings, battles = play(models, real)
  assert [s.name for s in standings] == ['good', 'fair', 'bad']
  for number in ('win_rate', 'rating', 'nrds'):
    values = [getattr(s, number) for s in standings]
    assert values == sorted(values, reverse=True), number
  assert [s.won for s in standings] == [2, 1, 0]
  assert sum(s.nrds for s in standings) == pytest.approx(1)
  assert [(a, b, g.winner) for a, b, g in battles] == [
    ('bad', 'good', 2), ('bad', 'fair', 2), ('good', 'fair', 1)
  ]  # fmt: skip


def test_what_is_no_tournament_is_a_sentence():
  real, one = entrant('real', 160, 0).image, entrant('one', 100, 120)
  with pytest.raises(InputError, match='two or more models, each once'):
    play([one, one], real)
  with pytest.raises(InputError, match='of one size'):
    play([one, one._replace(name='two', image=np.zeros((5, 4, 4, 1), np.uint8))], real)


def test_checkpoints_of_a_run_play_each_other(tmp_path):
  root = pathlib.Path(__file__).parents[1]
  run = tmp_path / 'run'
  train.run(small(evals={}), run)
  command = lambda *flags: subprocess.run(
    [sys.executable, '-m', 'gan_jax.tournament', *flags],
    capture_output=True, text=True, cwd=root, check=False,
  )  # fmt: skip
  done = command(f'--runs={run}@4,{run}', '--n=40', f'--out={tmp_path}/told.json')
  assert done.returncode == 0, done.stderr
  assert 'rating of G' in done.stdout
  told = json.loads((tmp_path / 'told.json').read_text())
  assert {s['name'] for s in told['standings']} == {f'{run}@4', str(run)}
  assert sum(s['nrds'] for s in told['standings']) == pytest.approx(1)
  assert told['protocol']['n_real'] == 40
  done = command(f'--runs={run}@5,{run}')
  assert done.returncode == 1
  assert 'gan_jax: ' in done.stderr
