"""Sets that are decoded once: a folder of .npy columns with a sidecar, written whole or not at all.

A packed set is `<cache>/<name>-<digest of the recipe>/` with `image.npy`, maybe `label.npy`, and
`meta.json`, the sidecar. It is written as `.<name>-<digest>.partial` and renamed when all of
it is there; kill -9 in the middle leaves nothing that is taken for whole.
"""

import errno
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import gan_jax
from gan_jax.data import bar as bars
from gan_jax.data import cache, npy
from gan_jax.data.source import Source, check
from gan_jax.errors import InputError

FORMAT = 1  # of the folder and of everything that is done to pixels; part of every recipe
_FULL = (errno.ENOSPC, errno.EDQUOT)
_BLOCK = 1 << 24  # bytes hashed at a time

Write = Callable[[pathlib.Path], Mapping[str, Any]]


def packed(name: str, recipe: Mapping[str, Any], write: Write, resumable: bool = False) -> Source:
  """The packed set of this recipe; `write(folder)` makes it when it is not in the cache yet.

  Args:
    name: what its folder's name begins with.
    recipe: all that determines the content, JSON-able: files with sizes and times, options.
    write: puts the columns into the folder as `<column>.npy` and returns the sidecar's entries.
    resumable: `write` goes on with what it finds in its folder; then what was done is kept when
      it is interrupted, and is removed otherwise.

  Raises:
    InputError: the disk is full, or a packed set is there and damaged.
  """
  target = cache.place(name, {**recipe, 'format': FORMAT})
  if not target.exists():
    with cache.lock(target):
      if not target.exists():  # another process may have packed it while this one waited
        _make(target, recipe, write, resumable)
  return read(target)


def read(folder: pathlib.Path) -> Source:
  """A packed set, its images memory-mapped, after the checks that cost nothing: sizes, shapes."""
  meta = _meta(folder)
  arrays = {}
  for column, fact in meta['columns'].items():
    arrays[column] = npy.load(folder / f'{column}.npy', mapped=column == 'image')
    found = [arrays[column].dtype.name, list(arrays[column].shape)]
    if found != [fact['dtype'], fact['shape']]:
      raise _damaged(folder, f'{column}.npy is {found}, not {[fact["dtype"], fact["shape"]]}')
  check(arrays, str(folder))
  rest = {k: v for k, v in meta.items() if k != 'columns'}
  return Source(arrays, {**rest, 'where': str(folder)})


def verify(folder: pathlib.Path | str) -> int:
  """Reads every byte of a packed set and compares the digests; -> bytes read.

  Raises:
    InputError: a file differs from what was packed.
  """
  folder = pathlib.Path(folder)
  meta, total = _meta(folder), 0
  for column, fact in meta['columns'].items():
    array = npy.load(folder / f'{column}.npy', mapped=True)
    if (
      _digest(array, f'verify {column}') != meta['sha256'][column]
      or list(array.shape) != fact['shape']
    ):
      raise _damaged(folder, f'the bytes of {column}.npy are not those that were packed')
    total += array.nbytes
  return total


def _make(target: pathlib.Path, recipe: Mapping[str, Any], write: Write, resumable: bool) -> None:
  partial = target.parent / f'.{target.name}.partial'
  if not resumable:
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
  try:
    partial.mkdir(exist_ok=True)
    _seal(partial, {**write(partial), 'recipe': dict(recipe)})
    os.rename(partial, target)
  except OSError as e:
    if e.errno not in _FULL:
      raise
    kept = f'what was done is kept in {partial}' if resumable else 'nothing half-written was left'
    raise InputError(
      f'the disk is full: {target} could not be written ({kept}); make room, or set GAN_JAX_DATA '
      f'to '
      f'a folder with more, and run the same again'
    ) from None
  finally:
    if not resumable:
      shutil.rmtree(partial, ignore_errors=True)


def _seal(folder: pathlib.Path, entries: Mapping[str, Any]) -> None:
  arrays = {p.stem: npy.load(p, mapped=True) for p in sorted(folder.glob('*.npy'))}
  check(arrays, str(entries.get('origin', folder)))
  columns = {k: {'dtype': a.dtype.name, 'shape': list(a.shape)} for k, a in arrays.items()}
  meta = {
    **entries,
    'sha256': {k: _digest(a, f'digest of {k}') for k, a in arrays.items()},
    'columns': columns,
    'versions': {'gan_jax': gan_jax.__version__, 'numpy': np.__version__, 'format': FORMAT},
  }
  with open(folder / 'meta.json', 'w') as file:
    json.dump(meta, file, indent=2)
    file.flush()
    os.fsync(file.fileno())
  for path in folder.iterdir():  # a record of progress, of use until now
    if path.suffix != '.npy' and path.name != 'meta.json':
      path.unlink()


def _meta(folder: pathlib.Path) -> dict[str, Any]:
  try:
    return json.loads((folder / 'meta.json').read_text())
  except (OSError, ValueError) as e:
    raise _damaged(folder, f'its meta.json cannot be read ({e})') from None


def _digest(array: np.ndarray, title: str) -> str:
  """As `source.digest`, block by block, with a bar that shows when it takes long."""
  sha = hashlib.sha256()
  rows = max(1, _BLOCK // max(1, array[:1].nbytes))
  with bars.bar(total=array.nbytes, unit='B', unit_scale=True, desc=title, delay=2) as bar:
    for i in range(0, len(array), rows):
      block = np.ascontiguousarray(array[i : i + rows])
      sha.update(block.data.cast('B'))
      bar.update(block.nbytes)
  return sha.hexdigest()


def _damaged(folder: pathlib.Path, what: str) -> InputError:
  return InputError(
    f'the packed set {folder} is damaged: {what}; remove that folder to pack it again'
  )
