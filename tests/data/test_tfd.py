"""The Toronto Face Database, and arrays that a person has.

Covers: data/arrays.py, data/npy.py.
"""

import numpy as np
import pytest
from scipy.io import savemat

from gan_jax.data.arrays import arrays
from gan_jax.data.tfd import tfd
from tests.messages import refused


@pytest.fixture
def mat(tmp_path):
  rng = np.random.default_rng(0)
  folds = rng.integers(1, 4, size=(60, 5)).astype(np.uint8)
  folds[:20] = 0
  labels = rng.integers(1, 8, size=(60, 1)).astype(np.int16)
  labels[:20] = -1
  content = {
    'images': rng.integers(256, size=(60, 48, 48), dtype=np.uint8),
    'labs_ex': labels,
    'labs_id': np.ones((60, 1), np.int16),
    'folds': folds,
  }
  savemat(tmp_path / 'TFD_48x48.mat', content)
  return tmp_path, content


@pytest.mark.parametrize('fold', range(5))
def test_tfd_folds_are_disjoint_and_complete(mat, fold):
  at, content = mat
  met = []
  for name, code in (('unlabeled', 0), ('train', 1), ('valid', 2), ('test', 3)):
    source = tfd(path=str(at), split=name, fold=fold)
    rows = content['folds'][:, fold] == code
    np.testing.assert_array_equal(source.arrays['image'][..., 0], content['images'][rows])
    met += np.flatnonzero(rows).tolist()
    if code:
      expected = content['labs_ex'][rows, 0] - 1
      np.testing.assert_array_equal(source.arrays['label'], expected)
      assert source.arrays['label'].dtype == np.int32
    else:
      assert set(source.arrays) == {'image'}
  assert sorted(met) == list(range(60))
  full = tfd(path=str(at / 'TFD_48x48.mat'), split='train+valid', fold=fold)
  assert len(full) == np.isin(content['folds'][:, fold], (1, 2)).sum()


def test_tfd_refuses_what_it_cannot_read(mat):
  at, content = mat
  with refused('fold=5', 'TFD_48x48.mat', '0 to 4'):
    tfd(path=str(at), fold=5)
  with refused('TFD_48x48.mat', at / 'nowhere', 'path='):
    tfd(path=str(at / 'nowhere'))
  with refused("'full_train'", 'train', 'valid'):
    tfd(path=str(at), split='full_train')
  (at / 'TFD_48x48.mat').write_bytes(b'0' * 500)
  with refused('TFD_48x48.mat', 'MATLAB'):
    tfd(path=str(at))
  savemat(at / 'TFD_48x48.mat', {'images': content['images']})
  with refused('TFD_48x48.mat', 'labs_ex, folds'):
    tfd(path=str(at))
  savemat(at / 'TFD_48x48.mat', {**content, 'images': content['images'].astype(float)})
  with refused('TFD_48x48.mat', 'float64'):
    tfd(path=str(at))


IMAGES = np.random.default_rng(0).integers(256, size=(9, 6, 5, 3), dtype=np.uint8)
LABELS = np.arange(9)


def test_arrays_keep_values(tmp_path):
  np.savez(tmp_path / 'a.npz', images=IMAGES, labels=LABELS)
  source = arrays(path=str(tmp_path / 'a.npz'), split='train[2:]')
  np.testing.assert_array_equal(source.arrays['image'], IMAGES[2:])
  np.testing.assert_array_equal(source.arrays['label'], LABELS[2:])
  assert source.arrays['label'].dtype == np.int32
  np.save(tmp_path / 'b.npy', IMAGES[..., 0])
  source = arrays(path=str(tmp_path / 'b.npy'))
  np.testing.assert_array_equal(source.arrays['image'][..., 0], IMAGES[..., 0])
  assert set(source.arrays) == {'image'}


def test_arrays_as_keras_has_them(tmp_path):
  y = LABELS[:, None].astype(np.uint8)
  np.savez(tmp_path / 'k.npz', x_train=IMAGES, y_train=y, x_test=IMAGES[:2], y_test=y[:2])
  test = arrays(path=str(tmp_path / 'k.npz'), split='test')
  np.testing.assert_array_equal(test.arrays['image'], IMAGES[:2])
  assert len(arrays(path=str(tmp_path / 'k.npz'), split='train+test')) == 11


@pytest.mark.parametrize(
  ('content', 'facts'),
  [
    ({'images': IMAGES / 255}, ('float64[9, 6, 5, 3]', 'uint8')),
    ({'images': IMAGES.transpose(0, 3, 1, 2)}, ('[9, 3, 6, 5]', 'transpose(0, 2, 3, 1)')),
    ({'images': IMAGES[:0]}, ('a.npz', 'not one')),
    ({'images': IMAGES, 'labels': LABELS[:5]}, ('9', '5', "'label'")),
    ({'images': IMAGES, 'labels': LABELS / 2}, ('a.npz', 'float64[9]')),
    ({'photos': IMAGES}, ("'images'", 'photos')),
    ({'images': np.array([{}, 1])}, ('a.npz', 'allow_pickle')),
  ],
)
def test_arrays_refuse_other_content(tmp_path, content, facts):
  np.savez(tmp_path / 'a.npz', **content)
  with refused(*facts):
    arrays(path=str(tmp_path / 'a.npz'))


def test_arrays_refuse_what_is_no_file(tmp_path):
  with refused(tmp_path, '.npz', '.npy'):
    arrays(path=str(tmp_path))
  (tmp_path / 'x.npy').write_bytes(b'text')
  with refused(tmp_path / 'x.npy', '.npy file'):
    arrays(path=str(tmp_path / 'x.npy'))
