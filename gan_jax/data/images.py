"""One encoded image -> pixels of the wanted size and channels; only Pillow and numpy inside."""

import io
import os
from typing import IO, NamedTuple

import numpy as np
from PIL import Image, ImageOps

FILTERS = {
  'lanczos': Image.Resampling.LANCZOS,
  'bicubic': Image.Resampling.BICUBIC,
  'bilinear': Image.Resampling.BILINEAR,
  'box': Image.Resampling.BOX,
}
_MODES = {1: 'L', 3: 'RGB', 4: 'RGBA'}
_GREY = ('1', 'L', 'LA', 'La', 'I', 'I;16', 'I;16B', 'I;16L')
_SIXTEEN = ('I', 'I;16', 'I;16B', 'I;16L')
_TURNED = (5, 6, 7, 8)  # EXIF orientations that swap height and width
_ORIENTATION = 0x0112

Bytes = str | os.PathLike | IO[bytes]


class Fact(NamedTuple):
  """What an image's header says: height and width as it is to be seen, and kind of pixel."""

  height: int
  width: int
  grey: bool
  alpha: bool


def fact(source: Bytes) -> Fact:
  """Reads the header only. Raises whatever Pillow raises on what is no image."""
  with Image.open(source) as image:
    width, height = image.size
    turned = image.getexif().get(_ORIENTATION) in _TURNED
    alpha = image.mode in ('LA', 'La', 'RGBA', 'RGBa', 'PA') or 'transparency' in image.info
    size = (width, height) if turned else (height, width)
    return Fact(*size, grey=image.mode in _GREY, alpha=alpha)


def pixels(
  source: Bytes, size: tuple[int, int] | None, channels: int, filter: str = 'lanczos'
) -> np.ndarray:
  """An image as it is to be seen -> uint8[H,W,channels].

  The largest centred part with the shape of `size` is cut out and scaled to it by Pillow's
  antialiased `filter`; with size None nothing is scaled. The EXIF orientation is honoured,
  16-bit grey becomes 8-bit, transparency is laid over white where `channels` has no room for it;
  the first frame of several is taken.
  """
  with Image.open(source) as opened:
    ImageOps.exif_transpose(opened, in_place=True)
    image = _with_mode(_eight_bit(opened), _MODES[channels])
  return resized(np.asarray(image).reshape(image.height, image.width, channels), size, filter)


def resized(image: np.ndarray, size: tuple[int, int] | None, filter: str) -> np.ndarray:
  """uint8[h,w,C] -> uint8[H,W,C]: the largest centred part of the shape (H, W), scaled to it.

  Cut on whole pixels first, then scaled: with Pillow's `box` the filter would look beyond the cut.
  """
  if size is None or image.shape[:2] == size:
    return image
  height, width, channels = image.shape
  scale = min(height / size[0], width / size[1])
  h, w = (max(1, round(s * scale)) for s in size)
  top, left = (height - h) // 2, (width - w) // 2
  cut = image[top : top + h, left : left + w]
  flat = Image.fromarray(cut[..., 0] if channels == 1 else cut)
  return np.asarray(flat.resize(size[::-1], FILTERS[filter])).reshape(*size, channels)


def try_pixels(
  data: bytes, size: tuple[int, int] | None, channels: int, filter: str
) -> np.ndarray | str:
  """As `pixels` of encoded bytes, but an image that cannot be read gives the reason instead."""
  try:
    return pixels(io.BytesIO(data), size, channels, filter)
  except (
    Exception
  ) as e:  # Pillow's readers raise OSError, SyntaxError, ValueError, struct.error, ...
    return str(e) or type(e).__name__


def _eight_bit(image: Image.Image) -> Image.Image:
  if image.mode not in _SIXTEEN:
    return image
  values = np.asarray(image).astype(np.int64)  # PNG's 16 bits come as I;16 or, in older Pillow, I
  return Image.fromarray(np.rint(np.clip(values, 0, 65535) / 257).astype(np.uint8))


def _with_mode(image: Image.Image, mode: str) -> Image.Image:
  alpha = image.has_transparency_data
  if alpha and mode != 'RGBA':
    image = image.convert('RGBA')
    image = Image.alpha_composite(Image.new('RGBA', image.size, 'white'), image)
  elif image.mode == 'P' and mode == 'L':
    image = image.convert('RGB')
  return image.convert(mode)
