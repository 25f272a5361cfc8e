"""Near-duplicates: how many planted copies `data.distinct` finds, and what else it takes away.

python experiments/benchmarks/near_duplicates.py --images=anime64.npz --out=sheets

--each copies of every kind, of images drawn at random, are put behind those of the file. At each
distance the table counts the copies that go for the same image as their original does, and the
originals that go although none of them is planted. These are near-duplicates that the set has of
its own, or mistakes: they are on sheets, each beside the one that stays, for one to look at.
"""

import io
import pathlib
import time
from collections.abc import Callable, Mapping

import numpy as np
from absl import app, flags
from PIL import Image

from gan_jax.data.distinct import Repeats, hashed, repeats
from gan_jax.data.opening import opened
from gan_jax.features import hashing
from gan_jax.figures import grids

_IMAGES = flags.DEFINE_string('images', None, 'An .npz of images uint8[N,H,W,3].', required=True)
_EACH = flags.DEFINE_integer('each', 100, 'Copies of each kind.')
_DISTANCES = flags.DEFINE_list('distances', ['0', '1', '2', '3', '4', '6', '8'], 'In bits.')
_SEED = flags.DEFINE_integer('seed', 0, 'Of the hash, and of what is planted.')
_OUT = flags.DEFINE_string('out', None, 'The folder of the sheets; none if unsaid.')


def brighter(levels: int) -> Callable[[np.ndarray], np.ndarray]:
  """image uint8[H,W,3] -> the same, so many levels brighter."""
  return lambda image: np.clip(image.astype(int) + levels, 0, 255).astype(np.uint8)


def jpeg(quality: int) -> Callable[[np.ndarray], np.ndarray]:
  """image uint8[H,W,3] -> what a JPEG file makes of it."""

  def encode(image: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, 'jpeg', quality=quality)
    return np.asarray(Image.open(file))

  return encode


def cropped(image: np.ndarray) -> np.ndarray:
  """A pixel is cut from each side, and the rest scaled back."""
  inner = Image.fromarray(image[1:-1, 1:-1])
  return np.asarray(inner.resize(image.shape[1::-1], Image.Resampling.LANCZOS))


KINDS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
  'exact': lambda image: image,
  '1 level brighter': brighter(1),
  '2 levels darker': brighter(-2),
  'JPEG 90': jpeg(90),
  'JPEG 75': jpeg(75),
  'a pixel cut': cropped,
  'mirrored': lambda image: image[:, ::-1],
}


def planted(image: np.ndarray, each: int, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
  """(the images with the copies behind them, kind -> rows i64[each] of the originals in turn)."""
  rng = np.random.default_rng(seed)
  rows = {kind: rng.choice(len(image), each, replace=False) for kind in KINDS}
  copies = [make(image[row]) for kind, make in KINDS.items() for row in rows[kind]]
  return np.concatenate([image, copies]), rows


def counted(found: Repeats, n: int, rows: Mapping[str, np.ndarray]) -> list[int]:
  """Of each kind, how many copies stand for, or with, their originals; then originals gone."""
  stands = np.arange(n + sum(map(len, rows.values())))
  stands[found.row] = found.like
  at, out = n, []
  for originals in rows.values():
    out.append(int(np.sum(stands[at : at + len(originals)] == stands[originals])))
    at += len(originals)
  return [*out, int(np.sum(found.row < n))]


def main(argv: list[str]) -> None:
  """Prints a row for each distance, and writes what originals went by it and by none before."""
  image = np.asarray(opened('arrays', path=_IMAGES.value).arrays['image'])
  n = len(image)
  both, rows = planted(image, _EACH.value, _SEED.value)
  began = time.perf_counter()
  bits = hashed(both, hashing.semantic(both, seed=_SEED.value))
  print(f'{n:,} images, {_EACH.value} copies of each kind, {time.perf_counter() - began:.0f} s\n')
  print(f'| bits | {" | ".join(KINDS)} | originals gone |\n|--:|{"--:|" * (len(KINDS) + 1)}')
  before: set[int] = set()
  for distance in map(int, _DISTANCES.value):
    found = repeats(bits, distance)
    print(f'| {distance} | {" | ".join(map(str, counted(found, n, rows)))} |', flush=True)
    pairs = [
      (r, k) for r, k in zip(found.row, found.like, strict=True) if r < n and r not in before
    ]
    before |= {int(row) for row, _ in pairs}
    if _OUT.value and pairs:
      path = pathlib.Path(_OUT.value) / f'{pathlib.Path(_IMAGES.value).stem}_{distance}.png'
      grids.save(path, np.stack([both[row] for pair in pairs[:60] for row in pair]), columns=12)


if __name__ == '__main__':
  app.run(main)
