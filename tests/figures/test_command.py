"""The command, and that looking at a run leaves it as it is.

Covers: figures/__main__.py.
"""

import importlib
import shutil

import numpy as np
import pytest
from PIL import Image

from gan_jax import asking, runs, train
from tests import commands
from tests.configs import perceptrons, small
from tests.messages import refused, says
from tests.runs import assert_same

command = importlib.import_module('gan_jax.figures.__main__')


def animated(sampler, source, key, *, frames=3):
  """A picture that moves, and a number."""
  moving = np.arange(frames, dtype=np.uint8)[:, None, None, None] * 80
  return {'animated': np.broadcast_to(moving, (frames, 8, 8, 3)), 'frames': frames}


@pytest.fixture
def run(trained, tmp_path):
  """A run of perceptrons, of its own since curves are drawn into its folder."""
  return shutil.copytree(trained('digits'), tmp_path / 'run')


def test_make_writes_pictures_with_their_round_and_tells_numbers(run, tmp_path, capsys):
  names = f'interpolation(rows=2, columns=3), samples, curves, {__name__}.animated(frames=4)'
  assert command.make(run, names, tmp_path) == []
  says(capsys.readouterr().out, 'frames 4', 'curves.png')
  assert (tmp_path / 'interpolation_00000008.png').exists()
  assert (tmp_path / 'samples_00000008.png').exists()
  assert (run / 'curves.png').exists()
  with Image.open(tmp_path / 'animated_00000008.gif') as picture:
    assert picture.n_frames == 4


def test_make_says_what_cannot_be_had_and_makes_the_others(run, tmp_path):
  (told,) = command.make(run, 'classes, walk(points=3)', tmp_path)
  says(told, 'classes', 'cannot be had', 'class')
  assert (tmp_path / 'walk_00000008.png').exists()
  with refused('wolk', 'walk'):
    command.make(run, 'wolk', tmp_path)


@pytest.mark.slow  # some thirty figures, of which each compiles its own
def test_make_has_every_figure_of_a_run_or_says_why_not(trained, tmp_path):
  """What is asked for by leaving --figure out: none of them comes to a bad end, of convolutions."""
  run, usual = shutil.copytree(trained('dcgan'), tmp_path / 'run'), asking.vocabulary('figures')
  names = [f'{file}.{name}' for file, own in usual.items() for name in own]
  boxed = 'forgetting(boxes=[(0, 0, 0, 4, 4)])'  # without boxes it shows where they might be
  lacking = command.make(run, ', '.join([*names, boxed]), tmp_path / 'out')
  assert 5 < len(lacking) < len(names) - 5
  assert len(list((tmp_path / 'out').glob('*.*'))) > 10
  assert (tmp_path / 'out' / 'forgetting_2_00000008.png').exists()


# slow: BatchNorm and dropout, a program of convolutions
@pytest.mark.parametrize('config', [perceptrons, pytest.param(small, marks=pytest.mark.slow)])
def test_figures_as_evals_never_change_a_run(tmp_path, config):
  """The same seed with and without them during training: the same weights."""
  evals = {
    name: dict(name=f'figures.{room}.{name}', every=4, **options)
    for room, name, options in (
      ('walks', 'walk', dict(points=2, columns=2)),
      ('neighbours', 'neighbours', dict(rows=1, columns=2)),
    )
  } | {'moving': dict(name=f'{__name__}.animated', every=4)}
  train.run(config(evals={}), tmp_path / 'bare')
  train.run(config(evals=evals), tmp_path / 'seen')
  assert_same(runs.load(tmp_path / 'bare').state, runs.load(tmp_path / 'seen').state)
  assert (tmp_path / 'seen' / 'samples' / 'moving_animated_00000008.gif').exists()


def test_figures_lists_what_there_is_and_refuses_an_empty_folder(tmp_path):
  listed = commands.run('gan_jax.figures', '--list')
  assert listed.status == 0, listed
  says(listed.out, 'neighbours.neighbours')
  failed = commands.run('gan_jax.figures', f'--workdir={tmp_path}')
  assert failed.status == 1
  assert failed.err.count('\n') == 1
  says(failed.err, tmp_path, 'config.json')
