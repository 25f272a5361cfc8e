"""Pairs, unpaired domains, outlines, and domains that the label tells apart.

Covers: data/domains.py, data/outlines.py, data/unpaired.py.
"""

import numpy as np
import pytest
from PIL import Image

from gan_jax.data.domains import domains
from gan_jax.data.outlines import outlined, outlines
from gan_jax.data.paired import drawn, folders, paired
from gan_jax.data.source import digest
from gan_jax.data.unpaired import unpaired
from tests.messages import refused, says


def picture(seed, size=(6, 8), channels=3):
  return np.random.default_rng(seed).integers(256, size=(*size, channels), dtype=np.uint8)


def save(path, array):
  path.parent.mkdir(parents=True, exist_ok=True)
  Image.fromarray(array).save(path)
  return array


@pytest.fixture
def maps(tmp_path):
  """Six pictures of both halves, in train and val; left and right differ in size from top."""
  at = tmp_path / 'maps'
  for split, numbers in (('train', range(4)), ('val', range(4, 6))):
    for i in numbers:
      save(at / split / f'{i}.png', picture(i, (6, 16)))
  return at


# --- halves side by side --------------------------------------------------------------------------


@pytest.mark.parametrize('direction', ['a_to_b', 'b_to_a'])
def test_paired_halves_become_source_and_image(maps, direction):
  source = paired({'name': 'folder', 'path': str(maps)}, 'train', direction)
  whole = np.stack([picture(i, (6, 16)) for i in range(4)])
  left, right = whole[:, :, :8], whole[:, :, 8:]
  first, second = (left, right) if direction == 'a_to_b' else (right, left)
  np.testing.assert_array_equal(source.arrays['source'], first)
  np.testing.assert_array_equal(source.arrays['image'], second)
  assert source.meta['direction'] == direction
  assert source.meta['sha256']['both'] == digest(whole)
  assert len(paired({'name': 'folder', 'path': str(maps)}, 'val[:1]')) == 1


def test_paired_halves_are_scaled_where_the_source_scales_them(maps):
  of = {'name': 'folder', 'path': str(maps), 'size': (3, 8)}
  assert paired(of).arrays['source'].shape == (4, 3, 4, 3)


def test_paired_takes_an_npz(tmp_path):
  images = np.stack([picture(i, (6, 16)) for i in range(5)])
  np.savez(tmp_path / 'pairs.npz', images=images)
  source = paired({'name': 'arrays', 'path': str(tmp_path / 'pairs.npz')}, 'train[:3]')
  np.testing.assert_array_equal(source.arrays['source'], images[:3, :, :8])


def test_paired_refuses_odd_widths_and_other_directions(tmp_path):
  np.savez(tmp_path / 'odd.npz', images=np.zeros((2, 4, 7, 3), np.uint8))
  of = {'name': 'arrays', 'path': str(tmp_path / 'odd.npz')}
  with refused('width 7'):
    paired(of)
  with refused("'left'", 'a_to_b, b_to_a'):
    paired(of, direction='left')


# --- two folders with equal names -----------------------------------------------------------------


@pytest.fixture
def two(tmp_path):
  for split, name in (('train', '10'), ('train', '9'), ('test', '1')):
    save(tmp_path / 'photo' / split / f'{name}.png', picture(int(name)))
    save(tmp_path / 'map' / split / f'{name}.bmp', picture(100 + int(name), channels=3))
  return str(tmp_path / 'photo'), str(tmp_path / 'map')


def test_folders_pair_equal_names_whatever_their_suffix(two):
  source = folders(*two)
  np.testing.assert_array_equal(source.arrays['source'], [picture(10), picture(9)])
  np.testing.assert_array_equal(source.arrays['image'], [picture(110), picture(109)])
  assert set(source.meta['where']) == {'source', 'image'}
  np.testing.assert_array_equal(folders(*two, 'test').arrays['image'], [picture(101)])
  assert len(folders(*two, 'train+test')) == 3


def test_folders_name_a_picture_without_partner(two, tmp_path):
  save(tmp_path / 'photo' / 'train' / 'alone.png', picture(0))
  with refused('alone', 'photo'):
    folders(*two)


def test_folders_refuse_a_picture_that_cannot_be_read(two, tmp_path):
  (tmp_path / 'map' / 'train' / '10.bmp').write_bytes(b'not an image')
  with refused('10.bmp'):
    folders(*two)


def test_folders_refuse_different_sizes_unless_they_are_scaled(tmp_path):
  save(tmp_path / 'a' / '1.png', picture(0, (6, 8)))
  save(tmp_path / 'b' / '1.png', picture(1, (12, 16)))
  with refused('6x8, 12x16', 'size='):
    folders(str(tmp_path / 'a'), str(tmp_path / 'b'))
  scaled = folders(str(tmp_path / 'a'), str(tmp_path / 'b'), size=4)
  assert scaled.arrays['image'].shape == scaled.arrays['source'].shape == (1, 4, 4, 3)


# --- drawn ----------------------------------------------------------------------------------------


def test_drawn_pairs_are_pictures_and_their_outlines():
  train, test = (drawn(split, (16, 12, 3), n=5) for split in ('train', 'test'))
  np.testing.assert_array_equal(train.arrays['image'], outlined(train.arrays['source']))
  assert train.arrays['image'].shape == (5, 16, 12, 3)
  assert np.any(train.arrays['source'] != test.arrays['source'])
  assert len(drawn('train[:3]', n=5)) == 3


def test_outlined_is_a_dilation_less_the_picture():
  image = np.zeros((1, 5, 5, 1), np.uint8)
  image[0, 2, 2, 0] = 200
  edge = outlined(image)[0, :, :, 0]
  wanted = np.zeros((5, 5), int)
  wanted[1:4, 1:4] = 200
  wanted[2, 2] = 0
  np.testing.assert_array_equal(edge, wanted)


def test_outlines_of_a_set_keep_its_labels(tmp_path):
  image = picture(0, (4, 5), 3)[None]
  np.savez(tmp_path / 'a.npz', images=image, labels=np.array([3]))
  source = outlines({'name': 'arrays', 'path': str(tmp_path / 'a.npz')})
  np.testing.assert_array_equal(source.arrays['image'], outlined(image))
  np.testing.assert_array_equal(source.arrays['label'], [3])
  assert source.meta['sha256']['image'] == digest(outlined(image))


# --- unpaired -------------------------------------------------------------------------------------


@pytest.fixture
def horses(tmp_path):
  """trainA, trainB, testA, testB, as CycleGAN's sets lie."""
  for part, n in (('trainA', 3), ('trainB', 8), ('testA', 2), ('testB', 2)):
    for i in range(n):
      save(tmp_path / part / f'{i}.png', picture(sum(map(ord, part)) + 50 * i))
  return {
    'source': {'name': 'folder', 'path': str(tmp_path / '{split}A')},
    'image': {'name': 'folder', 'path': str(tmp_path / '{split}B')},
  }


def test_unpaired_repeats_the_shorter_domain_evenly_and_always_alike(horses):
  source = unpaired(horses)
  assert source.arrays['source'].shape == source.arrays['image'].shape == (8, 6, 8, 3)
  kinds, counts = np.unique(source.arrays['source'].reshape(8, -1), axis=0, return_counts=True)
  assert len(kinds) == 3
  assert sorted(counts) == [2, 3, 3]
  assert len(np.unique(source.arrays['image'].reshape(8, -1), axis=0)) == 8
  np.testing.assert_array_equal(unpaired(horses).arrays['source'], source.arrays['source'])
  says(source.meta['preprocessing'], '3', '8')


def test_unpaired_opens_splits_before_anything_is_repeated(horses):
  assert len(unpaired(horses, 'test')) == 2
  train, rest = unpaired(horses, 'train[:50%]'), unpaired(horses, 'train[50%:]')
  a, b = ({image.tobytes() for image in s.arrays['source']} for s in (train, rest))
  assert not a & b
  assert (len(train), len(rest)) == (4, 4)


def test_unpaired_takes_two_sources_by_their_columns(horses):
  with refused('source=', 'image='):
    unpaired({'source': horses['source']})


def test_unpaired_takes_any_two_sources():
  of = {'source': {'name': 'synthetic', 'shape': (8, 8, 1), 'n': 4}, 'image': 'digits'}
  source = unpaired(of, 'train')
  assert source.arrays['source'].shape == source.arrays['image'].shape == (1500, 8, 8, 1)


# --- domains --------------------------------------------------------------------------------------


def test_domains_are_labels_and_each_keeps_its_own_split():
  made = {'name': 'synthetic', 'shape': (8, 8, 1), 'n': 10}
  of = {
    'plain': {**made, 'split': 'train[:6]'},
    'edge': {'name': 'outlines', 'of': made, 'split': 'train[6:]'},
  }
  source = domains(of)
  assert source.meta['classes'] == ['edge', 'plain']
  np.testing.assert_array_equal(source.arrays['label'], [0] * 4 + [1] * 6)
  assert source.meta['parts'] == {'edge': 'train[6:]', 'plain': 'train[:6]'}


def test_domains_of_one_or_of_different_shapes_are_refused():
  with refused("{'a': 'digits'}"):
    domains({'a': 'digits'})
  with refused('a [8, 8, 1]', 'b [32, 32, 3]'):
    domains({'a': 'digits', 'b': {'name': 'synthetic', 'n': 2}})
