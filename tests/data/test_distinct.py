"""Near-duplicates: which rows go is what comparing all pairs says; copies go and others stay."""

import io
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from gan_jax import prepare
from gan_jax.data import distinct as distincts
from gan_jax.data.distinct import distinct, hashed, repeats
from gan_jax.data.opening import opened
from gan_jax.data.source import in_memory
from gan_jax.data.synthetic import synthetic
from gan_jax.errors import InputError
from gan_jax.features import hashing

RNG = np.random.default_rng(0)


def brute(bits, distance):
  """By all pairs, in order."""
  kept, out = [], {}
  for j in range(len(bits)):
    near = [i for i in kept if np.sum(bits[i] != bits[j]) <= distance]
    exact = [i for i in near if np.array_equal(bits[i], bits[j])]
    if near:
      out[j] = (exact or near)[0]
    else:
      kept.append(j)
  return out


@pytest.mark.parametrize('distance', [0, 1, 2, 3])
@pytest.mark.parametrize('size', [16, 37])
def test_who_goes_is_what_all_pairs_say(distance, size):
  for n, centres in ((200, 12), (60, 60)):
    bits = RNG.random((centres, size))[RNG.integers(centres, size=n)] < 0.5
    bits ^= RNG.random((n, size)) < 0.04
    found, wanted = repeats(bits, distance), brute(bits, distance)
    assert set(found.row.tolist()) == set(wanted)
    assert not set(found.like.tolist()) & set(wanted), 'what one stands for is kept'
    apart = np.sum(bits[found.row] != bits[found.like], axis=1)
    np.testing.assert_array_equal(found.bits, apart)
    assert (found.like < found.row).all()
    assert apart.max(initial=0) <= distance


def test_a_chain_of_likes_does_not_pull_in_what_is_far():
  bits = np.tri(5, 4, -1, bool)  # each one bit from the one before
  found = repeats(bits, 1)
  assert found.row.tolist() == [1, 3]
  assert found.like.tolist() == [0, 2]


def test_nothing_goes_of_one_or_of_many_alike_all_but_one(monkeypatch):
  assert not len(repeats(np.zeros((1, 8), bool), 2).row)
  assert repeats(np.zeros((50, 8), bool), 2).like.tolist() == [0] * 49
  bits = RNG.random((200, 8)) < 0.5
  whole = repeats(bits, 1)
  monkeypatch.setattr(distincts, '_ROWS', 100)  # a few distances at a time
  for a, b in zip(repeats(bits, 1), whole, strict=True):
    np.testing.assert_array_equal(a, b)


def jpeg(image, quality):
  buffer = io.BytesIO()
  Image.fromarray(image).save(buffer, 'jpeg', quality=quality)
  return np.asarray(Image.open(buffer))


def noisy(images):
  moved = np.round(images + RNG.normal(0, 3, images.shape))
  return np.clip(moved, 0, 255).astype(np.uint8)


def test_copies_go_and_others_stay():
  image = synthetic(shape=(64, 64, 3), n=400).arrays['image']
  copies = np.concatenate([image[:40], noisy(image[40:80])])
  both = np.concatenate([image, copies])
  found = repeats(hashed(both, hashing.semantic(both, shown=20_000, batch=32)), 2)
  own = dict(zip(found.row.tolist(), found.like.tolist(), strict=True))
  assert all(own.get(400 + i) == i for i in range(40)), 'exact copies'
  assert sum(own.get(440 + i) == 40 + i for i in range(40)) >= 34, 'copies with noise'
  assert sum(row < 400 for row in own) <= 3, 'fewer than 1 in 100 that are no copies'


@pytest.mark.parametrize('shape', [(28, 28, 1), (24, 40, 3), (12, 12, 3)])
def test_a_level_brighter_is_the_same_grey_oblong_or_small(shape):
  image = synthetic(shape=shape, n=300).arrays['image']
  copies = np.clip(image[:40].astype(int) + 1, 0, 255).astype(np.uint8)
  both = np.concatenate([image, copies])
  found = repeats(hashed(both, hashing.semantic(both, shown=30_000)), 2)
  own = dict(zip(found.row.tolist(), found.like.tolist(), strict=True))
  assert sum(own.get(300 + i) == i for i in range(40)) >= 34
  assert sum(row < 300 for row in own) <= 6


def test_near_duplicates_of_real_photographs_are_found(real_data):
  image = _planes(np.load(real_data / 'rooms64_train.npz')['d1'])[:600]
  some = image[::20]
  copies = np.concatenate([some, noisy(some), [jpeg(one, 85) for one in some]])
  both = np.concatenate([image, copies])
  found = repeats(hashed(both, hashing.semantic(both, shown=20_000, batch=32)), 2)
  gone = np.isin(np.arange(600, 600 + len(copies)), found.row).reshape(3, -1).mean(axis=1)
  assert gone[0] == 1
  assert (gone[1:] > 0.7).all(), gone
  others = found.row < 600
  assert others.sum() < 20, 'the set has some near-duplicates of its own'
  away = image[found.row[others]].astype(float) - both[found.like[others]]
  assert np.sqrt(np.mean(away**2, axis=(1, 2, 3))).max(initial=0) < 25, 'and no others'


def _planes(d1):
  """The set's own packing: planes G, R-G, B-G of horizontal differences."""
  d1 = d1.copy()
  d1[..., 0] = np.cumsum(d1[..., 0], axis=-1, dtype=np.uint8)
  p = np.cumsum(d1, axis=-1, dtype=np.uint8)
  return np.stack([p[:, 1] + p[:, 0], p[:, 0], p[:, 2] + p[:, 0]], -1)


def test_the_hash_is_that_of_its_seed_and_of_an_image_alone():
  image = synthetic(shape=(20, 30, 1), n=40).arrays['image']
  make = lambda seed: hashing.semantic(image, seed=seed, shown=2000, dim=32)
  code = make(1)
  bits = code(image)
  assert bits.shape == (40, 32)
  assert bits.dtype == bool
  np.testing.assert_array_equal(make(1)(image), bits)
  np.testing.assert_array_equal(code(image[7:9]), bits[7:9])
  assert (make(2)(image) != bits).any()
  assert 0.1 < bits.mean() < 0.9


def levels(image, seed=0):
  """A hash for tests: the bits of an image's mean level."""
  return lambda images: (
    np.unpackbits(images.mean((1, 2, 3)).round().astype(np.uint8)[:, None], 1) > 0
  )


@pytest.fixture
def greys(tmp_path, monkeypatch):
  """Grey images of levels 8 8 255 9 0 8, with labels; 8 and 9 are a bit apart, 8 and 0 too."""
  monkeypatch.setattr(levels, '__module__', hashing.__name__)
  monkeypatch.setattr(hashing, 'semantic', levels)
  level = np.array([8, 8, 255, 9, 0, 8], np.uint8)
  image = np.broadcast_to(level[:, None, None, None], (6, 4, 4, 1)).copy()
  path = tmp_path / 'greys.npz'
  np.savez(path, images_train=image, labels_train=np.arange(6), images_test=image)
  return dict(name='arrays', path=str(path))


def test_a_source_without_its_near_duplicates(greys, cache):
  exact = distinct(greys, distance=0)
  assert exact.arrays['image'][:, 0, 0, 0].tolist() == [8, 255, 9, 0]
  assert exact.arrays['label'].tolist() == [0, 2, 3, 4]
  assert exact.meta['removed'] == dict(count=2, of=6, pairs=[[1, 0, 0], [5, 0, 0]])
  assert '2 of 6 left out as near-duplicates' in exact.meta['preprocessing']
  near = distinct(greys, distance=1)
  assert near.arrays['label'].tolist() == [0, 2]
  assert near.meta['removed']['pairs'][1:3] == [[3, 0, 1], [4, 0, 1]]
  assert len(distinct(greys, 'train[:1]', distance=1)) == 1
  assert len(distinct(greys, 'test', distance=1)) == 6, 'only training is thinned'
  assert opened(dict(name='distinct', of=greys, distance=1)).meta['where'] == near.meta['where']
  shown = distincts.side_by_side(greys, near.meta['removed'])
  assert shown[:, 0, 0, 0].tolist() == [8, 8, 9, 8, 0, 8, 8, 8]


def test_it_is_found_out_once(greys, monkeypatch):
  one = distinct(greys)
  monkeypatch.setattr(distincts, 'hashed', lambda *given: pytest.fail('it was packed already'))
  np.testing.assert_array_equal(distinct(greys).arrays['image'], one.arrays['image'])


def test_what_cannot_be_is_a_sentence(greys):
  with pytest.raises(InputError, match='distance=-1 bits'):
    distinct(greys, distance=-1)
  with pytest.raises(InputError, match='no images that could be near-duplicates'):
    distinct(dict(name='mixture.ring', n=10))
  with pytest.raises(InputError, match='hashing'):
    distinct(greys, code='hashing.semantics')


def test_prepare_counts_and_shows_what_went(greys, tmp_path):
  text = prepare.prepare(dict(name='distinct', of=greys, split='train+test'), str(tmp_path / 's'))
  assert 'removed        4 of 6 near-duplicates' in text
  sheet = re.search(r'removed sheet  (\S+),', text).group(1)
  with Image.open(sheet) as image:
    assert set(np.unique(np.asarray(image))) <= {0, 8, 9, 255}
  none = in_memory({'image': np.zeros((2, 4, 4, 1), np.uint8)}, name='a')
  assert list(prepare._removed({}, none, tmp_path)) == []


def test_the_command(tmp_path):
  images = RNG.integers(0, 256, (12, 8, 8, 3), np.uint8)
  np.save(tmp_path / 'a.npy', np.concatenate([images, images[:5]]))
  words = ['arrays', f'path={tmp_path}/a.npy', '--distinct', f'--out={tmp_path}/sheets']
  command = [sys.executable, '-m', 'gan_jax.prepare', *words]
  done = subprocess.run(command, capture_output=True, text=True, check=False)
  assert done.returncode == 0, done.stderr
  assert 'removed        5 of 17 near-duplicates' in done.stdout
  assert "data=dict(name='distinct', of={'name': 'arrays'" in done.stdout
  assert len(list((tmp_path / 'sheets').glob('*.png'))) == 2
