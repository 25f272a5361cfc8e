"""Forgetting to draw (Radford et al. 2016, section 6.3.2): a generator without some of its maps.

Boxes that a person drew around an object (windows, in the paper) on samples say which positions of
the second highest layer of maps are of it. A logistic regression tells these from others of the
same images by the maps' values there; the maps with weights above 0 are set to 0 everywhere.
"""

import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import inside
from gan_jax.errors import InputError
from gan_jax.figures.beside import captioned, row
from gan_jax.figures.grids import grid
from gan_jax.inside import Layer
from gan_jax.sampling import Sampler, in_chunks

BATCH = 64
BOX = (255, 40, 40)
Box = Sequence[int]  # image, y0, x0, y1, x1: pixels y0 <= y < y1, x0 <= x < x1


def forgetting(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  boxes: Sequence[Box] | str | None = None,
  n: int = 16,
  rows: int = 4,
  columns: int = 8,
  layer: str = '',
  seed: int = 0,
) -> Mapping[str, Any]:
  """{'forgetting': uint8[H,W,3], 'dropped', 'of', 'accuracy'}: samples before and after.

  `boxes` is a list of (image, y0, x0, y1, x1), or the JSON file of one: image i is the i-th of n
  samples, which {'boxes': uint8[H,W,3]} shows with their numbers, and is all there is without
  boxes; the right and lower ends are outside. 'dropped' of the layer's maps are forgotten in
  `rows` x `columns` samples that have no box, beneath those that have. 'accuracy' is the
  regression's, with which it tells apart what it was fitted to. Raises InputError for boxes that
  lie outside, a layer without maps, or a generator that makes no images.
  """
  if len(sampler.shape) != 3:
    raise InputError(f'what is forgotten is seen on images; this draws {sampler.shape}.')
  given = sampler.fill(key, n + rows * columns)
  shown = [a[:n] for a in given]
  if boxes is None:
    return {'boxes': numbered(sampler.display(sampler.generate(*shown)))}
  checked = read(boxes, n, sampler.shape)
  G = sampler.function('G')
  layers = inside.find(G, *shown)
  at = inside.named(layers, layer) if layer else second(layers)
  look = jax.jit(lambda *inputs: inside.seen(G, [at])(*inputs)[0].after)
  weights, accuracy = regression(
    *examples(in_chunks(look, BATCH, *shown), checked, sampler.shape, seed)
  )
  dropped = weights > 0
  drawn = lambda f: _coloured(sampler.display(in_chunks(jax.jit(f), BATCH, *given)))
  before, after = drawn(G), drawn(without(G, at, dropped))
  before[:n] = outlined(before[:n], checked)
  of = f'{dropped.sum()} of {len(dropped)} maps of {at.name}'
  parts = [sorted({box[0] for box in checked}), range(n, n + rows * columns)]
  panels = [
    _panel(text, [images[list(part)] for part in parts], columns)
    for text, images in (('as drawn', before), (f'without {of}', after))
  ]
  told = {'dropped': int(dropped.sum()), 'of': len(dropped), 'accuracy': accuracy}
  return {'forgetting': row(panels), **told}


def read(boxes: Sequence[Box] | str, n: int, shape: Sequence[int]) -> list[tuple[int, ...]]:
  """The boxes, from a JSON file if it is a path, checked against n images of that shape."""
  try:
    found = json.loads(pathlib.Path(boxes).read_text()) if isinstance(boxes, str) else boxes
    out = [tuple(int(v) for v in box) for box in found]
  except (OSError, ValueError, TypeError) as error:
    raise InputError(f'boxes are (image, y0, x0, y1, x1) each, not {boxes}: {error}.') from error
  for box in out:
    good = len(box) == 5 and 0 <= box[0] < n and box[1] < box[3] and box[2] < box[4]
    if not good or min(box) < 0 or box[3] > shape[0] or box[4] > shape[1]:
      raise InputError(
        f'box {box} is none (image, y0, x0, y1, x1) in {n} images of {shape[0]}x{shape[1]} pixels.'
      )
  if not out:
    raise InputError('there is no box: say of what to forget.')
  return out


def second(layers: Sequence[Layer]) -> Layer:
  """The last layer of maps of the second highest resolution; InputError if there is none."""
  sizes = sorted({layer.shape[0] for layer in inside.maps(layers)})
  if len(sizes) < 2:
    raise InputError('this generator has no maps of a second resolution to forget.')
  return [layer for layer in inside.maps(layers) if layer.shape[0] == sizes[-2]][-1]


def examples(
  maps: np.ndarray, boxes: Sequence[Box], shape: Sequence[int], seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
  """Positions in boxes and as many others of the same images: (f32[P,C], whether in a box bool[P]).

  maps f32[N,h,w,C] of images of that shape. A position is in a box if the middle of what it stands
  for is. Raises InputError if no position is, or if all are.
  """
  _, h, w, _ = maps.shape
  middle_y, middle_x = (np.arange(h) + 0.5) * shape[0] / h, (np.arange(w) + 0.5) * shape[1] / w
  inside_ = np.zeros(maps.shape[:3], bool)
  for image, y0, x0, y1, x1 in boxes:
    tall, wide = (middle_y >= y0) & (middle_y < y1), (middle_x >= x0) & (middle_x < x1)
    inside_[image] |= tall[:, None] & wide
  of = np.isin(np.arange(len(maps)), [box[0] for box in boxes])
  outside = np.flatnonzero(~inside_ & of[:, None, None])
  positive = np.flatnonzero(inside_)
  if not len(positive) or not len(outside):
    raise InputError(f'of the {h}x{w} positions of the maps none or all are in the boxes.')
  rng = np.random.default_rng(seed)
  negative = rng.choice(outside, min(len(positive), len(outside)), replace=False)
  flat = maps.reshape(-1, maps.shape[-1])
  label = np.repeat([True, False], [len(positive), len(negative)])
  return flat[np.concatenate([positive, negative])], label


def regression(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
  """(the weight of each map f64[C], the share of the examples that it tells right)."""
  from sklearn.linear_model import LogisticRegression

  fitted = LogisticRegression(max_iter=10_000).fit(np.asarray(x, np.float64), y)
  return fitted.coef_[0], float(fitted.score(x, y))


def without(G: Callable, layer: Layer, dropped: np.ndarray) -> Callable:
  """G with these maps, bool[C], of a layer's activation set to 0 everywhere."""
  kept = jnp.asarray(~np.asarray(dropped), jnp.float32)
  return inside.changed(G, [layer], lambda maps: maps * kept.reshape(1, 1, 1, -1), after=True)


def numbered(images: np.ndarray, columns: int = 4, width: int = 160) -> np.ndarray:
  """uint8[N,H,W,C] -> uint8[H,W,3]: each image large, its number above it, to read boxes off.

  White lines cross each image at quarters of its sides.
  """
  zoom = max(1, round(width / images.shape[2]))
  ruled = []
  for i, image in enumerate(images):
    big = np.array(grid(image[None, ..., :3], 1, zoom))
    for side in (0, 1):
      for quarter in (1, 2, 3):
        at = [slice(None), slice(None)]
        at[side] = 2 + quarter * image.shape[side] * zoom // 4
        big[tuple(at)] = 255 - big[tuple(at)] // 2
    ruled.append(captioned(str(i), big))
  h, w = images.shape[1:3]
  lines = f'lines at quarters of {h}x{w} pixels; a box is (image, y0, x0, y1, x1)'
  return captioned(lines, grid(np.stack(ruled), columns, 1))


def outlined(images: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
  """uint8[N,H,W,3] -> the same with the edge of each box, just inside it, in red."""
  out = np.array(images)
  for image, y0, x0, y1, x1 in boxes:
    box = out[image, y0:y1, x0:x1]
    box[[0, -1]] = BOX
    box[:, [0, -1]] = BOX
  return out


def _coloured(images: np.ndarray) -> np.ndarray:
  return np.array(np.broadcast_to(images[..., :3], (*images.shape[:3], 3)))


def _panel(caption: str, parts: Sequence[np.ndarray], columns: int) -> np.ndarray:
  """uint8[N,H,W,3] each -> their grids over one another, beneath the caption."""
  zoom = max(1, round(56 / parts[0].shape[2]))
  return captioned(caption, np.concatenate([grid(part, columns, zoom) for part in parts]))
