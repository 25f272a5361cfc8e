"""Sliced Wasserstein distances between patches, at each level of a Laplacian pyramid.

Of Karras et al. 2018, sec. 5: the level of 16x16 tells of layout, finer ones of texture and noise.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.metrics import pictures
from gan_jax.metrics.look import images
from gan_jax.metrics.sliced import directions, gaps
from gan_jax.sampling import Sampler

PATCH = 7  # pixels a side
COARSEST = 16  # pixels a side: below, no more is halved
TAPS = np.array([1, 4, 6, 4, 1], np.float32) / 16  # of a Gaussian (Burt & Adelson 1983)


def levels(height: int, width: int) -> int:
  """How many levels: sides are halved while the shorter half is no less than `COARSEST`."""
  side, count = min(height, width), 1
  while side // 2 >= COARSEST:
    side, count = (side + 1) // 2, count + 1
  return count


def pyramid(some: np.ndarray, count: int) -> list[np.ndarray]:
  """Images [N,H,W,C] -> `count` levels f32[N,H/2^k,W/2^k,C], the finest first.

  A level is what halving loses of it; the last is what is left. Gaussian filters, edges mirrored.
  """
  found = [np.asarray(some, np.float32)]
  for _ in range(count - 1):
    fine = found[-1]
    coarse = _filtered(fine, 1)[:, ::2, ::2]
    found[-1] = fine - doubled(coarse)[:, : fine.shape[1], : fine.shape[2]]
    found.append(coarse)
  return found


def doubled(x: np.ndarray) -> np.ndarray:
  """f32[N,H,W,C] -> f32[N,2H,2W,C], zeros put between and filtered away."""
  n, h, w, c = x.shape
  out = np.zeros((n, 2 * h, 2 * w, c), x.dtype)
  out[:, ::2, ::2] = x
  return _filtered(out, 2)


def patches(level: np.ndarray, corner: np.ndarray) -> np.ndarray:
  """f32[N,H,W,C], top left corners i[N,P,2] -> f32[N*P,C,7,7]."""
  windows = np.lib.stride_tricks.sliding_window_view(level, (PATCH, PATCH), axis=(1, 2))
  row = np.repeat(np.arange(len(level)), corner.shape[1])
  y, x = corner.reshape(-1, 2).T
  return windows[row, y, x]


def normalised(found: np.ndarray) -> np.ndarray:
  """Patches f32[P,C,7,7] -> f32[P,C*49]: each channel of mean 0 and deviation 1 over them all."""
  over = (0, 2, 3)
  mean = found.mean(axis=over, keepdims=True, dtype=np.float64).astype(np.float32)
  sd = found.std(axis=over, keepdims=True, dtype=np.float64).astype(np.float32)
  return ((found - mean) / np.where(sd > 0, sd, 1)).reshape(len(found), -1)


def swd(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 2048,
  split: str = 'train',
  per_image: int = 64,
  count: int = 512,
) -> Mapping[str, Any]:
  """The eval, times 1000: {'swd_64', 'swd_32', ..., 'swd': their mean, 'real_64', ..., 'real'}.

  Named after the shorter sides of levels. 'real_' ones are between other patches of the same real
  images. Of n samples and as many real images, `per_image` patches of each and `count` directions;
  the paper has n=16384, per_image=128. Memory is that of three levels' patches.
  """
  n = min(n, len(source(split)))
  real, fake, protocol = images(sampler, source, key, n=n, split=split)
  real, fake = (pictures.checked(x, PATCH, 'swd') for x in (real, fake))
  pictures.alike(real, fake, 'swd')
  rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
  height, width, channels = real.shape[1:]
  depth = levels(height, width)
  along = directions(count, PATCH**2 * channels, rng)
  result: dict[str, Any] = {}
  for at in range(depth):
    of = lambda some, at=at: normalised(_patches_of(some, at, depth, per_image, rng))
    known, again, drawn = of(real), of(real), of(fake)
    side = -(-min(height, width) // 2**at)
    result[f'swd_{side}'] = 1000 * float(gaps(known, drawn, along).first.mean())
    result[f'real_{side}'] = 1000 * float(gaps(known, again, along).first.mean())
  mean = lambda start: float(np.mean([v for name, v in result.items() if name.startswith(start)]))
  means = {'swd': mean('swd_'), 'real': mean('real_')}
  how = dict(patch=PATCH, per_image=per_image, directions=count, times=1000)
  return {**means, **result, 'protocol': {**protocol, **how}}


def _patches_of(
  some: np.ndarray, at: int, depth: int, per_image: int, rng: np.random.Generator
) -> np.ndarray:
  def each() -> Iterator[np.ndarray]:
    for block in pictures.blocks(some):
      level = pyramid(block, min(at + 2, depth))[at]
      free = np.array(level.shape[1:3]) - PATCH + 1
      yield patches(level, rng.integers(0, free, (len(level), per_image, 2)))

  return np.concatenate(list(each()))


def _filtered(x: np.ndarray, gain: int) -> np.ndarray:
  """By `TAPS` along both sides, times `gain` along each."""
  for axis in (1, 2):
    edge = [(2, 2) if i == axis else (0, 0) for i in range(4)]
    padded, size = np.pad(x, edge, mode='reflect'), x.shape[axis]
    shifted = (np.take(padded, range(i, i + size), axis) for i in range(len(TAPS)))
    weighted = (np.float32(gain * tap) * part for tap, part in zip(TAPS, shifted, strict=True))
    x = np.asarray(sum(weighted))
  return x
