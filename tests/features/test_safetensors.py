"""Files of safetensors, written by hand as the format is published, and by its own package."""

import json

import ml_dtypes
import numpy as np
import pytest

from gan_jax.errors import InputError
from gan_jax.features.safetensors import read
from gan_jax.features.weights import load


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


def test_reads_arrays_of_every_kind_and_leaves_notes_out(small):
  found = read(small)
  assert set(found) == {'w', 'h'}
  np.testing.assert_array_equal(found['w'], np.arange(6, dtype=np.float32).reshape(2, 3))
  assert found['h'] == 1.5
  assert found['h'].shape == ()


def test_reads_what_its_own_package_wrote(tmp_path):
  package = pytest.importorskip('safetensors.numpy')
  arrays = {'a.b': np.random.default_rng(0).normal(size=(3, 2)), 'n': np.array([7])}
  package.save_file(arrays, tmp_path / 'w.safetensors')
  found = read(tmp_path / 'w.safetensors')
  for name, array in arrays.items():
    np.testing.assert_array_equal(found[name], array)


def test_it_is_converted_once_like_others(small, tmp_path, monkeypatch):
  monkeypatch.setenv('GAN_JAX_DATA', str(tmp_path / 'cache'))
  convert = lambda state: {'layer': {'kernel': 2 * state['w']}}
  tree, digest = load(small, convert)
  np.testing.assert_array_equal(tree['layer']['kernel'], [[0, 2, 4], [6, 8, 10]])
  again, same = load(small, lambda state: pytest.fail('converted twice'))
  np.testing.assert_array_equal(again['layer']['kernel'], tree['layer']['kernel'])
  assert same == digest


def test_other_files_are_refused(small, tmp_path):
  whole = small.read_bytes()
  small.write_bytes(whole[:-4])
  with pytest.raises(InputError, match='no whole safetensors file of weights: ValueError'):
    read(small)
  small.write_bytes(b'{"no": "such file"}')
  with pytest.raises(InputError, match='no room for its header'):
    read(small)
  other = write(tmp_path / 'o', {'w': {'dtype': 'F8', 'shape': [1], 'data_offsets': [0, 1]}}, b'0')
  with pytest.raises(InputError, match="KeyError: 'F8'"):
    read(other)
  with pytest.raises(InputError, match='no whole safetensors'):
    read(write(tmp_path / 'l', [1, 2], b''))
