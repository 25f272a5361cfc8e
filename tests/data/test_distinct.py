"""Near-duplicates: which rows go is what comparing all pairs says; copies go and others stay.

Covers: features/hashing.py.
"""

import functools
import io
import re
import runpy
import sys
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax import prepare
from gan_jax.data import distinct as distincts
from gan_jax.data.distinct import distinct, hashed, repeats
from gan_jax.data.opening import opened
from gan_jax.data.source import in_memory
from gan_jax.data.synthetic import synthetic
from gan_jax.features import hashing
from tests import commands
from tests.messages import refused, says

RNG = np.random.default_rng(0)


@pytest.fixture
def optimised(monkeypatch):
  """Hashes are learnt in hundreds of steps, so here it pays to compile them well."""
  jit = functools.partial(jax.jit, compiler_options={'xla_backend_optimization_level': 3})
  monkeypatch.setattr(hashing, 'jax', SimpleNamespace(**{**vars(jax), 'jit': jit}))


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
def test_repeats_are_what_all_pairs_say(distance, size):
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


def test_repeats_of_a_chain_do_not_pull_in_what_is_far():
  bits = np.tri(5, 4, -1, bool)  # each one bit from the one before
  found = repeats(bits, 1)
  assert found.row.tolist() == [1, 3]
  assert found.like.tolist() == [0, 2]


def test_repeats_of_one_are_none_and_of_many_alike_all_but_one(monkeypatch):
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


def test_semantic_hashes_of_copies_are_alike_and_of_others_not(optimised):
  image = synthetic(shape=(64, 64, 3), n=400).arrays['image']
  copies = np.concatenate([image[:40], noisy(image[40:80])])
  both = np.concatenate([image, copies])
  found = repeats(hashed(both, hashing.semantic(both, shown=10_000, batch=32)), 2)
  own = dict(zip(found.row.tolist(), found.like.tolist(), strict=True))
  assert all(own.get(400 + i) == i for i in range(40)), 'exact copies'
  assert sum(own.get(440 + i) == 40 + i for i in range(40)) >= 34, 'copies with noise'
  assert sum(row < 400 for row in own) <= 3, 'fewer than 1 in 100 that are no copies'


@pytest.mark.parametrize('shape', [(28, 28, 1), (12, 20, 3)], ids=['grey', 'oblong and small'])
def test_semantic_hashes_a_level_brighter_are_alike(shape, optimised):
  image = synthetic(shape=shape, n=300).arrays['image']
  copies = np.clip(image[:40].astype(int) + 1, 0, 255).astype(np.uint8)
  both = np.concatenate([image, copies])
  found = repeats(hashed(both, hashing.semantic(both, shown=10_000)), 2)
  own = dict(zip(found.row.tolist(), found.like.tolist(), strict=True))
  assert sum(own.get(300 + i) == i for i in range(40)) >= 34
  assert sum(row < 300 for row in own) <= 6


@pytest.mark.slow  # a network learns on 20,000 images
def test_semantic_hashes_find_near_duplicates_of_photographs(real_data, optimised):
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


def test_semantic_hash_is_of_its_seed_and_of_an_image_alone():
  image = synthetic(shape=(20, 30, 1), n=40).arrays['image']
  make = lambda seed: hashing.semantic(image, seed=seed, shown=200, dim=32)
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


def test_distinct_is_a_source_without_its_near_duplicates(greys, cache):
  exact = distinct(greys, distance=0)
  assert exact.arrays['image'][:, 0, 0, 0].tolist() == [8, 255, 9, 0]
  assert exact.arrays['label'].tolist() == [0, 2, 3, 4]
  assert exact.meta['removed'] == dict(count=2, of=6, pairs=[[1, 0, 0], [5, 0, 0]])
  says(exact.meta['preprocessing'], '2 of 6', 'near-duplicates', '0')
  near = distinct(greys, distance=1)
  assert near.arrays['label'].tolist() == [0, 2]
  assert near.meta['removed']['pairs'][1:3] == [[3, 0, 1], [4, 0, 1]]
  assert len(distinct(greys, 'train[:1]', distance=1)) == 1
  assert len(distinct(greys, 'test', distance=1)) == 6, 'only training is thinned'
  assert opened(dict(name='distinct', of=greys, distance=1)).meta['where'] == near.meta['where']
  shown = distincts.side_by_side(greys, near.meta['removed'])
  assert shown[:, 0, 0, 0].tolist() == [8, 8, 9, 8, 0, 8, 8, 8]


def test_distinct_is_found_out_once(greys, monkeypatch):
  one = distinct(greys)
  monkeypatch.setattr(distincts, 'hashed', lambda *given: pytest.fail('it was packed already'))
  np.testing.assert_array_equal(distinct(greys).arrays['image'], one.arrays['image'])


def test_distinct_refuses_what_cannot_be(greys):
  with refused('distance=-1'):
    distinct(greys, distance=-1)
  with refused('mixture.ring', 'images'):
    distinct(dict(name='mixture.ring', n=10))
  with refused('hashing', 'semantics'):
    distinct(greys, code='hashing.semantics')


def test_prepare_counts_and_shows_what_went(greys, tmp_path):
  text = prepare.prepare(dict(name='distinct', of=greys, split='train+test'), str(tmp_path / 's'))
  says(text, '4 of 6')
  sheet = re.search(r'(\S+-removed\S*\.png)', text).group(1)
  with Image.open(sheet) as image:
    assert set(np.unique(np.asarray(image))) <= {0, 8, 9, 255}
  none = in_memory({'image': np.zeros((2, 4, 4, 1), np.uint8)}, name='a')
  assert list(prepare._removed({}, none, tmp_path)) == []


def prepare_quickly(*words):
  """The command, with a hash that is learnt in 20 steps: what is noise differs by any."""
  hashing.EPOCHS = 20
  sys.argv = ['prepare', *words]
  runpy.run_module('gan_jax.prepare', run_name='__main__', alter_sys=True)


def test_prepare_command_leaves_out_near_duplicates(tmp_path, cache):
  images = RNG.integers(0, 256, (12, 8, 8, 1), np.uint8)
  np.save(tmp_path / 'a.npy', np.concatenate([images, images[:5]]))
  words = ['arrays', f'path={tmp_path}/a.npy', '--distinct', f'--out={tmp_path}/sheets']
  done = commands.call(prepare_quickly, *words, GAN_JAX_DATA=str(cache)).ended()
  assert done.status == 0, done.err
  says(done.out, '5 of 17', "data=dict(name='distinct', of={'name': 'arrays'")
  assert len(list((tmp_path / 'sheets').glob('*.png'))) == 2
