"""Which images lie in a folder or a .zip, of which split and which class."""

import contextlib
import hashlib
import io
import os
import pathlib
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from gan_jax.data.images import Bytes
from gan_jax.errors import InputError

# fmt: off
SUFFIXES = (
  '.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.bmp', '.gif', '.tif', '.tiff', '.ppm',
  '.pgm', '.pbm', '.pnm', '.tga', '.jp2', '.avif',
)
# fmt: on
_SPLITS = ('train', 'test', 'val', 'valid', 'validation', 'dev')


class Listing(NamedTuple):
  """The images of a folder or .zip.

  names:   split -> paths below `path`, sorted, with forward slashes.
  classes: the classes' names, sorted; empty when there are none.
  start:   split -> how many leading folders of a path are not its class.
  stamp:   a digest of all names, sizes and times: what a pack of them depends on.
  """

  path: pathlib.Path
  names: Mapping[str, list[str]]
  classes: list[str]
  start: Mapping[str, int]
  stamp: str

  def label(self, split: str, name: str) -> int:
    """The class of an image, 0 when there are none."""
    return self.classes.index(name.split('/')[self.start[split]]) if self.classes else 0


def images_in(path: pathlib.Path) -> Listing:
  """The images at `path`. InputError when it is not there or holds none."""
  found = _found(path)
  if not found:
    raise InputError(f'there is no image in {path} (suffixes read: {" ".join(SUFFIXES)})')
  stamp = hashlib.sha256(repr((str(path.resolve()), sorted(found.items()))).encode()).hexdigest()
  names, depth = sorted(found, key=lambda n: n.split('/')), 0
  while len(tops := _tops(names, depth)) == 1 and None not in tops and tops.isdisjoint(_SPLITS):
    depth += 1  # a lone folder around everything is no class, as in most archives
  if None not in tops and tops <= set(_SPLITS):
    parts = {s: [n for n in names if n.split('/')[depth] == s] for s in _SPLITS if s in tops}
    start = dict.fromkeys(parts, depth + 1)
  else:
    parts, start = {'train': names}, {'train': depth}
  kinds = set().union(*(_tops(parts[s], start[s]) for s in parts))
  classes = [] if None in kinds or len(kinds) < 2 else sorted(k for k in kinds if k)
  return Listing(path, parts, classes, start, stamp)


@contextlib.contextmanager
def contents(path: pathlib.Path) -> Iterator[Callable[[str], Bytes]]:
  """A function from an image's name to what Pillow can open; safe to call from threads."""
  if path.is_dir():
    yield lambda name: path / name
    return
  guard = threading.Lock()  # one file position for all
  with zipfile.ZipFile(path) as archive:

    def load(name: str) -> Bytes:
      with guard:
        return io.BytesIO(archive.read(name))

    yield load


def _found(path: pathlib.Path) -> dict[str, tuple[int, object]]:
  """Name -> (size, time or checksum) of all that has an image's suffix and is not hidden."""
  if path.is_dir():
    return dict(_walk(path))
  if not path.exists():
    raise InputError(f'there is no folder or .zip of images at {path}')
  try:
    with zipfile.ZipFile(path) as archive:
      return {i.filename: (i.file_size, i.CRC) for i in archive.infolist() if _wanted(i.filename)}
  except zipfile.BadZipFile as e:
    raise InputError(f'{path} is neither a folder nor a readable .zip ({e})') from None


def _walk(path: pathlib.Path) -> Iterator[tuple[str, tuple[int, object]]]:
  seen = set()
  for at, folders, files in os.walk(path, followlinks=True):
    if (real := os.path.realpath(at)) in seen:  # a link that leads back up
      folders.clear()
      continue
    seen.add(real)
    for file in files:
      name = os.path.relpath(os.path.join(at, file), path).replace(os.sep, '/')
      if _wanted(name):
        with contextlib.suppress(OSError):  # a link to nothing
          stat = os.stat(os.path.join(at, file))
          yield name, (stat.st_size, stat.st_mtime_ns)


def _wanted(name: str) -> bool:
  hidden = any(part.startswith(('.', '__MACOSX')) for part in name.split('/'))
  return name.lower().endswith(SUFFIXES) and not hidden


def _tops(names: list[str], depth: int) -> set[str | None]:
  """The folders that the names lie in at this depth; None for an image that lies there itself."""
  cut = [n.split('/') for n in names]
  return {c[depth] if len(c) > depth + 1 else None for c in cut}
