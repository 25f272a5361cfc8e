"""The sizes of one convolution: static, hashable, shared by its three maps."""

from collections.abc import Sequence
from typing import NamedTuple

from gan_jax.errors import InputError

Pair = tuple[int, int]


class Geometry(NamedTuple):
  """Entry i of the small image sees `window` entries of the large one from i stride - low on."""

  size: Pair  # H, W of the large image
  window: Pair  # kh, kw
  strides: Pair
  pads: tuple[Pair, Pair]  # (low, high) of each axis of the large image; negative ones crop

  @classmethod
  def of(cls, size: Sequence[int], window: Sequence[int], strides, pads) -> 'Geometry':
    """The same from any sequences; a window that fits nowhere is refused."""
    size, window, strides = (int(size[0]), int(size[1])), tuple(window), tuple(strides)
    geometry = cls(size, window, strides, tuple(tuple(p) for p in pads))  # type: ignore[arg-type]
    if min(geometry.small) < 1 or min(size) < 1:
      raise InputError(
        f'a {window[0]}x{window[1]} kernel with padding {geometry.pads} does not fit an image of '
        f'{size[0]}x{size[1]}.'
      )
    return geometry

  @property
  def small(self) -> Pair:
    """h, w of the small image."""
    h, w = (
      (n + low + high - k) // s + 1
      for n, k, s, (low, high) in zip(self.size, self.window, self.strides, self.pads, strict=True)
    )
    return h, w

  @property
  def canvas(self) -> Pair:
    """What the windows cover: (h - 1) stride + window on each axis."""
    h, w = ((n - 1) * s + k for n, k, s in zip(self.small, self.window, self.strides, strict=True))
    return h, w
