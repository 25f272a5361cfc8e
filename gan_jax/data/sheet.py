"""A contact sheet: what a data set looks like, on one picture."""

import pathlib

import numpy as np
from PIL import Image

from gan_jax.data.source import Source

_ROWS, _COLUMNS = 10, 10
_TILE = 48  # pixels at least of one image; small ones are magnified by a whole number
_WIDTH = 1600  # pixels at most of the sheet; large ones are thinned
_GAP = 2
_PLANE = 640  # pixels of the picture of a set of points


def write_sheet(source: Source, path: pathlib.Path) -> pathlib.Path:
  """Writes a PNG: a class per row where there are several, else evenly spread; points: a plane."""
  image = source.arrays['image']
  path.parent.mkdir(parents=True, exist_ok=True)
  (_plane(image) if image.ndim == 2 else _tiles(source)).save(path)
  return path


def _tiles(source: Source) -> Image.Image:
  image, rows = source.arrays['image'], _chosen(source)
  height, width, channels = image.shape[1:]
  up = max(1, -(-_TILE // max(height, width)))
  down = max(1, -(-width * _COLUMNS // _WIDTH))
  h, w = -(-height // down) * up + _GAP, -(-width // down) * up + _GAP
  sheet = np.full((h * len(rows) + _GAP, w * _COLUMNS + _GAP, channels), 255, np.uint8)
  for r, row in enumerate(rows):
    for c, i in enumerate(row):
      tile = image[i, ::down, ::down].repeat(up, 0).repeat(up, 1)
      y, x = r * h + _GAP, c * w + _GAP
      sheet[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
  return Image.fromarray(sheet[..., 0] if channels == 1 else sheet)


def _chosen(source: Source) -> list[list[int]]:
  """The rows of the sheet, as rows of the data set."""
  n = len(source)
  if 'label' in source.arrays and (classes := np.unique(source.arrays['label'])).size > 1:
    label = source.arrays['label']
    return [_spread(np.flatnonzero(label == k), _COLUMNS) for k in classes[:_ROWS]]
  chosen = _spread(np.arange(n), _ROWS * _COLUMNS)
  return [chosen[i : i + _COLUMNS] for i in range(0, len(chosen), _COLUMNS)]


def _spread(rows: np.ndarray, count: int) -> list[int]:
  """At most `count` of the rows, evenly spread, each once."""
  at = np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)
  return rows[at].tolist()


def _plane(points: np.ndarray) -> Image.Image:
  """f32[N,2], or f32[N,1] -> how many points fall on each pixel, darker for more; y upwards."""
  points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
  reach = 1.1 * float(np.abs(points).max()) or 1.0
  axis = np.linspace(-reach, reach, _PLANE + 1)
  count = np.histogram2d(points[:, 1], points[:, 0], bins=(axis, axis))[0][::-1]
  dark = np.minimum(1, np.log1p(count) / np.log1p(max(1.0, np.quantile(count[count > 0], 0.9))))
  return Image.fromarray((255 * (1 - dark)).astype(np.uint8))
