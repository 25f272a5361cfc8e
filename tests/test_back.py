"""The watch in a run: it warns, ends the run, or goes back; and the best checkpoint is kept."""

import jax
import numpy as np
import pytest

from gan_jax import back, best, checkpoint, log, runs, train
from gan_jax.errors import Collapsed, InputError
from tests.test_train import assert_same, small

SICK: dict[int, int] = {}  # round -> how many looks at it show a collapse


def look(sampler, source, key):
  """An eval that says of a round what the test wants it to; by name in the configs below."""
  left = SICK.get(sampler.round, 0)
  SICK[sampler.round] = left - 1
  return {'health': 1.0, 'diversity': 0.01 if left > 0 else 0.9}


def config(act, rounds=12, **changes):
  return small(
    rounds=rounds,
    evals=dict(health=dict(name='tests.test_back.look', every=2)),
    watch=dict(every=2, act=act, **changes),
    checkpoint=dict(every=2, keep=6),
    play=dict(name='alternating', schedule=('D', 'G')),
  )


@pytest.fixture(autouse=True)
def _healthy():
  SICK.clear()


def test_a_warning_is_said_once_and_the_run_goes_on(tmp_path, capsys):
  SICK.update({4: 1, 6: 1, 8: 1})
  state = train.run(config('warn'), tmp_path)
  assert int(state.step) == 12
  said = capsys.readouterr().out
  assert said.count('samples are nearly all alike: they differ 0.01 times') == 1
  assert 'round 6: samples' in said


def test_a_run_that_is_to_be_stopped_ends_with_the_reason(tmp_path):
  SICK.update({4: 1, 6: 1})
  with pytest.raises(Collapsed, match=r"round 6: samples.*act='stop' says; the newest check.* 6"):
    train.run(config('stop'), tmp_path)
  assert runs.rounds(tmp_path) == {2, 4, 6}


def test_going_back_is_to_before_the_first_sign_and_with_other_noise(tmp_path, capsys):
  SICK.update({4: 1, 6: 1})
  state = train.run(config('back'), tmp_path)
  assert int(state.step) == 12
  assert 'back to round 2, on from there with other noise' in capsys.readouterr().out
  (only,) = back.returns(tmp_path)
  assert (only['from'], only['to']) == (6, 2)
  assert 'nearly all alike' in only['why']
  steps = [entry['step'] for entry in log.read(tmp_path) if 'D/loss' in entry]
  assert steps == [2, 4, 6, 8, 10, 12]
  straight = train.run(config('back'), tmp_path / 'straight')
  apart = jax.tree.map(lambda a, b: bool(np.any(a != b)), state.params, straight.params)
  assert any(jax.tree.leaves(apart))


def test_a_run_that_went_back_and_was_stopped_goes_on_as_one_that_was_not(tmp_path):
  SICK.update({4: 1, 6: 1})
  whole = train.run(config('back'), tmp_path / 'whole')
  SICK.clear()
  SICK.update({4: 1, 6: 1})
  train.run(config('back', rounds=8), tmp_path / 'parts')
  parts = train.run(config('back'), tmp_path / 'parts')
  assert_same(whole, parts)


def test_it_goes_back_only_so_often(tmp_path):
  SICK.update({4: 9, 6: 9})
  with pytest.raises(Collapsed, match='It went back 1 times already'):
    train.run(config('back', times=1), tmp_path)


def test_too_few_checkpoints_to_go_back_to_are_refused_at_once(tmp_path):
  few = {**config('back'), 'checkpoint': dict(every=2, keep=2)}
  with pytest.raises(InputError, match=r'takes checkpoint\.keep=3 or more'):
    train.run(few, tmp_path)
  with pytest.raises(InputError, match='for a run alone'):
    train.run(config('back'), tmp_path, vary={'seed': range(2)})


def number(sampler, source, key):
  """3, 1, 2, 0.5 at rounds 2, 4, 6, 8."""
  return {'number': {0: 9.0, 2: 3.0, 4: 1.0, 6: 2.0, 8: 0.5}[sampler.round]}


@pytest.mark.parametrize(('better', 'expected'), [('lower', 8), ('higher', 2)])
def test_the_best_checkpoint_is_a_run_of_its_own(tmp_path, better, expected):
  wanted = dict(value='number', better=better)
  evals = dict(number=dict(name='tests.test_back.number', every=2))
  kept = dict(every=2, keep=1, best=wanted)
  train.run(small(rounds=8, evals=evals, checkpoint=kept), tmp_path)
  assert runs.sampler(tmp_path / best.FOLDER).round == expected
  assert runs.read_json(tmp_path / best.FOLDER / best.FILE)['round'] == expected
  manager = checkpoint.open_manager(tmp_path)
  assert manager.all_steps() == [8]
  manager.close()


def test_a_wrong_best_is_refused():
  with pytest.raises(InputError, match=r"value='\.\.\.'"):
    best.best(dict(better='lower'))
  with pytest.raises(InputError, match="did you mean 'better'"):
    best.best(dict(value='fid', beter='lower'))
