import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from gan_jax import prepare
from gan_jax.data import describe
from gan_jax.data.source import in_memory
from gan_jax.errors import InputError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
  monkeypatch.setenv('GAN_JAX_DATA', str(tmp_path / 'cache'))


@pytest.fixture
def photos(tmp_path):
  """Two classes: 6 dark images and 3 bright ones."""
  for kind, count, value in (('night', 6, 20), ('day', 3, 220)):
    (tmp_path / 'photos' / kind).mkdir(parents=True)
    for i in range(count):
      Image.new('RGB', (30, 20), (value, value, i)).save(tmp_path / 'photos' / kind / f'{i}.png')
  (tmp_path / 'photos' / 'day' / 'broken.jpg').write_bytes(b'x')
  return tmp_path / 'photos'


def test_it_says_what_there_is(photos, tmp_path):
  spec = prepare.arguments(['folder', f'path={photos}', 'size=16'])
  text = prepare.prepare(spec, out=str(tmp_path / 'sheets'), verify=True)
  for expected in (
    'folder, split train: 9 examples',
    'uint8[9, 16, 16, 3]',
    'range          0 to 220',
    '20x30 (9)',
    'skipped        1: day/broken.jpg',
    '2 classes, 3 to 6 each',
    'day          3 ####################\n',
    'night        6 ########################################\n',
    'as they were packed',
    f"data=dict(name='folder', path='{photos}', size=16)",
    f'--config=experiments/dcgan_folder.py --config.data.path={photos} --config.data.size=16',
  ):
    assert expected in text, (expected, text)
  red = (6 * 20 + 3 * 220) / 9
  assert f'mean           {red:.4g} ' in text
  sheet = re.search(r'contact sheet  (.*)', text).group(1)
  with Image.open(sheet) as image:
    pixels = np.asarray(image)
  assert set(pixels[..., 0].ravel()) == {20, 220, 255}
  where = re.search(r'where +(.*)', text).group(1)
  assert (pathlib.Path(where) / 'meta.json').is_file()


def test_words_become_arguments():
  words = ['lsun', 'path=/a b', 'size=64', 'split=train[:10%]', 'limit=None', 'category=2024']
  assert prepare.arguments(words) == {
    'name': 'lsun', 'path': '/a b', 'size': 64, 'split': 'train[:10%]', 'limit': None,
    'category': '2024',
  }  # fmt: skip


def test_words_are_typed_by_the_reader():
  assert prepare.arguments(['tfds:mnist']) == {'name': 'tfds', 'dataset': 'mnist'}
  assert prepare.arguments(['synthetic', 'shape=(8,8,1)'])['shape'] == (8, 8, 1)
  assert prepare.arguments(['folder', 'path=2024', 'size=(8,9)'])['path'] == '2024'
  assert prepare.arguments(['mixture.ring', 'sigma=1'])['sigma'] == 1


@pytest.mark.parametrize(
  ('words', 'message'),
  [
    (['lsun', 'size=big'], 'size=big is not what it takes: int'),
    (['folder', 'size=big'], r'size=big is not what it takes: int \| Sequence'),
    (['synthetic', 'shape=3'], 'shape=3 is not what it takes: tuple'),
    (['mnist', 'check=maybe'], 'check=maybe is not what it takes: bool'),
    ([], 'say which data set.*digits.*mixture.ring.*tfds'),
    (['size=3'], 'say which data set'),
    (['folder', 'photos'], "'photos' is not of the form key=value"),
    (['folder', '=3'], 'not of the form'),
  ],
)
def test_other_words_are_sentences(words, message):
  with pytest.raises(InputError, match=message):
    prepare.arguments(words)


def test_readers_are_found_without_a_list():
  expected = {'digits', 'folder', 'mixture.ring', 'mnist', 'mnist.kmnist', 'packed', 'tfds'}
  assert expected <= set(prepare.readers())
  assert not {'split.select', 'pack.packed', 'listing.images_in'} & set(prepare.readers())


@pytest.mark.parametrize('name', ['digits', 'mixture.ring', 'mixture.swiss_roll', 'synthetic'])
def test_sets_without_files(name, tmp_path):
  text = prepare.prepare({'name': name, 'split': 'train+test'}, out=str(tmp_path))
  assert f'{name}, split train+test' in text
  assert len(list(tmp_path.glob('*.png'))) == 1


def test_statistics_equal_numpy():
  image = np.random.default_rng(0).integers(3, 99, size=(70, 5, 6, 3), dtype=np.uint8)
  low, high, mean, std, note = describe._statistics(image)
  assert (low, high, note) == (image.min(), image.max(), '')
  np.testing.assert_allclose(mean, image.mean((0, 1, 2)))
  np.testing.assert_allclose(std, image.std((0, 1, 2)))


def test_large_sets_are_sampled(monkeypatch):
  monkeypatch.setattr(describe, '_LOOKED_AT', 1000)
  image = np.zeros((100, 5, 6, 1), np.uint8)
  text = describe.describe(in_memory({'image': image}, name='big'))
  assert 'range          0 to 0 (of one example in 3)' in text


def run(*words):
  command = [sys.executable, '-m', 'gan_jax.prepare', *words]
  return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command(photos, tmp_path):
  done = run('folder', f'path={photos}', f'--out={tmp_path}')
  assert done.returncode == 0, done.stderr
  assert 'folder, split train: 9 examples' in done.stdout
  assert done.stderr.count('\n') == 1
  assert '1 of 10 images cannot be read' in done.stderr


@pytest.mark.parametrize(
  ('words', 'message'),
  [
    (['folder', 'path=/nowhere'], 'no folder or .zip of images at /nowhere'),
    (['folder', 'pth=/nowhere'], "did you mean 'path'"),
    (['mnits'], 'Did you mean mnist'),
  ],
)
def test_what_is_wrong_is_one_line(words, message):
  done = run(*words)
  assert done.returncode == 1
  assert message in done.stderr
  assert done.stderr.count('\n') == 1
  assert not done.stdout
