"""What a data set is once it has been read: arrays, and a record of how they came to be."""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gan_jax.errors import InputError


class Source(NamedTuple):
  """One split of a data set, example i in row i of every array.

  arrays: 'image' uint8[N,H,W,C] (memory-mapped when it was packed on disk), or f32[N,2] for points
          of the plane, f32[N,1] of the line; 'label' i32[N] where there are labels; any further
          columns, of which uint8[N,H,W,C] are pictures too, e.g. 'source' for what is to be
          translated.
  meta:   the sidecar, JSON-able: 'name', 'split', 'origin' (where the bytes came from), 'sha256'
          (column -> digest of the whole split's bytes, before `split` sliced it), 'preprocessing'
          (what was done to them, a sentence), 'classes' (their names, in the order of the labels),
          'skipped' ({'count', 'names'} of what could not be read), 'where' (the folder of a packed
          set) and whatever else the reader has to say.
  """

  arrays: Mapping[str, np.ndarray]
  meta: Mapping[str, Any]

  def __len__(self) -> int:  # rows, not fields: a NamedTuple would answer 2
    return len(self.arrays['image'])


def in_memory(arrays: Mapping[str, np.ndarray], **meta: Any) -> Source:
  """Arrays that a reader holds in memory -> Source, with their digests. InputError: see `check`."""
  check(arrays, str(meta.get('origin', meta.get('name', 'this data set'))))
  return Source(arrays, {**meta, 'sha256': {k: digest(v) for k, v in arrays.items()}})


def is_picture(name: str, array: Any) -> bool:
  """Whether a column holds what the transform is for: 'image', and all other uint8[...,H,W,C]."""
  return name == 'image' or (array.dtype == np.uint8 and array.ndim >= 4)


def digest(array: np.ndarray) -> str:
  """The SHA-256 of an array's bytes in row-major order (shape and dtype are not part of it)."""
  return hashlib.sha256(np.ascontiguousarray(array).data.cast('B')).hexdigest()


def check(arrays: Mapping[str, np.ndarray], where: str) -> None:
  """Raises InputError for arrays that are not what `Source` says; `where` names them."""
  image, n = arrays['image'], len(arrays['image'])
  pictures = image.dtype == np.uint8 and image.ndim == 4 and image.shape[-1] in (1, 3, 4)
  points = image.dtype == np.float32 and image.shape[1:] in ((1,), (2,))
  if not (pictures or points):
    raise InputError(
      f'images in {where} are {image.dtype}{list(image.shape)}; right would be uint8[N,H,W,C] with '
      f'C of 1, 3 or 4'
    )
  if not n:
    raise InputError(f'there is not one image in {where}')
  for name, column in arrays.items():
    if name == 'z':
      raise InputError(f"{where} has a column 'z', which is the name of the game's noise.")
    if len(column) != n:
      raise InputError(f'{where} has {n} images but {len(column)} rows of {name!r}')
