""".npy files that are written row after row, of a length that nobody knows yet.

Rows are written with ordinary writes, not through a memory map: on a full disk a map ends the
process with SIGBUS, a write raises OSError.
"""

import contextlib
import io
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from gan_jax.errors import InputError


def header(row: Sequence[int], dtype: str, n: int) -> bytes:
  """The .npy header of an array [n, *row]; equally long for every n (numpy leaves room to grow)."""
  buffer = io.BytesIO()
  descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
  fields = {'descr': descr, 'fortran_order': False, 'shape': (n, *row)}
  np.lib.format.write_array_header_1_0(buffer, fields)
  return buffer.getvalue()


@contextlib.contextmanager
def appending(
  path: pathlib.Path, row: Sequence[int], dtype: str, keep: int = 0
) -> Iterator[Callable[[np.ndarray], None]]:
  """Writes a .npy file by `append(rows [n, *row])`; its header is true once the block has ended.

  `keep` > 0 goes on with a file whose first `keep` rows are good, whatever follows them. Every
  append reaches the disk before it returns, so that a record of progress may rely on it.
  """
  size, start = int(np.prod(row)) * np.dtype(dtype).itemsize, len(header(row, dtype, 0))
  with open(path, 'r+b' if keep else 'wb') as file:
    if not keep:
      file.write(header(row, dtype, 0))
    file.truncate(start + keep * size)
    file.seek(0, os.SEEK_END)

    def append(rows: np.ndarray) -> None:
      if not len(rows):
        return
      file.write(np.ascontiguousarray(rows, dtype).data.cast('B'))
      file.flush()
      os.fsync(file.fileno())

    yield append
    n = (file.tell() - start) // size
    file.seek(0)
    file.write(header(row, dtype, n))
    file.flush()
    os.fsync(file.fileno())


def load(path: pathlib.Path, mapped: bool) -> np.ndarray:
  """The array, read or memory-mapped. InputError when the file is cut short or no .npy file."""
  try:
    return np.load(path, mmap_mode='r' if mapped else None, allow_pickle=False)
  except (OSError, ValueError, EOFError) as e:
    raise InputError(f'{path} is damaged or no .npy file of numbers ({e})') from None
