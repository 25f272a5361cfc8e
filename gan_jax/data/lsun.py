"""LSUN's LMDB databases: key = an image's hash, value = its webp bytes, shorter side 256.

Source: github.com/fyu/lsun. The keys' order is the hashes', so it is as good as shuffled.
"""

import json
import os
import pathlib
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import PIL
from absl import logging

from gan_jax.data import bar as bars
from gan_jax.data import flow, images, npy, pack, sizes
from gan_jax.data import split as splits
from gan_jax.data.source import Source
from gan_jax.errors import InputError

_CHUNK = 64  # values handed to a process at a time, 0.6 MB
_NAMED = 20  # skipped keys that are named in the sidecar; all are counted
Chunk = list[tuple[bytes, bytes]]


def lsun(
  path: str,
  split: str = 'train',
  category: str | None = None,
  size: int = 64,
  limit: int | None = None,
  processes: int = 1,
  filter: str = 'lanczos',
) -> Source:
  """An LSUN category -> image uint8[N,size,size,3], packed once in the cache.

  Killed and run again, it goes on where it was. Memory stays bounded whatever the database's size.

  Args:
    path: the folder `bedroom_train_lmdb` itself, or the one around it.
    split: 'train' or 'val', as the databases are named.
    category: which, when `path` is a folder around several.
    size: the centre square is scaled to so many pixels.
    limit: the first so many images in the order of the keys.
    processes: how many decode at a time (some 200 images/s on a core).
    filter: Pillow's, antialiased: lanczos, bicubic, bilinear or box.

  Raises:
    InputError: there is no such database, lmdb is not installed, or the disk is too small.
  """
  square = sizes.pair(int(size))
  if square is None or filter not in images.FILTERS or (limit is not None and limit < 1):
    raise InputError(
      f'limit={limit!r}, filter={filter!r}: right would be a limit of 1 or more and a filter of '
      f'{", ".join(images.FILTERS)}'
    )
  found = _databases(pathlib.Path(path).expanduser(), category)

  def read(name: str) -> Source:
    at = found[name]
    recipe = {
      'reader': 'lsun',
      'database': _identity(at),
      'options': [size, limit, filter],
      'pillow': PIL.__version__,
    }
    title = f'lsun-{at.name.removesuffix("_lmdb")}-{size}'
    write = partial(
      _write, at=at, split=name, size=square, limit=limit, workers=processes, filter=filter
    )
    return pack.packed(title, recipe, write, resumable=True)

  return splits.select(split, tuple(found), read, f'LSUN in {path}')


def _databases(path: pathlib.Path, category: str | None) -> dict[str, pathlib.Path]:
  """Split -> the folder with its data.mdb."""
  if (path / 'data.mdb').is_file():
    stem = path.name.removesuffix('_lmdb')
    return {
      'val' if stem.endswith('_val') else 'test' if stem.startswith('test') else 'train': path
    }
  found = sorted(p.parent for p in path.glob('*_lmdb/data.mdb'))
  categories = sorted({p.name.removesuffix('_lmdb').rpartition('_')[0] for p in found})
  if category is None and len(categories) == 1:
    category = categories[0]
  chosen = {p.name.removesuffix('_lmdb').rpartition('_')[::2] for p in found}
  databases = {s: path / f'{c}_{s}_lmdb' for c, s in sorted(chosen) if c == category}
  if databases:
    return databases
  if found:
    raise InputError(f'{path} holds LSUN {", ".join(categories)}: say which by category=')
  raise InputError(
    f'there is no LSUN database at {path}: right would be a folder such as bedroom_train_lmdb with '
    f'a '
    f'data.mdb in it (unzip the archive first)'
  )


def _write(
  to: pathlib.Path,
  at: pathlib.Path,
  split: str,
  size: tuple[int, int],
  limit: int | None,
  workers: int,
  filter: str,
) -> Mapping[str, Any]:
  row = (*size, 3)
  state = _state(to, int(np.prod(row)))
  with _open(at) as database:
    total = min(database.stat()['entries'], limit or 1 << 62)
    _room(to, (total - state['rows']) * int(np.prod(row)))
    chunks = _chunks(database, bytes.fromhex(state['key']), total - state['seen'])
    work = partial(_decode, size=size, filter=filter)
    bar = bars.bar(total=total, initial=state['seen'], desc=f'pack {at.name}', unit='image')
    with npy.appending(to / 'image.npy', row, 'uint8', keep=state['rows']) as append, bar:
      for key, pixels, bad in flow.processes(work, chunks, workers):
        append(pixels)
        state['rows'] += len(pixels)
        state['seen'] += len(pixels) + len(bad)
        state['key'] = key.hex()
        state['skipped'] += len(bad)
        state['names'] = (state['names'] + bad)[:_NAMED]
        _record(to, state)
        bar.update(len(pixels) + len(bad))
  if not state['rows']:
    raise InputError(f'not one of the {total} values in {at} is an image')
  if state['skipped']:
    logging.warning(
      '%s: %d of %d values are no image and are left out', at, state['skipped'], total
    )
  return {
    'name': 'lsun',
    'split': split,
    'origin': str(at.absolute()),
    'preprocessing': f'centre square, Pillow {filter} to {size[0]}x{size[1]}',
    'skipped': {'count': state['skipped'], 'names': state['names']},
  }


def _identity(at: pathlib.Path) -> list[Any]:
  """What tells one database from another wherever it lies: to move 43 GB is no reason to repack."""
  with _open(at) as database, database.begin() as transaction:
    cursor = transaction.cursor()
    ends = [cursor.key().hex() for move in (cursor.first, cursor.last) if move()]
    return [(at / 'data.mdb').stat().st_size, database.stat()['entries'], *ends]


def _state(to: pathlib.Path, row: int) -> dict[str, Any]:
  """How far a killed run came: rows (of so many bytes) that are good, values seen, the last key."""
  try:
    state = json.loads((to / 'progress.json').read_text())
    if (to / 'image.npy').stat().st_size > row * state['rows']:
      return state
  except (OSError, ValueError):
    pass
  return {'rows': 0, 'seen': 0, 'key': '', 'skipped': 0, 'names': []}


def _record(to: pathlib.Path, state: Mapping[str, Any]) -> None:
  """Written after the rows it speaks of have reached the disk, and never half."""
  (to / 'progress.tmp').write_text(json.dumps(state))
  os.replace(to / 'progress.tmp', to / 'progress.json')


def _open(at: pathlib.Path) -> Any:
  try:
    import lmdb
  except ImportError:
    raise InputError("LSUN's databases need lmdb: pip install 'gan_jax[lsun]'") from None
  try:
    return lmdb.open(str(at), readonly=True, lock=False, readahead=False, meminit=False)
  except lmdb.Error as e:
    raise InputError(f'{at} is not a readable LMDB database ({e})') from None


def _room(to: pathlib.Path, needed: int) -> None:
  free = shutil.disk_usage(to).free
  if needed > free:
    raise InputError(
      f'packing needs {needed / 1e9:.1f} GB more, {to.parent} has {free / 1e9:.1f} GB free: make '
      f'room, set GAN_JAX_DATA to a folder that has it, or give a smaller size= or limit='
    )


def _chunks(database: Any, after: bytes, count: int) -> Iterator[Chunk]:
  """The next `count` (key, value) after a key, in lists of _CHUNK."""
  chunk: Chunk = []
  with database.begin(buffers=False) as transaction:
    cursor = transaction.cursor()
    more = cursor.set_range(after) if after else cursor.first()
    if more and after and cursor.key() == after:
      more = cursor.next()
    while more and count > 0:
      chunk.append(cursor.item())
      count -= 1
      more = cursor.next()
      if len(chunk) == _CHUNK:
        yield chunk
        chunk = []
  if chunk:
    yield chunk


def _decode(
  chunk: Chunk, size: tuple[int, int], filter: str
) -> tuple[bytes, np.ndarray, list[str]]:
  """-> the chunk's last key, its images uint8[n,H,W,3], the keys of values that are no image."""
  good, bad = [], []
  for key, value in chunk:
    got = images.try_pixels(value, size, 3, filter)
    if isinstance(got, str):
      bad.append(key.decode('ascii', 'replace'))
    else:
      good.append(got)
  return chunk[-1][0], np.stack(good) if good else np.empty((0, *size, 3), np.uint8), bad
