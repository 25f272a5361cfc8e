"""The `size=` that a person gives, and what to say of images that do not agree on one."""

import collections
from collections.abc import Iterable, Sequence

from gan_jax.errors import InputError

Size = int | Sequence[int] | None


def pair(size: Size) -> tuple[int, int] | None:
  """64 or (64, 96) -> (height, width); None stays None. InputError for anything else."""
  if size is None:
    return None
  both = [size, size] if isinstance(size, int) else list(size)
  if len(both) != 2 or not all(isinstance(s, int) and s > 0 for s in both):
    raise InputError(f'size={size!r}: right would be a number of pixels, 64, or (height, width)')
  return both[0], both[1]


def agreed(found: Iterable[tuple[int, int]], where: str) -> tuple[int, int]:
  """The one (height, width) of all images. InputError naming the sizes when there are several."""
  counts = collections.Counter(found)
  if len(counts) == 1:
    return next(iter(counts))
  top = ', '.join(f'{h}x{w} ({n})' for (h, w), n in counts.most_common(4))
  more = f' and {len(counts) - 4} others' if len(counts) > 4 else ''
  raise InputError(
    f'the images in {where} have {len(counts)} sizes: {top}{more}; give size=64 (or any) to scale '
    f'and crop them to one'
  )
