"""A generator that left: it draws the same images without this package."""

import json
import shutil
import subprocess
import sys

import jax
import jax.export
import numpy as np
import pytest

from gan_jax import export, log, runs
from gan_jax.features import safetensors
from tests.messages import refused, says

CALL = """
import sys
import numpy as np
from load import draw
given = dict(np.load('given.npz'))
images = [np.asarray(draw(n, **{k: v[:n] for k, v in given.items()})) for n in (1, 5, 70)]
assert 'gan_jax' not in sys.modules and 'flax' not in sys.modules
np.savez('images.npz', *images)
assert draw(3, seed=1, **{k: v[:3] for k, v in given.items() if k != 'z'}).dtype == np.uint8
"""


@pytest.fixture(scope='module', params=['dcgan', 'conditional'])
def exported(request, trained, tmp_path_factory):
  """(the folder of a run, and that of what was exported): BatchNorm, a G that is told the class."""
  folder = tmp_path_factory.mktemp('exported')
  workdir, out = shutil.copytree(trained(request.param), folder / 'run'), folder / 'out'
  (workdir / 'evaluations').mkdir()
  found = dict(frechet=dict(values=dict(frechet=1.5), protocol=dict(n=9), seconds=0.1))
  path = workdir / 'evaluations' / f'{max(runs.rounds(workdir)):08d}.json'
  path.write_text(json.dumps(dict(metrics=found)))
  export.export(workdir, out)
  return workdir, out


def test_draw_gives_the_same_images_of_any_number_by_jax_alone(exported):
  workdir, out = exported
  sampler = runs.sampler(workdir)
  names = [one['name'] for one in json.loads((out / 'card.json').read_text())['inputs']]
  given = dict(zip(names, map(np.asarray, sampler.fill(jax.random.key(3), 70)), strict=True))
  np.savez(out / 'given.npz', **given)
  done = subprocess.run(
    [sys.executable, '-c', CALL], cwd=out, capture_output=True, text=True, check=False
  )
  assert done.returncode == 0, done.stderr
  wanted = sampler.display(sampler.generate(*given.values())).astype(int)
  with np.load(out / 'images.npz') as found:
    for n, key in zip((1, 5, 70), found.files, strict=True):
      assert found[key].dtype == np.uint8
      assert np.abs(found[key] - wanted[:n]).max() <= 1  # where a float is near a half
      assert np.mean(found[key] != wanted[:n]) < 0.01


def test_program_is_for_every_platform(exported):
  _, out = exported
  program = jax.export.deserialize(bytearray((out / 'generator.stablehlo').read_bytes()))
  assert program.platforms == export.PLATFORMS
  assert str(program.out_avals[0].shape[0]) == 'n'


def test_export_writes_all_weights_by_their_paths(exported):
  workdir, out = exported
  state = runs.load(workdir).state
  found = safetensors.read(out / 'weights.safetensors')
  np.testing.assert_array_equal(
    found['G/Dense_0/kernel'], np.asarray(state.ema['G']['Dense_0']['kernel'])
  )
  np.testing.assert_array_equal(
    found['D/Dense_0/kernel'], np.asarray(state.params['D']['Dense_0']['kernel'])
  )
  assert len(found) == len(jax.tree.leaves(state.params))


def test_export_writes_what_other_readers_of_safetensors_read(exported):
  library = pytest.importorskip('safetensors.numpy')
  _, out = exported
  found = library.load_file(out / 'weights.safetensors')
  ours = safetensors.read(out / 'weights.safetensors')
  assert found.keys() == ours.keys()
  for name, array in ours.items():
    np.testing.assert_array_equal(found[name], array)


def test_readme_says_what_it_is_and_what_was_measured(exported):
  workdir, out = exported
  card = (out / 'README.md').read_text()
  says(card, '- **frechet**: frechet 1.5 (n 9)')
  says(card, f'{max(runs.rounds(workdir))} rounds of batches of 8, seed 0')
  told = 'label' in (out / 'card.json').read_text()
  assert ('label=' in card) == told
  assert (out / 'samples.png').exists()


def test_export_refuses_other_priors_and_folders_without_a_run(trained, tmp_path):
  run = shutil.copytree(trained('digits'), tmp_path / 'run')
  config = {**runs.config(run), 'prior': dict(name='sphere', dim=4)}
  (run / 'config.json').write_text(json.dumps(config))
  with refused('normal', 'uniform'):
    export.export(run, tmp_path / 'out')
  with refused(tmp_path / 'nowhere', 'config.json'):
    export.export(tmp_path / 'nowhere', tmp_path / 'out')
  assert log.read(tmp_path / 'nowhere') == []
