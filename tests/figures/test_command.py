"""The command, and that looking at a run leaves it as it is."""

import importlib
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from gan_jax import asking, runs, train
from gan_jax.errors import InputError
from tests.test_train import assert_same, small

ROOT = pathlib.Path(__file__).parents[2]
command = importlib.import_module('gan_jax.figures.__main__')


def animated(sampler, source, key, *, frames=3):
  """A picture that moves, and a number."""
  moving = np.arange(frames, dtype=np.uint8)[:, None, None, None] * 80
  return {'animated': np.broadcast_to(moving, (frames, 8, 8, 3)), 'frames': frames}


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
  workdir = tmp_path_factory.mktemp('run')
  train.run(small(rounds=4, evals={}), workdir)
  return workdir


def test_figures_come_to_the_run_with_their_round(trained, tmp_path, capsys):
  names = f'interpolation(rows=2, columns=3), samples, curves, {__name__}.animated(frames=4)'
  assert command.make(trained, names, tmp_path) == []
  told = capsys.readouterr().out
  assert 'frames 4' in told
  assert (tmp_path / 'interpolation_00000004.png').exists()
  assert (tmp_path / 'samples_00000004.png').exists()
  with Image.open(tmp_path / 'animated_00000004.gif') as picture:
    assert picture.n_frames == 4


def test_what_cannot_be_had_is_said_and_the_others_are_made(trained, tmp_path):
  (told,) = command.make(trained, 'classes, walk(points=3)', tmp_path)
  assert told.startswith('classes')
  assert 'cannot be had: this generator is told no class' in told
  assert (tmp_path / 'walk_00000004.png').exists()
  with pytest.raises(InputError, match='Did you mean walk'):
    command.make(trained, 'wolk', tmp_path)


def test_every_figure_is_made_of_a_run_or_says_why_not(trained, tmp_path):
  """What is asked for by leaving --figure out: none of them comes to a bad end."""
  usual = asking.vocabulary('figures')
  names = [f'{file}.{name}' for file, own in usual.items() for name in own]
  refused = command.make(trained, ', '.join(names), tmp_path)
  assert 5 < len(refused) < len(names) - 5
  assert len(list(tmp_path.glob('*.*'))) > 10


def test_figures_never_change_a_run(tmp_path):
  """The same seed with and without them during training: the same weights."""
  evals = {
    name: dict(name=f'figures.{room}.{name}', every=2, **options)
    for room, name, options in (
      ('walks', 'walk', dict(points=2, columns=2)),
      ('neighbours', 'neighbours', dict(rows=1, columns=2)),
    )
  } | {'moving': dict(name=f'{__name__}.animated', every=2)}
  train.run(small(rounds=4, evals={}), tmp_path / 'bare')
  train.run(small(rounds=4, evals=evals), tmp_path / 'seen')
  assert_same(runs.load(tmp_path / 'bare').state, runs.load(tmp_path / 'seen').state)
  assert (tmp_path / 'seen' / 'samples' / 'moving_animated_00000004.gif').exists()


def test_the_command_lists_what_there_is_and_refuses_in_a_sentence(tmp_path):
  call = lambda *flags: subprocess.run(
    [sys.executable, '-m', 'gan_jax.figures', *flags],
    capture_output=True, text=True, cwd=ROOT, check=False,
  )  # fmt: skip
  listed = call('--list')
  assert listed.returncode == 0
  assert 'neighbours.neighbours' in listed.stdout
  refused = call(f'--workdir={tmp_path}')
  assert refused.returncode == 1
  assert 'holds no run' in refused.stderr
