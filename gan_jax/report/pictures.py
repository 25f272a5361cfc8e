"""Pictures inside a page: data URIs of bounded size.

A still of more than STILL bytes, or more than SIDE pixels wide or high, and an animation of more
than MOVING are encoded anew, as WebP, and scaled until they fit. A page takes PAGE bytes of
pictures, the first that it is handed; the others are named as left out.
"""

import base64
import io
import pathlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

STILL = 300_000  # bytes of one still
MOVING = 1_500_000  # bytes of one animation
PAGE = 9_000_000  # bytes of all; base64 makes 12 MB of them
SIDE = 1600  # pixels
FRAMES = 40  # of an animation that is encoded anew
SECONDS = 8.0  # that it takes
_TYPES = {'.png': 'image/png', '.gif': 'image/gif'}


class Wanted(NamedTuple):
  """A picture that a page would show."""

  paths: Sequence[pathlib.Path]  # one file, or several that are the frames of an animation
  caption: str
  alt: str


class Shown(NamedTuple):
  """A picture in a page."""

  uri: str
  width: int
  height: int
  caption: str
  alt: str
  still: str = ''  # of an animation its last frame, for those who ask for less motion


def shown(wanted: Iterable[Wanted], most: int = PAGE) -> tuple[list[Shown | None], list[str]]:
  """(one for each that is wanted, None where it is left out; sentences on those)."""
  out: list[Shown | None] = []
  why: list[str] = []
  spent = 0
  for one in wanted:
    try:
      found = _encoded(one)
    except (OSError, SyntaxError, ValueError) as error:  # as Pillow says that a file is no picture
      why.append(f'{one.caption} cannot be read: {" ".join(str(error).split())}')
      out.append(None)
      continue
    size = 3 * (len(found.uri) + len(found.still)) // 4
    if spent + size > most:
      why.append(f'{one.caption} is left out: the page has {most / 1e6:.0f} MB of pictures already')
      out.append(None)
    else:
      spent += size
      out.append(found)
  return out, why


def _encoded(wanted: Wanted) -> Shown:
  path = wanted.paths[-1]
  kept, size = path.read_bytes(), _size(path)
  moving = len(wanted.paths) > 1 or _frames(path) > 1
  fits = len(kept) <= (MOVING if moving else STILL) and max(size) <= SIDE
  if fits and len(wanted.paths) == 1 and path.suffix in _TYPES:
    still = _uri(*_webp([_opened(path)[-1]], STILL // 3)) if moving else ''
    return Shown(_uri(kept, _TYPES[path.suffix]), *size, wanted.caption, wanted.alt, still)
  frames = [frame for one in wanted.paths for frame in _opened(one)]
  frames = [frame for frame in frames if frame.size == frames[-1].size]
  chosen = np.unique(np.linspace(0, len(frames) - 1, min(FRAMES, len(frames))).round().astype(int))
  data, kind = _webp([frames[i] for i in chosen], MOVING if moving else STILL)
  still = _uri(*_webp([frames[-1]], STILL // 3)) if moving else ''
  return Shown(_uri(data, kind), *size, wanted.caption, wanted.alt, still)


def _webp(frames: Sequence[Image.Image], most: int) -> tuple[bytes, str]:
  """The frames in at most so many bytes, scaled down as far as that takes; and their type."""
  side = max(frames[0].size)
  scale = min(1.0, SIDE / side)
  while True:
    size = [max(1, round(scale * length)) for length in frames[0].size]
    scaled = frames if scale == 1 else [f.resize(size) for f in frames]
    out, each = io.BytesIO(), max(20, round(1000 * SECONDS / len(frames)))
    more = dict(save_all=True, append_images=scaled[1:], duration=each, loop=0)
    scaled[0].save(out, 'webp', quality=85, method=3, **(more if len(frames) > 1 else {}))
    if out.tell() <= most or max(size) <= 64:
      return out.getvalue(), 'image/webp'
    scale *= 0.75


def _opened(path: pathlib.Path) -> list[Image.Image]:
  """All frames, RGB; transparent pixels are laid over white."""
  out = []
  with Image.open(path) as image:
    for i in range(getattr(image, 'n_frames', 1)):
      image.seek(i)
      frame = image.convert('RGBA')
      out.append(Image.alpha_composite(Image.new('RGBA', frame.size, 'white'), frame))
  return [frame.convert('RGB') for frame in out]


def _size(path: pathlib.Path) -> tuple[int, int]:
  with Image.open(path) as image:
    image.load()
    return image.size


def _frames(path: pathlib.Path) -> int:
  with Image.open(path) as image:
    return getattr(image, 'n_frames', 1)


def _uri(data: bytes, kind: str) -> str:
  return f'data:{kind};base64,{base64.b64encode(data).decode()}'
