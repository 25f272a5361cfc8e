"""The command that reads a data set once and shows what it is.

Covers: data/bar.py, data/describe.py, data/sheet.py.
"""

import io
import pathlib
import re

import numpy as np
import pytest
from PIL import Image

from gan_jax import prepare
from gan_jax.data import bar, describe, sheet
from gan_jax.data.source import in_memory
from tests import commands
from tests.messages import refused, says


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
  monkeypatch.setenv('GAN_JAX_DATA', str(tmp_path / 'cache'))
  return tmp_path / 'cache'


@pytest.fixture
def photos(tmp_path):
  """Two classes: 6 dark images and 3 bright ones."""
  for kind, count, value in (('night', 6, 20), ('day', 3, 220)):
    (tmp_path / 'photos' / kind).mkdir(parents=True)
    for i in range(count):
      Image.new('RGB', (30, 20), (value, value, i)).save(tmp_path / 'photos' / kind / f'{i}.png')
  (tmp_path / 'photos' / 'day' / 'broken.jpg').write_bytes(b'x')
  return tmp_path / 'photos'


def test_prepare_says_what_there_is(photos, tmp_path):
  spec = prepare.arguments(['folder', f'path={photos}', 'size=16'])
  text = prepare.prepare(spec, out=str(tmp_path / 'sheets'), verify=True)
  red = (6 * 20 + 3 * 220) / 9
  says(
    text,
    'folder',
    'train',
    '9 examples',
    'uint8[9, 16, 16, 3]',
    '0 to 220',
    f' {red:.4g} ',
    '20x30 (9)',
    '1: day/broken.jpg',
    '2 classes',
    '3 to 6',
    'day          3 ####################\n',
    'night        6 ########################################\n',
    'verified',
    f"data=dict(name='folder', path='{photos}', size=16)",
    f'--config=experiments/dcgan_folder.py --config.data.path={photos} --config.data.size=16',
  )
  (at,) = (tmp_path / 'sheets').iterdir()
  says(text, at)
  with Image.open(at) as image:
    pixels = np.asarray(image)
  assert set(pixels[..., 0].ravel()) == {20, 220, 255}
  where = re.search(r'where +(.*)', text).group(1)
  assert (pathlib.Path(where) / 'meta.json').is_file()


def test_arguments_are_made_of_words():
  words = ['lsun', 'path=/a b', 'size=64', 'split=train[:10%]', 'limit=None', 'category=2024']
  assert prepare.arguments(words) == {
    'name': 'lsun', 'path': '/a b', 'size': 64, 'split': 'train[:10%]', 'limit': None,
    'category': '2024',
  }  # fmt: skip


def test_arguments_are_typed_by_the_reader():
  assert prepare.arguments(['tfds:mnist']) == {'name': 'tfds', 'dataset': 'mnist'}
  assert prepare.arguments(['synthetic', 'shape=(8,8,1)'])['shape'] == (8, 8, 1)
  assert prepare.arguments(['folder', 'path=2024', 'size=(8,9)'])['path'] == '2024'
  assert prepare.arguments(['mixture.ring', 'sigma=1'])['sigma'] == 1


@pytest.mark.parametrize(
  ('words', 'facts'),
  [
    (['lsun', 'size=big'], ('size=big', 'int')),
    (['folder', 'size=big'], ('size=big', 'int | Sequence')),
    (['synthetic', 'shape=3'], ('shape=3', 'tuple')),
    (['mnist', 'check=maybe'], ('check=maybe', 'bool')),
    ([], ('gan_jax.prepare', 'digits', 'mixture.ring', 'tfds')),
    (['size=3'], ('gan_jax.prepare', 'digits')),
    (['folder', 'photos'], ("'photos'", 'key=value')),
    (['folder', '=3'], ("'=3'", 'key=value')),
  ],
)
def test_arguments_refuse_other_words(words, facts):
  with refused(*facts):
    prepare.arguments(words)


def test_readers_are_found_without_a_list():
  expected = {'digits', 'folder', 'mixture.ring', 'mnist', 'mnist.kmnist', 'packed', 'tfds'}
  assert expected <= set(prepare.readers())
  assert not {'split.select', 'pack.packed', 'listing.images_in'} & set(prepare.readers())


@pytest.mark.parametrize('name', ['digits', 'mixture.ring', 'mixture.swiss_roll', 'synthetic'])
def test_prepare_takes_sets_without_files(name, tmp_path):
  text = prepare.prepare({'name': name, 'split': 'train+test'}, out=str(tmp_path))
  says(text, name, 'train+test')
  assert len(list(tmp_path.glob('*.png'))) == 1


def test_statistics_equal_numpys():
  image = np.random.default_rng(0).integers(3, 99, size=(70, 5, 6, 3), dtype=np.uint8)
  low, high, mean, std, note = describe._statistics(image)
  assert (low, high, note) == (image.min(), image.max(), '')
  np.testing.assert_allclose(mean, image.mean((0, 1, 2)))
  np.testing.assert_allclose(std, image.std((0, 1, 2)))


def test_describe_samples_large_sets(monkeypatch):
  monkeypatch.setattr(describe, '_LOOKED_AT', 1000)
  image = np.zeros((100, 5, 6, 1), np.uint8)
  text = describe.describe(in_memory({'image': image}, name='big'))
  says(text, '0 to 0', 'one example in 3')


def test_write_sheet_has_a_class_in_each_row(tmp_path):
  level = np.array([10, 20, 30, 40, 50], np.uint8)
  image = np.broadcast_to(level[:, None, None, None], (5, 48, 48, 1))
  source = in_memory({'image': image, 'label': np.array([1, 0, 1, 0, 1], np.int32)}, name='toy')
  with Image.open(sheet.write_sheet(source, tmp_path / 'below' / 'a.png')) as found:
    pixels = np.asarray(found)
  middles = pixels[26::50, 26::50]  # of tiles of 48 pixels and the gaps of 2 between them
  assert middles.shape == (2, 10)
  np.testing.assert_array_equal(middles[:, :4], [[20, 40, 255, 255], [10, 30, 50, 255]])
  assert set(np.unique(pixels)) == {*level.tolist(), 255}


def test_bar_is_seldom_drawn_where_nobody_watches(monkeypatch):
  written = io.StringIO()
  monkeypatch.setattr('sys.stderr', written)
  assert list(bar.bar(range(5000), desc='work')) == list(range(5000))
  drawn = [line for line in re.split('[\r\n]', written.getvalue()) if line]
  assert len(drawn) == 2  # when it begins and when it ends
  says(drawn[-1], 'work', '5000/5000')


@pytest.fixture
def run(cache):
  """The command with these words, in a process of its own."""
  return lambda *words: commands.run('gan_jax.prepare', *words, GAN_JAX_DATA=str(cache))


def test_prepare_command_says_what_there_is(run, photos, tmp_path):
  done = run('folder', f'path={photos}', f'--out={tmp_path}')
  assert done.status == 0, done.err
  says(done.out, 'folder', 'train', '9 examples')
  assert done.err.count('\n') == 1
  says(done.err, '1 of 10')


@pytest.mark.parametrize(
  ('words', 'facts'),
  [
    (['folder', 'path=/nowhere'], ('/nowhere', '.zip')),
    (['folder', 'pth=/nowhere'], ("'pth'", "'path'")),
    (['mnits'], ('mnits', 'mnist')),
  ],
)
def test_prepare_command_says_what_is_wrong_in_one_line(run, words, facts):
  done = run(*words)
  assert done.status == 1
  says(done.err, *facts)
  assert done.err.count('\n') == 1
  assert not done.out
