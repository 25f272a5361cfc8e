"""Splits as text: slices and percentages of one or several."""

import numpy as np
import pytest

from gan_jax.data import split
from gan_jax.data.source import in_memory
from tests.messages import refused


def read(name):
  n = {'train': 37, 'test': 11}[name]
  image = np.arange(n, dtype=np.uint8).reshape(n, 1, 1, 1) + (100 if name == 'test' else 0)
  columns = {'image': image, 'label': np.arange(n, dtype=np.int32)}
  if name == 'test':
    del columns['label']
  return in_memory(columns, origin=name, same='x')


def rows(text):
  return split.select(text, ('train', 'test'), read, 'toy').arrays['image'].ravel().tolist()


@pytest.mark.parametrize(
  ('text', 'expected'),
  [
    ('train', range(37)),
    ('train[:10]', range(10)),
    ('train[10:]', range(10, 37)),
    ('train[-5:]', range(32, 37)),
    ('train[3:-30]', range(3, 7)),
    ('train[:10%]', range(4)),  # 3.7
    ('train[10%:20%]', range(4, 7)),
    (' train[ :2 ] + test[-1:]', [0, 1, 110]),
    ('test+train[:1]', [*range(100, 111), 0]),
    ('train[:]', range(37)),
  ],
)
def test_select_takes_the_rows_of_python(text, expected):
  assert rows(text) == list(expected)


@pytest.mark.parametrize('percent', range(3, 97, 7))
def test_select_by_percentages_is_disjoint_and_complete(percent):
  assert rows(f'train[:{percent}%]') + rows(f'train[{percent}%:]') == list(range(37))


def test_bounds_are_those_of_tensorflow_datasets():
  import tensorflow_datasets as tfds

  infos = {
    'train': tfds.core.SplitInfo(
      name='train', shard_lengths=[1237], num_bytes=0,
      filename_template=tfds.core.ShardedFileTemplate(
        dataset_name='toy', data_dir='/tmp', filetype_suffix='array_record', split='train'
      ),
    )
  }  # fmt: skip
  table = tfds.core.splits.SplitDict(infos.values())
  for text in ('train[:33%]', 'train[33%:67%]', 'train[50:]', 'train[-100:]', 'train[99%:]'):
    start, stop = split.bounds(split.parse(text)[0], 1237)
    assert table[text].num_examples == stop - start, text


@pytest.mark.parametrize(
  'text', ['train[5:5]', 'train[:38]', 'train[40:]', 'train[-38:]', 'train[10:5]', 'train[:0%]']
)
def test_select_refuses_what_is_empty_or_outside(text):
  with refused("'train'", '37'):
    rows(text)


@pytest.mark.parametrize('text', ['train[', 'train[1]', 'train+', '', 'train[:5.5%]', 'train[::2]'])
def test_select_refuses_what_is_no_split(text):
  with refused(f'split={text!r}'):
    rows(text)


def test_select_names_the_known_splits():
  with refused('toy', "'val'", 'train, test'):
    rows('val')


def test_select_keeps_the_common_columns_and_both_metas():
  source = split.select('train+test[:2]', ('train', 'test'), read, 'toy')
  assert set(source.arrays) == {'image'}
  assert len(source) == 39
  assert source.meta['origin'] == {'train': 'train', 'test': 'test'}
  assert source.meta['same'] == 'x'
  assert source.meta['split'] == 'train+test[:2]'


def test_select_of_a_slice_is_a_view():
  whole = read('train')
  cut = split.select('train[5:9]', ('train',), lambda _: whole, 'toy')
  assert np.shares_memory(cut.arrays['image'], whole.arrays['image'])
