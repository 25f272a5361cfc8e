"""Few labels: which are told, and that every row shows one."""

import jax
import numpy as np
import pytest

from gan_jax.assemble import facts
from gan_jax.data import digits, loader
from gan_jax.data.labelled import labelled
from gan_jax.data.transforms import scale
from tests.messages import refused

ALL = digits.digits('train')


def test_labelled_tells_so_many_of_each_class_and_no_others():
  source = labelled('digits', per_class=7)
  label = source.arrays['label']
  np.testing.assert_array_equal(source.arrays['image'], ALL.arrays['image'])
  np.testing.assert_array_equal(np.bincount(label[label >= 0]), np.full(10, 7))
  assert (label == -1).sum() == 1500 - 70
  told = label >= 0
  np.testing.assert_array_equal(label[told], ALL.arrays['label'][told])
  assert source.meta['told'] == {'per_class': 7, 'seed': 1}


def test_labelled_images_are_those_told_each_as_often_as_any():
  source = labelled('digits', per_class=7)
  label, image = source.arrays['label'], source.arrays['image']
  at = {image[i].tobytes(): i for i in np.flatnonzero(label >= 0)}
  rows = np.array([at[a.tobytes()] for a in source.arrays['labelled']])
  np.testing.assert_array_equal(source.arrays['known'], label[rows])
  counts = np.bincount(rows)[np.unique(rows)]
  assert len(counts) == 70
  assert counts.max() - counts.min() <= 1
  blocks = [sorted(rows[i : i + 70]) for i in range(0, 1400, 70)]  # dealt turn by turn
  assert all(block == blocks[0] for block in blocks)
  assert not np.array_equal(rows[:70], rows[70:140])


def test_labelled_images_are_decided_by_the_seed_alone():
  same = labelled(dict(name='digits'), per_class=3, seed=5)
  np.testing.assert_array_equal(
    same.arrays['label'], labelled('digits', per_class=3, seed=5).arrays['label']
  )
  other = labelled('digits', per_class=3, seed=6).arrays['label']
  assert not np.array_equal(same.arrays['label'], other)


def test_labelled_images_are_the_authors():
  """inds = permutation(N); the first `count` of each class in that order."""
  inds = np.random.RandomState(1).permutation(1500)
  y = ALL.arrays['label'][inds]
  expected = np.concatenate([inds[y == j][:4] for j in range(10)])
  label = labelled('digits', per_class=4).arrays['label']
  np.testing.assert_array_equal(np.flatnonzero(label >= 0), np.sort(expected))


def test_labelled_keeps_all_labels_of_other_splits():
  test = labelled('digits', per_class=3, split='test')
  assert set(test.arrays) == {'image', 'label'}
  np.testing.assert_array_equal(test.arrays['label'], digits.digits('test').arrays['label'])


def test_labelled_shows_networks_the_classes_and_both_pictures():
  source = labelled('digits', per_class=1)
  known = facts(source, scale(0.0, 1.0))
  assert known.classes == 10
  assert known.columns['labelled'] == ((8, 8, 1), 'float32')
  batches = {name: a[None, :6] for name, a in source.arrays.items()}
  seen = loader.seen(scale(0.0, 1.0), batches, jax.random.key(0))
  np.testing.assert_allclose(seen['labelled'][0], batches['labelled'][0] / 255, rtol=1e-6)


@pytest.mark.parametrize('per_class', [0, 1000])
def test_labelled_refuses_too_few_or_too_many(per_class):
  with refused(f'per_class={per_class}', '1 to'):
    labelled('digits', per_class=per_class)


def test_labelled_refuses_a_source_without_labels(tmp_path):
  np.save(tmp_path / 'images.npy', np.zeros((4, 8, 8, 1), np.uint8))
  with refused('arrays', 'labels'):
    labelled(dict(name='arrays', path=str(tmp_path / 'images.npy')))
