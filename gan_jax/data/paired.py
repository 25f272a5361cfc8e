"""Pictures and what they are to become, pair by pair: columns 'source' and 'image'."""

import pathlib
from collections.abc import Mapping
from typing import Any

from gan_jax.data import sizes
from gan_jax.data import split as splits
from gan_jax.data.folder import folder
from gan_jax.data.listing import Listing, images_in
from gan_jax.data.opening import opened
from gan_jax.data.outlines import outlined
from gan_jax.data.source import Source, check, digest
from gan_jax.data.synthetic import synthetic
from gan_jax.errors import InputError

DIRECTIONS = {'a_to_b': ('a', 'b'), 'b_to_a': ('b', 'a')}  # A is the left half


def paired(of: str | Mapping[str, Any], split: str = 'train', direction: str = 'a_to_b') -> Source:
  """Images that hold both halves side by side, as the pix2pix sets do -> source, image.

  Args:
    of: any source of such images, e.g. dict(name='folder', path='maps', size=(256, 512)), a .zip,
      or an .npz: dict(name='arrays', path='maps.npz').
    split: of that source.
    direction: 'a_to_b' makes the left half the source, 'b_to_a' the right one.

  Raises:
    InputError: the width is odd, or there is no such direction.
  """
  if direction not in DIRECTIONS:
    raise InputError(f'direction={direction!r} is none of {", ".join(DIRECTIONS)}.')
  both = opened(of, split=split)
  image = both.arrays['image']
  half, odd = divmod(image.shape[2], 2)
  if odd:
    raise InputError(f'images of width {image.shape[2]} do not hold two halves side by side.')
  halves = {'a': image[:, :, :half], 'b': image[:, :, half:]}
  source, target = DIRECTIONS[direction]
  steps = f'{both.meta.get("preprocessing", "none")}, cut into halves'
  meta = {**both.meta, 'name': 'paired', 'preprocessing': steps, 'direction': direction}
  if 'sha256' in meta:
    meta['sha256'] = {'both' if k == 'image' else k: v for k, v in meta['sha256'].items()}
  return Source({**both.arrays, 'source': halves[source], 'image': halves[target]}, meta)


def folders(
  source: str,
  image: str,
  split: str = 'train',
  size: sizes.Size = None,
  channels: int | None = None,
  filter: str = 'lanczos',
) -> Source:
  """Two folders, or .zips, in which what belongs together has the same name, suffixes aside.

  The other arguments are those of `folder`. Raises InputError where names have no partner, an image
  cannot be read, or the sizes differ.
  """
  paths = {'source': source, 'image': image}
  found = {column: images_in(pathlib.Path(path).expanduser()) for column, path in paths.items()}

  def read(name: str) -> Source:
    _refuse_unpaired(_stems(found['source'], name), _stems(found['image'], name), source, image)
    parts = {c: folder(path, name, size, channels, filter) for c, path in paths.items()}
    skipped = [n for part in parts.values() for n in part.meta['skipped']['names']]
    if skipped:
      raise InputError(f'{skipped[0]} cannot be read; remove it, and its partner.')
    return together(parts, 'paired.folders')

  known = [name for name in found['source'].names if name in found['image'].names]
  return splits.select(split, known, read, f'{source} and {image}')


def drawn(
  split: str = 'train', shape: tuple[int, int, int] = (64, 64, 3), n: int = 1024, seed: int = 0
) -> Source:
  """Made up on the spot: discs and bars (`synthetic`), to become their outlines."""
  made = synthetic(split, shape, n, seed=seed)
  source = made.arrays['image']
  arrays = {'source': source, 'image': outlined(source)}
  sha = {name: digest(column) for name, column in arrays.items()}
  return Source(arrays, {**made.meta, 'name': 'paired.drawn', 'sha256': sha, 'classes': []})


def together(parts: Mapping[str, Source], name: str) -> Source:
  """The images of several sources as columns, row by row; 'image' must be one of them.

  Raises InputError where they differ in number or in size.
  """
  arrays = {column: part.arrays['image'] for column, part in parts.items()}
  check(arrays, ' and '.join(str(part.meta.get('origin')) for part in parts.values()))
  if len(sides := {a.shape[1:3] for a in arrays.values()}) > 1:
    raise InputError(
      f'sources and images differ in size: {", ".join(f"{h}x{w}" for h, w in sorted(sides))}; give '
      'size=64 (or any) to scale and crop them to one.'
    )
  told = lambda key: {c: part.meta[key] for c, part in parts.items() if key in part.meta}
  meta: dict[str, Any] = {
    'name': name,
    'split': told('split')['image'],
    'origin': '; '.join(f'{column}: {origin}' for column, origin in told('origin').items()),
    'preprocessing': '; '.join(f'{column}: {s}' for column, s in told('preprocessing').items()),
    'sha256': {c: sha['image'] for c, sha in told('sha256').items()},
  }
  where = {column: at for column, at in told('where').items() if isinstance(at, str)}
  if where:
    meta['where'] = where
  return Source(arrays, meta)


def _stems(listing: Listing, name: str) -> list[str]:
  """The names of a split's images below its own folder, without their suffixes."""
  start = listing.start[name]
  return ['/'.join(n.split('/')[start:]).rpartition('.')[0] for n in listing.names[name]]


def _refuse_unpaired(a: list[str], b: list[str], source: str, image: str) -> None:
  if a == b:
    return
  alone = sorted(set(a) ^ set(b)) or ['(the order differs)']
  more = f' and {len(alone) - 1} more' if len(alone) > 1 else ''
  where = source if alone[0] in a else image
  raise InputError(
    f'{alone[0]}{more} in {where} has no partner of that name; the images of {source} and {image} '
    'must have the same names.'
  )
