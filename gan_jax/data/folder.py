"""Anybody's own images: a folder or a .zip of them, a class per sub-folder."""

import collections
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import PIL
from absl import logging

from gan_jax.data import bar as bars
from gan_jax.data import flow, images, npy, pack, sizes
from gan_jax.data import split as splits
from gan_jax.data.listing import Listing, contents, images_in
from gan_jax.data.source import Source
from gan_jax.errors import InputError

T = TypeVar('T')
_NAMED = 20  # skipped files that are named in the sidecar; all are counted
_CHUNK = 256  # images between two writes


def folder(
  path: str,
  split: str = 'train',
  size: sizes.Size = None,
  channels: int | None = None,
  filter: str = 'lanczos',
) -> Source:
  """All images below a folder, or in a .zip -> image uint8[N,H,W,C], maybe label i32[N].

  A class per first-level sub-folder, in the alphabet's order, where there are several; images in
  the
  order of their paths. Decoded once, then packed in the cache; a file that is added, removed or
  changed makes a new pack.

  Args:
    path: the folder or .zip.
    split: 'train' is everything, unless the top level's folders are called train, test, val, valid,
      validation or dev: then they are the splits.
    size: pixels, or (height, width): the largest centred part of that shape is scaled to it. None
      keeps the images as they are, when all have one size.
    channels: 1, 3 or 4; None takes 1 when all are grey, 4 when all have transparency, else 3.
    filter: lanczos, bicubic, bilinear or box; all antialiased, as Pillow has them.

  Raises:
    InputError: there is no such folder, no image in it, or sizes differ and `size` is None.
  """
  if channels not in (None, 1, 3, 4) or filter not in images.FILTERS:
    raise InputError(
      f'channels={channels!r}, filter={filter!r}: right would be channels of 1, 3 or 4, a filter '
      f'of {", ".join(images.FILTERS)}'
    )
  files, wanted = images_in(pathlib.Path(path).expanduser()), sizes.pair(size)

  def read(name: str) -> Source:
    options = {'size': wanted, 'channels': channels, 'filter': filter, 'pillow': PIL.__version__}
    recipe = {'reader': 'folder', 'files': files.stamp, 'split': name, **options}
    title = files.path.stem if len(files.names) == 1 else f'{files.path.stem}-{name}'
    return pack.packed(title, recipe, lambda to: _write(to, files, name, wanted, channels, filter))

  return splits.select(split, tuple(files.names), read, str(files.path))


def _write(
  to: pathlib.Path,
  files: Listing,
  name: str,
  size: tuple[int, int] | None,
  channels: int | None,
  filter: str,
) -> Mapping[str, Any]:
  where = str(files.path)
  skipped: dict[str, str] = {}
  with contents(files.path) as load:
    facts = _look(load, files.names[name], where, skipped)
    met = ((f.height, f.width) for f in facts.values())
    height, width = size or (sizes.agreed(met, where) if facts else (1, 1))
    depth = channels or _depth(facts)
    read = lambda file: images.pixels(load(file), (height, width), depth, filter)
    kept = _store(to, read, list(facts), (height, width, depth), where, skipped)
  if not kept:
    first = next(iter(skipped.items()))
    raise InputError(
      f'not one of the {len(skipped)} images in {where} can be read, e.g. {first[0]}: {first[1]}'
    )
  if files.classes:
    np.save(to / 'label.npy', np.asarray([files.label(name, file) for file in kept], np.int32))
  return _sidecar(files, name, facts, skipped, size, depth, filter)


def _look(
  load: Callable[[str], images.Bytes], names: list[str], where: str, skipped: dict[str, str]
) -> dict[str, images.Fact]:
  """What the headers of the images say; those without one go into `skipped`."""
  facts = {}
  look = _attempting(lambda file: images.fact(load(file)))
  bar = bars.bar(names, desc=f'look at {where}', unit='image', delay=2)
  for file, got in zip(bar, flow.threads(look, names, os.cpu_count() or 1), strict=True):
    if isinstance(got, str):
      skipped[file] = got
    else:
      facts[file] = got
  return facts


def _store(
  to: pathlib.Path,
  read: Callable[[str], np.ndarray],
  names: list[str],
  shape: tuple[int, int, int],
  where: str,
  skipped: dict[str, str],
) -> list[str]:
  """Decodes and writes the images; -> the names of those that are there, in order."""
  kept: list[str] = []
  chunk: list[np.ndarray] = []
  bar = bars.bar(names, desc=f'pack {where}', unit='image', delay=2)
  arrived = flow.threads(_attempting(read), names, os.cpu_count() or 1)
  with npy.appending(to / 'image.npy', shape, 'uint8') as append:
    for file, got in zip(bar, arrived, strict=True):
      if isinstance(got, str):
        skipped[file] = got
        continue
      kept.append(file)
      chunk.append(got)
      if len(chunk) == _CHUNK:
        append(np.stack(chunk))
        chunk.clear()
    if chunk:
      append(np.stack(chunk))
  return kept


def _attempting(read: Callable[[str], T]) -> Callable[[str], T | str]:
  """`read`, but with the reason as text where it fails: Pillow's readers raise nearly anything."""

  def attempt(file: str) -> T | str:
    try:
      return read(file)
    except MemoryError:
      raise
    except Exception as e:
      return str(e) or type(e).__name__

  return attempt


def _depth(facts: Mapping[str, images.Fact]) -> int:
  if all(f.alpha for f in facts.values()):
    return 4
  return 1 if all(f.grey and not f.alpha for f in facts.values()) else 3


def _sidecar(
  files: Listing,
  name: str,
  facts: Mapping[str, images.Fact],
  skipped: Mapping[str, str],
  size: tuple[int, int] | None,
  depth: int,
  filter: str,
) -> dict[str, Any]:
  if skipped:
    first = next(iter(skipped.items()))
    logging.warning(
      '%s: %d of %d images cannot be read and are left out, e.g. %s (%s)',
      files.path, len(skipped), len(files.names[name]), *first,
    )  # fmt: skip
  met = collections.Counter((f.height, f.width) for f in facts.values())
  laid = sum(f.alpha for f in facts.values()) if depth != 4 else 0
  steps = [
    f'centre crop and Pillow {filter} to {size[0]}x{size[1]}' if size else 'no scaling',
    f'{depth} channel(s)',
    *([f'{laid} transparent images over white'] if laid else []),
  ]
  return {
    'name': 'folder',
    'split': name,
    'origin': str(files.path.absolute()),
    'preprocessing': ', '.join(steps),
    **({'classes': files.classes} if files.classes else {}),
    'sizes': [[h, w, n] for (h, w), n in met.most_common(5)],
    'skipped': {'count': len(skipped), 'names': sorted(skipped)[:_NAMED]},
  }
