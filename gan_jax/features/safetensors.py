"""Weights in the safetensors format: 8 bytes, so long a header in JSON, the numbers."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np

from gan_jax.errors import InputError

DTYPES = {'F64': '<f8', 'F32': '<f4', 'F16': '<f2', 'BF16': ml_dtypes.bfloat16, 'I64': '<i8'}


def read(path: pathlib.Path) -> dict[str, np.ndarray]:
  """Name -> array of all that the file holds.

  Raises InputError if it is another kind of file, cut off, or holds numbers of a rare kind.
  """
  with open(path, 'rb') as stream:
    length = int.from_bytes(stream.read(8), 'little')
    if length > path.stat().st_size:
      raise InputError(f'{path} is no safetensors file: it has no room for its header.')
    try:
      header = json.loads(stream.read(length))
      numbers = stream.read()
      header.pop('__metadata__', None)
      return {name: _array(of, numbers) for name, of in header.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
      why = f'{type(error).__name__}: {error}'
      raise InputError(f'{path} is no whole safetensors file of weights: {why}.') from None


def write(path: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
  """Writes name -> array, whole or not at all; InputError for numbers of a rare kind."""
  kinds = {np.dtype(kind): name for name, kind in DTYPES.items()}
  header: dict[str, Any] = {}
  at = 0
  for name, array in arrays.items():
    if array.dtype not in kinds:
      raise InputError(f'{name} is {array.dtype}, which is not written as safetensors.')
    offsets = [at, at + array.nbytes]
    header[name] = dict(dtype=kinds[array.dtype], shape=list(array.shape), data_offsets=offsets)
    at = offsets[1]
  text = json.dumps(header).encode()
  text += b' ' * (-len(text) % 8)  # so that the numbers are aligned
  beside = path.with_suffix('.tmp')
  with beside.open('wb') as file:
    file.write(len(text).to_bytes(8, 'little') + text)
    for array in arrays.values():
      file.write(np.ascontiguousarray(array).tobytes())
  beside.replace(path)


def _array(of: dict[str, Any], numbers: bytes) -> np.ndarray:
  first, end = of['data_offsets']
  if not 0 <= first <= end <= len(numbers):
    raise ValueError(f'numbers from {first} to {end} of {len(numbers)}')
  return np.frombuffer(numbers[first:end], DTYPES[of['dtype']]).reshape(of['shape'])
