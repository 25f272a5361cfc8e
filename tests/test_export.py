"""A generator that left: it draws the same images without this package."""

import json
import subprocess
import sys

import jax
import jax.export
import numpy as np
import pytest

from gan_jax import export, log, runs, train
from gan_jax.errors import InputError
from gan_jax.features import safetensors
from tests.test_train import small

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
TOLD = dict(nets__G__inputs=('z', 'label'), nets__D__inputs=('image', 'label'))


@pytest.fixture(scope='module', params=['alone', 'told'])
def exported(request, tmp_path_factory):
  """(the folder of a run, and that of what was exported), of a G with BatchNorm."""
  changes = dict(TOLD, objective__name='gan.conditional') if request.param == 'told' else {}
  workdir, out = (tmp_path_factory.mktemp(name) for name in ('run', 'out'))
  train.run(small(rounds=4, evals={}, **changes), workdir)
  (workdir / 'evaluations').mkdir()
  found = dict(frechet=dict(values=dict(frechet=1.5), protocol=dict(n=9), seconds=0.1))
  (workdir / 'evaluations' / '00000004.json').write_text(json.dumps(dict(metrics=found)))
  export.export(workdir, out)
  return workdir, out


def test_it_draws_the_same_images_of_any_number_with_jax_alone(exported):
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


def test_it_is_compiled_for_every_platform(exported):
  _, out = exported
  program = jax.export.deserialize(bytearray((out / 'generator.stablehlo').read_bytes()))
  assert program.platforms == export.PLATFORMS
  assert str(program.out_avals[0].shape[0]) == 'n'


def test_the_weights_are_all_there_by_their_paths(exported):
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


def test_other_readers_of_the_format_read_it(exported):
  library = pytest.importorskip('safetensors.numpy')
  _, out = exported
  found = library.load_file(out / 'weights.safetensors')
  ours = safetensors.read(out / 'weights.safetensors')
  assert found.keys() == ours.keys()
  for name, array in ours.items():
    np.testing.assert_array_equal(found[name], array)


def test_the_card_says_what_it_is_and_what_was_measured(exported):
  _, out = exported
  card = (out / 'README.md').read_text()
  assert '- **frechet**: frechet 1.5 (n 9)' in card
  assert '4 rounds of batches of 8, seed 0' in card
  told = 'label' in (out / 'card.json').read_text()
  assert ('label=' in card) == told
  assert (out / 'samples.png').exists()


def test_what_cannot_be_exported_is_refused(tmp_path):
  run = small(rounds=2, evals={}, prior=dict(name='sphere', dim=4))
  train.run(run, tmp_path / 'run')
  with pytest.raises(InputError, match='a normal or uniform z'):
    export.export(tmp_path / 'run', tmp_path / 'out')
  with pytest.raises(InputError, match='holds no run'):
    export.export(tmp_path / 'nowhere', tmp_path / 'out')
  assert log.read(tmp_path / 'nowhere') == []
