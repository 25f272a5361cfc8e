"""Tournaments: of entrants whose skill is known, and of checkpoints of a run."""

import json
import zlib

import numpy as np
import pytest

from gan_jax.tournament import Entrant, play
from tests import commands
from tests.messages import refused, says


def entrant(name, mean, threshold, n=200):
  """Images about that mean where real ones are about 160; D takes for real what is brighter."""
  rng = np.random.default_rng(zlib.crc32(name.encode()))
  image = np.clip(rng.normal(mean, 20, (n, 3, 3, 1)), 0, 255).astype(np.uint8)
  return Entrant(name, image, None, lambda x, y: x.mean((1, 2, 3)) - threshold)


def test_play_is_won_by_the_better_generator_by_every_count():
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


def test_play_refuses_one_model_twice_and_two_sizes():
  real, one = entrant('real', 160, 0).image, entrant('one', 100, 120)
  with refused("['one', 'one']"):
    play([one, one], real)
  with refused('(4, 4, 1)', '(3, 3, 1)'):
    play([one, one._replace(name='two', image=np.zeros((5, 4, 4, 1), np.uint8))], real)


def test_main_of_tournament_plays_checkpoints_of_a_run(trained, tmp_path):
  run, told = trained('digits'), f'--out={tmp_path}/told.json'
  done = commands.run('gan_jax.tournament', f'--runs={run}@4,{run}', '--n=40', told)
  assert done.status == 0, done.err
  says(done.out, 'rating of G', 'NRDS', 'GAM', f'{run}@4')
  told = json.loads((tmp_path / 'told.json').read_text())
  assert {s['name'] for s in told['standings']} == {f'{run}@4', str(run)}
  assert sum(s['nrds'] for s in told['standings']) == pytest.approx(1)
  assert told['protocol']['n_real'] == 40
  done = commands.run('gan_jax.tournament', f'--runs={run}@5,{run}')
  assert done.status == 1
  says(done.err, 'gan_jax: ', run, '5')
