"""A data set without its near-duplicates, found by their hashes (Radford et al. 2016, 4.1.1).

data=dict(name='distinct', of=dict(name='folder', path='photos', size=64))
python -m gan_jax.prepare folder path=photos size=64 --distinct

Of 100 planted copies of each kind so many went, and so many that were not planted, of 6,848 anime
faces / of 1,720 rooms (python experiments/benchmarks/near_duplicates.py --images=FILE.npz):

  distance   exact      1 brighter  2 darker  JPEG 90    JPEG 75    not planted
  0          100 / 100   51 /  55   28 / 28    65 /  51   49 /  42   8 / 21
  2          100 / 100   96 /  98   84 / 78    98 /  97   96 /  97  32 / 23
  4          100 / 100  100 / 100   97 / 99   100 / 100  100 / 100  84 / 23

Looked at, those not planted are the sets' own near-duplicates: one drawing rescaled, or with
another mouth. But among 10,000 of CIFAR-10, 2 bits take 2, both copies, and of the 9 more that 4
bits take at least 3 are none. Digits are too alike for it: of 10,000 of MNIST 22 go at 0 bits and
221 at 2, nearly all of them different ones. Mirrored images are not found, shifted ones seldom.
"""

import inspect
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from gan_jax import config as configs
from gan_jax.data import npy, pack
from gan_jax.data import split as splits
from gan_jax.data.bar import bar
from gan_jax.data.opening import opened
from gan_jax.data.source import Source
from gan_jax.errors import InputError

TOLD = 200  # pairs that the sidecar names; all are counted
_BLOCK = 500  # images at a time
_ROWS = 1 << 20  # distances at a time

Hash = Callable[[np.ndarray], np.ndarray]  # uint8[B,H,W,C] -> bool[B,bits]


class Repeats(NamedTuple):
  """Which of N rows are left out, each for an earlier one that is kept."""

  row: np.ndarray  # i64[R], ascending
  like: np.ndarray  # i64[R]
  bits: np.ndarray  # i64[R], in which the two differ


def distinct(
  of: str | Mapping[str, Any],
  split: str = 'train',
  distance: int = 2,
  code: str = 'hashing.semantic',
  seed: int = 0,
) -> Source:
  """Another source, dict(name='folder', ...), of whose near-duplicates only the first is kept.

  Only splits whose name begins with 'train' are thinned, each within itself, and 'train[:100]' are
  the first 100 of what is kept. It is found out once and packed in the cache; meta's 'removed' says
  how many went, and names pairs (row of `of`, row kept, bits that differ).

  Args:
    of: what it is made of.
    split: as of any source.
    distance: how many bits of two near-duplicates may differ. The paper has 0, which found 45 to
      68% of copies with noise of 4/255 or from JPEG of quality 90; 2 found 91 to 99% of them.
      Of what went from three real sets, none of 55 was false at 2, by eye, and 2 of 125 at 4.
    code: the hash, a function of `gan_jax.features` or at a dotted path: (image, seed) -> Hash.
    seed: of the hash.

  Raises:
    InputError: there are no images in it, or the distance is none.
  """
  if distance < 0:
    raise InputError(f'distance={distance} bits: right would be 0 or more.')
  hashing = configs.resolve(code, 'features')

  def read(name: str) -> Source:
    base = opened(of, split=name)
    if not name.startswith('train'):
      return base
    image = base.arrays['image']
    if image.dtype != np.uint8 or image.ndim != 4:
      raise InputError(f'{base.meta.get("name")} holds no images that could be near-duplicates.')
    of_what = dict(of=dict(base.meta['sha256']), rows=len(base), split=name)
    how = dict(distance=distance, code=code, text=inspect.getsource(hashing), seed=seed)
    title = f'{base.meta.get("name", "data")}-distinct'
    write = lambda to: _write(to, base, lambda: hashing(image, seed=seed), distance)
    return pack.packed(title, dict(reader='distinct', **of_what, **how), write)

  names = tuple(dict.fromkeys(part.name for part in splits.parse(split)))
  return splits.select(split, names, read, 'distinct')


def repeats(bits: np.ndarray, distance: int) -> Repeats:
  """bool[N,D], the hashes in order -> rows that differ in at most so many bits from a kept one.

  A row is kept unless an earlier kept one is as near. Rows of one hash are joined first; of the
  others only those are compared that agree in one of distance + 1 parts of the hash, as two that
  are so near must (pigeonhole): no work for all pairs.
  """
  codes, first, back = _unique(bits)
  n = len(codes)
  pairs = np.unique(np.concatenate([np.zeros((0, 2), int), *_candidates(codes, distance)]), axis=0)
  pairs = pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))]
  like, kept = np.arange(n), np.ones(n, bool)
  for i, j in pairs:  # by j, so that whether i is kept is known
    if kept[i] and like[j] == j:
      like[j], kept[j] = i, False
  whole = first[like[back]]  # the row that each stands for
  row = np.flatnonzero(whole != np.arange(len(bits)))
  return Repeats(row, whole[row], np.sum(bits[row] != bits[whole[row]], axis=1))


def hashed(image: np.ndarray, code: Hash) -> np.ndarray:
  """uint8[N,H,W,C], maybe in a file -> bool[N,bits], a block at a time."""
  blocks = range(0, len(image), _BLOCK)
  shown = bar(blocks, desc='hash', unit=f'x{_BLOCK} images', delay=2)
  return np.concatenate([code(np.asarray(image[i : i + _BLOCK])) for i in shown])


def side_by_side(
  of: str | Mapping[str, Any], removed: Mapping[str, Any], split: str = 'train', most: int = 50
) -> np.ndarray:
  """uint8[2P,H,W,C]: of up to `most` pairs of meta's 'removed', who went and who stayed, by turns.

  They are spread evenly, not picked.
  """
  image = opened(of, split=split).arrays['image']
  pairs = removed['pairs']
  chosen = np.unique(np.linspace(0, len(pairs) - 1, min(most, len(pairs))).astype(int))
  return np.stack([image[row] for i in chosen for row in pairs[i][:2]])


def _unique(bits: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """(hashes bool[U,D] in order of their first rows, these i64[U], which is each row's i64[N])."""
  packed = np.packbits(bits, axis=1)
  whole = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1])))[:, 0]
  _, first, back = np.unique(whole, return_index=True, return_inverse=True)
  order = np.argsort(first)
  place = np.empty_like(order)
  place[order] = np.arange(len(order))
  return bits[first[order]], first[order], place[back]


def _candidates(codes: np.ndarray, distance: int) -> Iterator[np.ndarray]:
  """Pairs i < j [P,2] of different hashes bool[U,D] at most so far apart; some come twice."""
  if not distance:
    return
  for part in np.array_split(np.arange(codes.shape[1]), distance + 1):
    packed = np.ascontiguousarray(np.packbits(codes[:, part], axis=1))
    whole = packed.view(np.dtype((np.void, packed.shape[1])))[:, 0]
    _, group = np.unique(whole, return_inverse=True)
    order = np.argsort(group, kind='stable')
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
      yield from _near(codes, rows, distance)


def _near(codes: np.ndarray, rows: np.ndarray, distance: int) -> Iterator[np.ndarray]:
  """The pairs among ascending rows."""
  size = max(1, _ROWS // max(1, len(rows) * codes.shape[1]))
  for at in range(0, len(rows) - 1, size):
    some = rows[at : at + size]
    apart = np.sum(codes[some, None] != codes[None, rows[at:]], axis=2)
    i, j = np.nonzero(apart <= distance)
    good = j > i
    yield np.stack([some[i[good]], rows[at:][j[good]]], axis=1)


def _write(
  to: pathlib.Path, base: Source, learn: Callable[[], Hash], distance: int
) -> Mapping[str, Any]:
  image = base.arrays['image']
  found = repeats(hashed(image, learn()), distance)
  kept = np.setdiff1d(np.arange(len(image)), found.row)
  with npy.appending(to / 'image.npy', image.shape[1:], 'uint8') as append:
    for i in range(0, len(kept), _BLOCK):
      append(np.asarray(image[kept[i : i + _BLOCK]]))
  for name, column in base.arrays.items():
    if name != 'image':
      np.save(to / f'{name}.npy', np.asarray(column[kept]))
  rest = {k: v for k, v in base.meta.items() if k not in ('where', 'columns', 'versions', 'sha256')}
  count, n = len(found.row), len(image)
  told = np.unique(np.linspace(0, count - 1, min(TOLD, count)).astype(int))
  pairs = np.stack([part[told] for part in found], axis=1).tolist()
  did = f'{count:,} of {n:,} left out as near-duplicates, by hashes {distance} or less bits apart'
  return {
    **rest,
    'preprocessing': f'{rest.get("preprocessing")}; {did}',
    'removed': {'count': count, 'of': n, 'pairs': pairs},
  }
