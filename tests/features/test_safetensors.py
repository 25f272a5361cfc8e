"""Files of safetensors, written by hand as the format is published, and by its own package."""

import json

import ml_dtypes
import numpy as np
import pytest

from gan_jax.features import safetensors
from gan_jax.features.safetensors import read
from gan_jax.features.weights import load
from tests.messages import refused


def write(path, header, numbers):
  text = json.dumps(header).encode()
  path.write_bytes(len(text).to_bytes(8, 'little') + text + numbers)
  return path


@pytest.fixture
def small(tmp_path):
  """{'w': [[0, 1, 2], [3, 4, 5]], 'h': bfloat16 1.5}, with a note."""
  header = {
    '__metadata__': {'format': 'pt'},
    'w': {'dtype': 'F32', 'shape': [2, 3], 'data_offsets': [2, 26]},
    'h': {'dtype': 'BF16', 'shape': [], 'data_offsets': [0, 2]},
  }
  half = np.array(1.5, ml_dtypes.bfloat16).tobytes()
  return write(tmp_path / 'w.safetensors', header, half + np.arange(6, dtype='<f4').tobytes())


def test_read_gives_arrays_of_every_kind_and_leaves_notes_out(small):
  found = read(small)
  assert set(found) == {'w', 'h'}
  np.testing.assert_array_equal(found['w'], np.arange(6, dtype=np.float32).reshape(2, 3))
  assert found['h'] == 1.5
  assert found['h'].shape == ()


def test_read_gives_what_its_own_package_wrote(tmp_path):
  package = pytest.importorskip('safetensors.numpy')
  arrays = {'a.b': np.random.default_rng(0).normal(size=(3, 2)), 'n': np.array([7])}
  package.save_file(arrays, tmp_path / 'w.safetensors')
  found = read(tmp_path / 'w.safetensors')
  for name, array in arrays.items():
    np.testing.assert_array_equal(found[name], array)


def test_write_is_read_again_and_refuses_numbers_of_a_rare_kind(tmp_path):
  arrays = {
    'turned': np.arange(6, dtype=np.float32).reshape(2, 3).T,
    'half': np.array(1.5, ml_dtypes.bfloat16),
    'none': np.zeros((0, 2), np.int64),
  }
  path = tmp_path / 'w.safetensors'
  safetensors.write(path, arrays)
  found = read(path)
  assert list(found) == list(arrays)
  for name, array in arrays.items():
    assert found[name].dtype == array.dtype
    np.testing.assert_array_equal(found[name], array)
  whole = path.read_bytes()
  with refused('odd', 'complex64'):
    safetensors.write(path, {'odd': np.zeros(2, np.complex64)})
  assert path.read_bytes() == whole
  assert [p.name for p in tmp_path.iterdir()] == ['w.safetensors']


def test_load_converts_safetensors_once_like_others(small, tmp_path, monkeypatch):
  monkeypatch.setenv('GAN_JAX_DATA', str(tmp_path / 'cache'))
  convert = lambda state: {'layer': {'kernel': 2 * state['w']}}
  tree, digest = load(small, convert)
  np.testing.assert_array_equal(tree['layer']['kernel'], [[0, 2, 4], [6, 8, 10]])
  again, same = load(small, lambda state: pytest.fail('converted twice'))
  np.testing.assert_array_equal(again['layer']['kernel'], tree['layer']['kernel'])
  assert same == digest


def test_read_refuses_other_files(small, tmp_path):
  whole = small.read_bytes()
  small.write_bytes(whole[:-4])
  with refused(small, 'ValueError'):
    read(small)
  small.write_bytes(b'{"no": "such file"}')
  with refused(small, 'header'):
    read(small)
  other = write(tmp_path / 'o', {'w': {'dtype': 'F8', 'shape': [1], 'data_offsets': [0, 1]}}, b'0')
  with refused(other, "'F8'"):
    read(other)
  with refused(tmp_path / 'l', 'safetensors'):
    read(write(tmp_path / 'l', [1, 2], b''))
