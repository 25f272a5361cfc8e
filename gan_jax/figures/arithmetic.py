"""Sums in z (Radford et al. 2016, section 6.3.3): smiling woman - woman + man.

A concept is the mean z of a few draws that show it, since single ones are not stable: those at
places that a person chose (`draws` shows each with its number), those that a classifier takes for a
class, or those that have most of an attribute.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax import config as configs
from gan_jax import paths
from gan_jax.errors import InputError
from gan_jax.figures.beside import captioned, row
from gan_jax.figures.grids import enlarged, grid
from gan_jax.metrics import look
from gan_jax.sampling import Sampler

Concept = int | str | Sequence[int]  # a class, an attribute or '-' and an attribute, draws


class Draws(NamedTuple):
  """What is chosen from."""

  given: tuple[np.ndarray, ...]  # G's inputs, n of each
  at: int  # which of them is z
  images: np.ndarray  # uint8[n,H,W,C]

  @property
  def z(self) -> np.ndarray:
    """f32[n,Z]."""
    return self.given[self.at]


def arithmetic(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  a: Concept = 'slant',
  b: Concept = '-slant',
  c: Concept = '-brightness',
  exemplars: int = 3,
  n: int = 256,
  noise: float = 0.25,
  features: Any = 'classifier',
  width: int = 150,
) -> Mapping[str, np.ndarray]:
  """{'arithmetic': uint8[H,W,3]}: a - b + c, in z and, for contrast, in pixels.

  Of each concept its exemplars, and below them the image of their mean z. The result is the middle
  of nine, around it what U(-noise, noise) on every entry of its z makes of it, as in Figure 7; then
  the same sum of the exemplars' mean pixels. A concept is one of `n` draws: a class, an integer,
  whose exemplars a classifier (`features`) is most sure of; the name of an attribute, of which they
  have most, or least after a '-'; or a list of draws. Raises InputError for another.
  """
  draws = _drawn(sampler, key, n)
  judge = lambda: look.fakes(sampler, key, n, look.built(features, source)).logits
  chosen = [_exemplars(concept, draws.images, exemplars, judge) for concept in (a, b, c)]
  means = [draws.z[rows].mean(axis=0) for rows in chosen]
  total = means[0] - means[1] + means[2]
  around = np.random.default_rng(np.asarray(jax.random.key_data(key))).uniform(
    -noise, noise, (9, len(total))
  )
  around[4] = 0
  # Labels and the like are those of the first exemplar of a.
  like = [np.repeat(part[chosen[0][:1]], 9, axis=0) for part in draws.given]
  z = np.concatenate([np.stack(means), total + around]).astype(np.float32)
  every = [np.concatenate([part[[rows[0] for rows in chosen]], nine]) for part, nine in
           zip(draws.given, like, strict=True)]  # fmt: skip
  images = paths.pictures(sampler, every, draws.at, z[:, None])
  pixels = [draws.images[rows].mean(axis=0) for rows in chosen]
  summed = np.clip(np.rint(pixels[0] - pixels[1] + pixels[2]), 0, 255).astype(np.uint8)
  panels = [
    _panel(_name(sign, concept), np.concatenate([draws.images[rows], image[None]]), 1, width // 2)
    for sign, concept, rows, image in zip(('', '-', '+'), (a, b, c), chosen, images, strict=False)
  ]
  panels.append(_panel('=', images[3:], 3, width * 2))
  panels.append(_panel('in pixels', summed[None], 1, width))
  return {'arithmetic': row(panels)}


def turn(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  by: str = 'slant',
  exemplars: int = 4,
  n: int = 256,
  rows: int = 6,
  columns: int = 9,
  reach: float = 1.0,
  zoom: int = 0,
) -> Mapping[str, Any]:
  """{'turn': uint8[H,W,C], 'change'}: random samples led along the direction of an attribute.

  The direction is from the mean z of the draws that have least of it to that of those that have
  most (the turn vector of Figure 8); columns add from -reach/2 to reach/2 of it. 'change' is how
  much more of the attribute the last column has than the first, in deviations of it among draws.
  """
  draws = _drawn(sampler, key, n)
  most, least = (_exemplars(sign + by, draws.images, exemplars, None) for sign in ('', '-'))
  vector = draws.z[most].mean(axis=0) - draws.z[least].mean(axis=0)
  inputs, at = paths.inputs(sampler, jax.random.fold_in(key, 1), rows)
  steps = np.linspace(-reach / 2, reach / 2, columns)
  z = inputs[at][:, None] + steps[:, None] * vector
  images = paths.pictures(sampler, inputs, at, z.astype(np.float32))
  measure = _attribute(by)
  value = measure(images).reshape(rows, columns)
  spread = float(np.std(measure(draws.images)))
  change = float(np.mean(value[:, -1] - value[:, 0])) / (spread or 1.0)
  return {'turn': grid(images, columns, zoom), 'change': change}


def draws(
  sampler: Sampler, source: Callable, key: jax.Array, *, n: int = 256, columns: int = 16
) -> Mapping[str, np.ndarray]:
  """{'draws': uint8[H,W,3]}: the draws that concepts are chosen from, each with its number."""
  images = _drawn(sampler, key, n).images
  zoom = max(1, round(48 / images.shape[2]))
  return {'draws': grid(_numbered(enlarged(images, zoom)), columns, zoom=1)}


def _drawn(sampler: Sampler, key: jax.Array, n: int) -> Draws:
  given, at = paths.inputs(sampler, key, n)
  images = look.drawn(sampler, key, n)
  if images.dtype != np.uint8:
    raise InputError(f'sums of z are shown as images; this G draws points {images.shape[1:]}.')
  return Draws(given, at, images)


def _exemplars(
  concept: Concept, images: np.ndarray, count: int, judge: Callable | None
) -> np.ndarray:
  """The rows i[count] of the draws that show the concept best."""
  if isinstance(concept, str):
    sign, name = (-1, concept[1:]) if concept.startswith('-') else (1, concept)
    return np.argsort(-sign * _attribute(name)(images), kind='stable')[:count]
  if isinstance(concept, int):
    return _of_class(concept, None if judge is None else judge(), count)
  rows = np.asarray(concept, int).ravel()
  if not len(rows) or rows.min() < 0 or rows.max() >= len(images):
    raise InputError(
      f'{concept!r} names draws of 0 to {len(images) - 1}; the figure draws has them.'
    )
  return rows


def _of_class(label: int, logits: np.ndarray | None, count: int) -> np.ndarray:
  if logits is None:
    raise InputError(f'class {label} needs features that classify, such as features=classifier.')
  if not 0 <= label < logits.shape[1]:
    raise InputError(f'class {label} is none of the 0 to {logits.shape[1] - 1} of the classifier.')
  shift = logits - logits.max(axis=1, keepdims=True)
  share = np.exp(shift[:, label]) / np.exp(shift).sum(axis=1)
  return np.argsort(-share, kind='stable')[:count]


def _attribute(name: str) -> Callable[[np.ndarray], np.ndarray]:
  return configs.resolve(name if '.' in name else f'attributes.{name}', 'figures')


def _name(sign: str, concept: Concept) -> str:
  words = ' '.join(map(str, concept)) if isinstance(concept, Sequence) and not isinstance(
    concept, str) else str(concept)  # fmt: skip
  return f'{sign} {words}'.strip()


def _panel(caption: str, images: np.ndarray, columns: int, width: int) -> np.ndarray:
  zoom = max(1, round(width / (columns * images.shape[2])))
  return captioned(caption, grid(images[..., :3], columns, zoom), height=20)


def _numbered(images: np.ndarray) -> np.ndarray:
  """uint8[N,h,w,C] -> uint8[N,h,w,3], the row's number in a corner."""
  from PIL import Image, ImageDraw, ImageFont

  font = ImageFont.load_default(size=10)
  out = []
  for i, image in enumerate(images):
    picture = Image.fromarray(np.broadcast_to(image[..., :3], (*image.shape[:2], 3)).copy())
    drawing = ImageDraw.Draw(picture)
    drawing.text((1, 0), str(i), 'white', font, stroke_width=1, stroke_fill='black')
    out.append(np.asarray(picture))
  return np.stack(out)
