"""Sets prepared by tensorflow-datasets as ArrayRecord, without TensorFlow."""

import io

import numpy as np
import pytest
import tensorflow_datasets as library
from PIL import Image

from gan_jax.data.tfds import tfds
from tests.messages import refused


def picture(i, size=(9, 7)):
  return np.random.default_rng(i).integers(256, size=(*size, 3), dtype=np.uint8)


class Toy(library.core.GeneratorBasedBuilder):
  VERSION = library.core.Version('1.0.0')

  def _info(self):
    return library.core.DatasetInfo(
      builder=self,
      features=library.features.FeaturesDict(
        {
          'image': library.features.Image(shape=(None, None, 3)),
          'label': library.features.ClassLabel(names=['cat', 'dog']),
        }
      ),
    )

  def _split_generators(self, dl_manager):
    return {'train': self._generate_examples(0, 20), 'test': self._generate_examples(20, 26)}

  def _generate_examples(self, start, stop):
    for i in range(start, stop):
      buffer = io.BytesIO()
      Image.fromarray(picture(i, self.size(i))).save(buffer, 'png')
      buffer.seek(0)
      yield i, {'image': buffer, 'label': i % 2}

  def size(self, i):
    return (9, 7)


class Uneven(Toy):
  VERSION = library.core.Version('1.0.0')

  def size(self, i):
    return (9, 7) if i % 4 else (12, 12)


@pytest.fixture(scope='module')
def prepared(tmp_path_factory):
  at = str(tmp_path_factory.mktemp('tfds'))
  for kind in (Toy, Uneven):
    kind(data_dir=at, file_format='array_record').download_and_prepare()
  return at


def test_tfds_values_labels_and_splits(prepared):
  source = tfds('toy', data_dir=prepared)
  image, label = source.arrays['image'], source.arrays['label']
  assert image.shape == (20, 9, 7, 3)
  assert label.dtype == np.int32
  assert source.meta['classes'] == ['cat', 'dog']
  records = library.builder('toy', data_dir=prepared).as_data_source(split='train')
  np.testing.assert_array_equal(image, [r['image'] for r in records])
  np.testing.assert_array_equal(label, [r['label'] for r in records])
  everything = {picture(i).tobytes(): i % 2 for i in range(20)}
  assert {x.tobytes(): y for x, y in zip(image, label, strict=True)} == everything
  again = tfds('toy', split='train[:5]+test', data_dir=prepared)
  assert len(again) == 11
  np.testing.assert_array_equal(again.arrays['image'][:5], image[:5])
  assert isinstance(tfds('toy', split='test', data_dir=prepared).arrays['image'], np.memmap)


def test_tfds_names_sizes_that_differ(prepared):
  with refused('2 sizes', '12x12', '9x7', 'size='):
    tfds('uneven', data_dir=prepared)
  assert tfds('uneven', data_dir=prepared, size=6).arrays['image'].shape == (20, 6, 6, 3)


def test_tfds_counts_and_skips_an_unreadable_record(tmp_path):
  class Broken(Toy):
    VERSION = library.core.Version('1.0.0')

    def _generate_examples(self, start, stop):
      for i, example in super()._generate_examples(start, stop):
        yield i, {**example, 'image': io.BytesIO(b'no image')} if i == 3 else example

  Broken(data_dir=str(tmp_path), file_format='array_record').download_and_prepare()
  source = tfds('broken', data_dir=str(tmp_path))
  assert len(source) == len(source.arrays['label']) == 19
  assert source.meta['skipped']['count'] == 1


def test_tfds_unprepared_says_how_to_prepare(tmp_path):
  with refused('tfds build mnist --file_format=array_record') as caught:
    tfds('mnist', data_dir=str(tmp_path))
  assert '\n' not in str(caught.value)


def test_tfds_prepared_as_tfrecord_says_so(tmp_path, prepared, monkeypatch):
  def tfrecord(*_, **__):
    raise NotImplementedError('Random access data source for file format FileFormat.TFRECORD')

  monkeypatch.setattr(library.core.DatasetBuilder, 'as_data_source', tfrecord)
  with refused('toy', 'TFRecord', 'array_record'):
    tfds('toy', data_dir=prepared)


def test_tfds_suggests_a_known_name(tmp_path):
  with refused("'cifar_10'", 'cifar10'):
    tfds('cifar_10', data_dir=str(tmp_path))
