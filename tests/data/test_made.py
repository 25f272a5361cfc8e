"""Sources that are made of other sources: pyramids, classes left out, weights, captions.

Covers: data/captions.py, data/opening.py, data/pyramid.py, data/reweighted.py, data/shapes.py,
data/without.py.
"""

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import encoders, shapes
from gan_jax.data.captions import captions
from gan_jax.data.digits import digits
from gan_jax.data.opening import opened
from gan_jax.data.pyramid import coarsest, doubled, level, shrunk
from gan_jax.data.reweighted import resampled, reweighted
from gan_jax.data.source import digest
from gan_jax.data.synthetic import synthetic
from gan_jax.data.without import without
from tests.messages import refused, says

RNG = np.random.default_rng(0)
OF = dict(name='synthetic', shape=(8, 12, 3), n=30)


def test_opened_takes_a_name_or_a_description_and_changes():
  assert len(opened('digits')) == 1500
  assert len(opened({'name': 'digits', 'split': 'train'}, split='test')) == 297
  with refused('digitz', 'digits'):
    opened('digitz')


# --- pyramids -------------------------------------------------------------------------------------


def test_doubled_is_pillows_bilinear():
  images = RNG.integers(0, 256, (3, 5, 4, 3)).astype(np.uint8)
  found = doubled(images)
  for i in range(3):
    wanted = Image.fromarray(images[i]).resize((8, 10), Image.Resampling.BILINEAR)
    assert np.abs(found[i].astype(int) - np.asarray(wanted).astype(int)).max() <= 1


def test_shrunk_is_the_mean_of_four():
  image = np.uint8([[[[0], [4], [10], [10]], [[8], [4], [10], [13]]]])
  np.testing.assert_array_equal(shrunk(image, 1)[0, ..., 0], [[4, 11]])
  assert shrunk(image, 0) is not None
  with refused('2x4', '2 times'):
    shrunk(image, 2)


def test_level_has_an_image_and_what_halving_leaves_of_it():
  base = synthetic(shape=(8, 12, 3), n=30)
  fine, coarse = level(OF, halved=1), coarsest(OF, halved=2)
  np.testing.assert_array_equal(fine.arrays['image'], shrunk(base.arrays['image'], 1))
  np.testing.assert_array_equal(fine.arrays['source'], doubled(coarse.arrays['image']))
  np.testing.assert_array_equal(fine.arrays['label'], base.arrays['label'])
  assert fine.arrays['source'].dtype == np.uint8
  assert fine.meta['sha256']['image'] == digest(fine.arrays['image'])
  says(fine.meta['preprocessing'], '1')
  assert len(level({**OF, 'split': 'train'}, split='test[:7]')) == 7


# --- classes left out -----------------------------------------------------------------------------


def test_without_leaves_classes_out_of_training_alone():
  known = without(dict(name='digits'), classes=(3, 5))
  label = digits().arrays['label']
  assert set(known.arrays['label']) == set(range(10)) - {3, 5}
  assert len(known) == np.sum(~np.isin(label, (3, 5)))
  asked = without(dict(name='digits'), classes=(3, 5), split='test')
  assert len(asked) == 297
  assert known.meta['left_out'] == asked.meta['left_out'] == (3, 5)


def test_without_refuses_what_cannot_be_left_out():
  with refused('mixture.swiss_roll', 'labels'):
    without(dict(name='mixture.swiss_roll', n=10))
  with refused('0, 1, 2, 3, 4, 5, 6, 7, 8, 9', "'train'"):
    without(dict(name='digits'), classes=tuple(range(10)))


# --- weights --------------------------------------------------------------------------------------


def test_resampled_has_each_example_as_often_as_its_weight_says():
  weights = RNG.random(1000) ** 3
  weights[:100] = 0
  times = np.bincount(resampled(weights), minlength=1000)
  assert times.sum() == 1000
  assert np.abs(times - 1000 * weights / weights.sum()).max() < 1
  np.testing.assert_array_equal(resampled(np.ones(7)), np.arange(7))
  np.testing.assert_array_equal(resampled(np.array([0, 0, 1.0, 0])), [2] * 4)


def test_reweighted_has_weights_of_one_split(tmp_path):
  path = tmp_path / 'w.npy'
  weights = np.zeros(1500)
  weights[[3, 8]] = 1, 2
  np.save(path, weights)
  source = reweighted(dict(name='digits'), str(path))
  label, base = source.arrays['label'], digits()
  assert len(source) == 1500
  np.testing.assert_array_equal(source.arrays['image'][500:], base.arrays['image'][[8] * 1000])
  assert list(label[:500]) == [base.arrays['label'][3]] * 500
  assert len(reweighted(dict(name='digits'), str(path), split='test')) == 297


@pytest.mark.parametrize(
  'wrong', [np.ones(3), -np.ones(1500), np.zeros(1500), np.full(1500, np.nan)]
)
def test_reweighted_refuses_what_are_no_weights(wrong, tmp_path):
  np.save(tmp_path / 'w.npy', wrong)
  with refused('w.npy', f'{list(wrong.shape)}', '1500'):
    reweighted(dict(name='digits'), str(tmp_path / 'w.npy'))
  with refused(tmp_path / 'v.npy'):
    reweighted(dict(name='digits'), str(tmp_path / 'v.npy'))


# --- captions -------------------------------------------------------------------------------------


def test_hashing_tells_words_apart_and_is_the_same_every_time():
  texts = ['a red disc', 'a blue disc', 'a red cross', 'a red disc']
  codes = encoders.hashing(dim=512)(texts)
  assert codes.shape == (4, 512)
  assert codes.dtype == np.float32
  np.testing.assert_allclose(np.mean(codes**2, axis=1), 1, rtol=1e-5)
  np.testing.assert_array_equal(codes[0], codes[3])
  near = codes @ codes.T / 512
  assert near[0, 1] < 0.9
  assert near[0, 2] < 0.9
  np.testing.assert_array_equal(encoders.hashing(dim=512)(texts), codes)


def test_mean_of_each_averages_several_captions():
  encode = lambda texts: np.array([[len(t), 1] for t in texts], np.float32)
  found = encoders.mean_of_each(encode, [['ab'], ['a', 'abc'], ['abcd']])
  np.testing.assert_array_equal(found, [[2, 1], [2, 1], [4, 1]])


def test_captions_of_a_folder_are_the_texts_beside_its_images(tmp_path):
  for i, split in enumerate(['train', 'train', 'test']):
    (tmp_path / split).mkdir(exist_ok=True)
    Image.fromarray(np.full((4, 4, 3), 50 * i, np.uint8)).save(tmp_path / split / f'{i}.png')
    (tmp_path / split / f'{i}.txt').write_text(f'picture {i}\n\n  picture {i} again \n')
  source = captions(str(tmp_path))
  assert source.arrays['image'].shape == (2, 4, 4, 3)
  wanted = encoders.mean_of_each(
    encoders.hashing(), [[f'picture {i}', f'picture {i} again'] for i in (0, 1)]
  )
  np.testing.assert_array_equal(source.arrays['text'], wanted)
  assert source.meta['captions'] == ['picture 0', 'picture 1']
  assert captions(str(tmp_path), 'test').meta['captions'] == ['picture 2']
  assert len(captions(str(tmp_path), 'train[1:]')) == 1
  (tmp_path / 'train' / '1.txt').unlink()
  with refused('1.png', '1.txt'):
    captions(str(tmp_path))


def test_captions_of_an_archive(tmp_path):
  images = RNG.integers(0, 256, (3, 4, 4, 3)).astype(np.uint8)
  path = str(tmp_path / 'a.npz')
  np.savez(path, images=images, captions=np.array(['one', 'two', 'three']))
  source = captions(path, 'train[1:]')
  np.testing.assert_array_equal(source.arrays['image'], images[1:])
  np.testing.assert_array_equal(source.arrays['text'], encoders.hashing()(['two', 'three']))
  split = dict(images_train=images, captions_train=np.array([['a', 'b']] * 3))
  split |= dict(images_test=images[:1], embeddings_test=np.ones((1, 5)))
  np.savez(path, **split)
  assert captions(path).arrays['text'].shape == (3, 256)
  np.testing.assert_array_equal(captions(path, 'test').arrays['text'], np.ones((1, 5)))


def test_captions_refuses_archives_without_them(tmp_path):
  images = np.zeros((3, 4, 4, 3), np.uint8)
  path = str(tmp_path / 'a.npz')
  np.savez(path, images=images)
  with refused(path, "'captions'", "'embeddings'", 'images'):
    captions(path)
  np.savez(path, images=images, captions=np.array(['one']))
  with refused(path, '[1]', '3 images'):
    captions(path)
  with refused(tmp_path / 'b.npz'):
    captions(str(tmp_path / 'b.npz'))


def test_shapes_are_what_their_captions_say():
  source = shapes.shapes(n=300)
  image, label = source.arrays['image'], source.arrays['label']
  assert image.shape == (300, 16, 16, 3)
  assert source.arrays['text'].shape == (300, 256)
  assert source.meta['classes'][0] == 'a red disc on a dark ground'
  assert source.meta['captions'][7] == shapes.CAPTIONS[label[7]]
  assert len(shapes.CAPTIONS) == len(set(shapes.CAPTIONS)) == 48
  red = image[(label // 2) % 6 == 0].reshape(-1, 256, 3).astype(int)
  most = np.argmax(red[..., 0] - red[..., 1], axis=1)
  ink = red[np.arange(len(red)), most]
  assert (ink[:, 0] > 180).all()
  assert (ink[:, 1:] < 60).all()
  light = image[:, 0, 0].mean(-1) > 127
  np.testing.assert_array_equal(light, label % 2 == 1)
