"""The IDX format of MNIST: a magic number, the axes' lengths (big-endian), then the bytes.

Source: http://yann.lecun.com/exdb/mnist/, "The IDX file format".
"""

import gzip
import pathlib
import zlib

import numpy as np

from gan_jax.errors import InputError


def read(path: pathlib.Path, axes: int) -> np.ndarray:
  """An IDX file of unsigned bytes, plain or gzipped -> uint8 array of so many axes.

  Raises:
    InputError: the header, or the number of bytes, is not that of such a file.
  """
  try:
    with open(path, 'rb') as plain:
      squeezed = plain.read(2) == b'\x1f\x8b'
    with gzip.open(path) if squeezed else open(path, 'rb') as file:
      data = file.read()
  except (OSError, EOFError, zlib.error) as e:
    raise InputError(f'{path} cannot be read: {e}') from None
  magic, start = bytes([0, 0, 8, axes]), 4 + 4 * axes
  if data[:4] != magic or len(data) < start:
    raise InputError(
      f'{path} is no IDX file with {axes} axes: it begins with {data[:4].hex() or "nothing"}'
      f', right would be {magic.hex()}'
    )
  shape = np.frombuffer(data, '>u4', axes, offset=4).tolist()
  expected = int(np.prod(shape, dtype=object))
  if len(data) - start != expected:
    raise InputError(
      f'{path} holds {len(data) - start} bytes where its header promises {shape}, {expected}: it '
      f'was '
      f'cut short or is not what it says'
    )
  return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
