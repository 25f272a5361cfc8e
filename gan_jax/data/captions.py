"""Images with captions: an .npz of both, or a folder with a .txt beside each image, of its name.

The column 'text' f32[N,T] has the captions' embeddings; the sidecar's 'captions' those of the first
64 images in words, to be looked at beside what is drawn from them.
"""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from gan_jax.data import encoders, sizes
from gan_jax.data import split as splits
from gan_jax.data.arrays import arrays
from gan_jax.data.encoders import Encoder
from gan_jax.data.folder import folder
from gan_jax.data.listing import images_in
from gan_jax.data.opening import remade
from gan_jax.data.source import Source
from gan_jax.errors import InputError

SHOWN = 64
_SPLITS = ('train', 'test', 'val', 'valid')


def captions(
  path: str,
  split: str = 'train',
  size: sizes.Size = None,
  channels: int | None = None,
  encoder: Encoder | None = None,
) -> Source:
  """Images and captions at `path` -> image uint8[N,H,W,C], text f32[N,T], maybe label i32[N].

  An .npz is read as by `arrays`, with 'captions' [N] of strings, or 'embeddings' f32[N,T] by any
  encoder of your own; the splits have _train, _test or _val at their ends. A folder is read as by
  `folder`, `size` and `channels` too; every line of a .txt is a caption. Of several for an image
  the embeddings are averaged. `encoder` is dict(name='encoders.hashing', dim=...), the default, or
  any function list[str] -> f32[N,T] by its dotted name.

  Raises:
    InputError: no such file or folder, an image without captions or one that cannot be read.
  """
  at, encoder = pathlib.Path(path).expanduser(), encoder or encoders.hashing()
  if at.is_dir():
    return _of_folder(at, split, size, channels, encoder)
  return _of_archive(at, split, encoder)


def captioned(base: Source, captions: Sequence[Sequence[str]], encoder: Encoder) -> Source:
  """The source with captions, one or more for each of its images."""
  columns = {**base.arrays, 'text': encoders.mean_of_each(encoder, captions)}
  out = remade(base, columns, 'captions encoded')
  return Source(out.arrays, {**out.meta, 'captions': [c[0] for c in captions[:SHOWN]]})


def _of_folder(
  at: pathlib.Path, split: str, size: sizes.Size, channels: int | None, encoder: Encoder
) -> Source:
  files = images_in(at)

  def read(name: str) -> Source:
    base = folder(str(at), name, size, channels)
    if count := base.meta['skipped']['count']:
      raise InputError(
        f'{count} images in {at} cannot be read, e.g. {base.meta["skipped"]["names"][0]}; remove '
        'them, so that every caption has its image.'
      )
    return captioned(base, [_lines(at / n) for n in files.names[name]], encoder)

  return splits.select(split, tuple(files.names), read, str(at))


def _lines(image: pathlib.Path) -> list[str]:
  beside = image.with_suffix('.txt')
  lines = beside.read_text().splitlines() if beside.exists() else []
  if not (found := [line.strip() for line in lines if line.strip()]):
    raise InputError(f'{image} has no caption: there should be lines of text in {beside.name}.')
  return found


def _of_archive(at: pathlib.Path, split: str, encoder: Encoder) -> Source:
  known = tuple(s for s in _SPLITS if _named(_names(at), s)) or ('train',)

  def read(name: str) -> Source:
    base, found = arrays(str(at), name), _named(_names(at), name) or {n: n for n in _names(at)}
    with np.load(at) as archive:
      if 'embeddings' in found:
        text = archive[found['embeddings']].astype(np.float32)
        return remade(base, {**base.arrays, 'text': text}, 'captions encoded by others')
      if 'captions' not in found:
        raise InputError(f"{at} has no 'captions' and no 'embeddings'; it has {', '.join(found)}.")
      words = archive[found['captions']]
    if len(words) != len(base) or words.dtype.kind != 'U':
      raise InputError(
        f'the captions in {at} are {words.dtype}{list(words.shape)} for {len(base)} images; right '
        'would be an array of strings (not of objects), [N] or [N,K].'
      )
    return captioned(base, [[str(w) for w in np.atleast_1d(row)] for row in words], encoder)

  return splits.select(split, known, read, str(at))


def _names(at: pathlib.Path) -> list[str]:
  if not at.is_file() or at.suffix != '.npz':
    raise InputError(f'there is no folder and no .npz of images and captions at {at}.')
  with np.load(at) as archive:
    return list(archive.files)


def _named(names: Sequence[str], split: str) -> dict[str, Any]:
  """'captions_train' and its like: name without the split -> name, of that split."""
  ends = {n: n.removesuffix(f'_{split}').removeprefix(f'{split}_') for n in names}
  return {short: name for name, short in ends.items() if short != name}
