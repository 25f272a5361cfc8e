"""The watch in a run: it warns, ends the run, or goes back; and the best checkpoint is kept.

Covers: best.py.
"""

import contextlib
import io
import pathlib

import jax
import numpy as np
import pytest

from gan_jax import back, best, checkpoint, log, runs, train
from gan_jax.errors import Collapsed
from tests.configs import perceptrons
from tests.messages import refused, says
from tests.runs import assert_same

ONCE = {'4': 1, '6': 1}


def look(sampler, source, key, sick, seen):
  """An eval that shows a collapse at so many looks at each round of `sick`, counted in a file."""
  file = pathlib.Path(seen)
  before = file.read_text().split() if file.exists() else []
  with file.open('a') as out:
    print(sampler.round, file=out)
  ill = before.count(str(sampler.round)) < sick.get(str(sampler.round), 0)
  return {'health': 1.0, 'diversity': 0.01 if ill else 0.9}


def config(act, sick, workdir, rounds=12, **changes):
  """A run in which looks are sick as told; the looks at it are counted beside its folder."""
  seen = f'{workdir}.looks'
  return perceptrons(
    rounds=rounds,
    evals=dict(health=dict(name='tests.test_back.look', every=2, sick=sick, seen=seen)),
    watch=dict(every=2, act=act, **changes),
    checkpoint=dict(every=2, keep=6),
  )


@pytest.fixture(scope='module')
def played(tmp_path_factory):
  """act -> (workdir, state, what was printed) of a run that is sick at rounds 4, 6 and, once, 8."""
  folder, out = tmp_path_factory.mktemp('back'), {}
  for act, sick in (('warn', {**ONCE, '8': 1}), ('back', ONCE)):
    with contextlib.redirect_stdout(io.StringIO()) as said:
      state = train.run(config(act, sick, folder / act), folder / act)
    out[act] = folder / act, state, said.getvalue()
  return out


def test_watch_warns_once_and_the_run_goes_on(played):
  _, state, said = played['warn']
  assert int(state.step) == 12
  (line,) = [line for line in said.splitlines() if 'samples' in line and '0.01' in line]
  says(line, 'round 6')


def test_watch_stops_a_run_with_the_reason(tmp_path):
  workdir = tmp_path / 'run'
  with refused('round 6', "act='stop'", 'checkpoint is 6', '0.01', error=Collapsed):
    train.run(config('stop', ONCE, workdir), workdir)
  assert runs.rounds(workdir) == {2, 4, 6}


def test_go_returns_to_before_the_first_sign_with_other_noise(played):
  workdir, state, said = played['back']
  assert int(state.step) == 12
  says(said, 'back to round 2')
  (only,) = back.returns(workdir)
  assert (only['from'], only['to']) == (6, 2)
  says(only['why'], '0.01')
  steps = [entry['step'] for entry in log.read(workdir) if 'D/loss' in entry]
  assert steps == [2, 4, 6, 8, 10, 12]
  _, straight, _ = played['warn']  # the same run, but for what was done about it
  apart = jax.tree.map(lambda a, b: bool(np.any(a != b)), state.params, straight.params)
  assert any(jax.tree.leaves(apart))


def test_go_is_remembered_by_a_run_that_is_resumed(played, tmp_path):
  workdir = tmp_path / 'parts'
  train.run(config('back', ONCE, workdir, rounds=8), workdir)
  parts = train.run(config('back', ONCE, workdir), workdir)
  assert_same(played['back'][1], parts)


def test_go_returns_only_so_often(tmp_path):
  workdir = tmp_path / 'run'
  with refused('back 1 times', error=Collapsed):
    train.run(config('back', {'4': 9, '6': 9}, workdir, times=1), workdir)


def test_check_refuses_what_leaves_nothing_to_go_back_to(tmp_path):
  told = config('back', ONCE, tmp_path / 'run')
  with refused('checkpoint.keep=3'):
    train.run({**told, 'checkpoint': dict(every=2, keep=2)}, tmp_path / 'run')
  with refused("watch.act='back'", 'population', "'warn'"):
    train.run(told, tmp_path / 'run', vary={'seed': range(2)})
  assert not list(tmp_path.iterdir())


def number(sampler, source, key):
  """3, 1, 2, 0.5 at rounds 2, 4, 6, 8."""
  return {'number': {0: 9.0, 2: 3.0, 4: 1.0, 6: 2.0, 8: 0.5}[sampler.round]}


@pytest.mark.parametrize(('better', 'expected'), [('lower', 8), ('higher', 2)])
def test_best_checkpoint_is_a_run_of_its_own(tmp_path, better, expected):
  wanted = dict(value='number', better=better)
  evals = dict(number=dict(name='tests.test_back.number', every=2))
  kept = dict(every=2, keep=1, best=wanted)
  train.run(perceptrons(evals=evals, checkpoint=kept), tmp_path)
  assert runs.sampler(tmp_path / best.FOLDER).round == expected
  assert runs.read_json(tmp_path / best.FOLDER / best.FILE)['round'] == expected
  manager = checkpoint.open_manager(tmp_path)
  assert manager.all_steps() == [8]
  manager.close()


def test_best_refuses_what_it_does_not_take():
  with refused('checkpoint.best', 'value='):
    best.best(dict(better='lower'))
  with refused("'beter'", "'better'"):
    best.best(dict(value='fid', beter='lower'))
