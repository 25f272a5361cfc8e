"""Do pictures show what their captions ask for? Of drawn shapes one can tell, word by word."""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from gan_jax.data import shapes
from gan_jax.errors import InputError
from gan_jax.sampling import Sampler

_JUDGES: dict[str, Callable] = {}  # digest of what it was fitted to -> the judge of a run's data


def words(
  sampler: Sampler, source: Callable, key: jax.Array, *, n: int = 480, split: str = 'test'
) -> Mapping[str, float]:
  """{'shape', 'colour', 'ground', 'all'}: the share of n samples that show what they should.

  Each is drawn by G(z, text) from the caption of an image of `split`, of the source `shapes`.
  Shapes are told apart by a logistic regression on the real images, whose own share on
  `split` is 'judge'; chance is 1/4, colour 1/6, ground 1/2, all 1/48.
  """
  train, asked = source(), source(split)
  if asked.meta.get('name') != 'shapes':
    raise InputError(f'metrics.words judges drawn shapes, not {asked.meta.get("name")}.')
  n = min(n, len(asked))
  text, label = asked.arrays['text'][:n], asked.arrays['label'][:n]
  assert sampler.prior is not None
  drawn = sampler.display(sampler.generate(sampler.prior(key, n), text))
  seen = train.meta['sha256']['image']
  if seen not in _JUDGES:
    _JUDGES[seen] = judge_of_shapes(train.arrays['image'], train.arrays['label'])
  judge = _JUDGES[seen]
  right = shares(drawn, label, judge)
  real = shares(asked.arrays['image'][:n], label, judge)
  return {**right, 'judge': real['shape']}


def shares(
  images: np.ndarray, label: np.ndarray, judge: Callable[[np.ndarray], np.ndarray]
) -> dict[str, float]:
  """uint8[N,H,W,3], the kinds that they should be i32[N], a judge of shapes -> shares that are."""
  kinds = np.unravel_index(label, (len(shapes.SHAPES), len(shapes.COLOURS), len(shapes.GROUNDS)))
  found = judge(images), colour(images), ground(images)
  hits = [f == k for f, k in zip(found, kinds, strict=True)]
  named = dict(zip(('shape', 'colour', 'ground'), hits, strict=True))
  named['all'] = np.logical_and.reduce(hits)
  return {name: float(np.mean(hit)) for name, hit in named.items()}


def judge_of_shapes(
  images: np.ndarray, label: np.ndarray, most: int = 2000
) -> Callable[[np.ndarray], np.ndarray]:
  """Of real images, uint8[N,H,W,3] -> which of the shapes, i32[N], whatever colour and ground."""
  from sklearn.linear_model import LogisticRegression

  seen = lambda x: (lambda s: s / np.maximum(s.max(1, keepdims=True), 1e-6))(
    _saturation(x).reshape(len(x), -1)
  )
  shape = label[:most] // (len(shapes.COLOURS) * len(shapes.GROUNDS))
  fitted = LogisticRegression(max_iter=1000).fit(seen(images[:most]), shape)
  return lambda x: fitted.predict(seen(x))


def colour(images: np.ndarray) -> np.ndarray:
  """uint8[N,H,W,3] -> which of the colours is nearest in hue to what is not grey, i32[N]."""
  x = images.astype(np.float32)
  hue = np.sum(_saturation(images)[..., None] * (x - x.min(-1, keepdims=True)), axis=(1, 2))
  named = np.array(list(shapes.COLOURS.values()), np.float32)
  return np.argmax(hue @ (named / np.linalg.norm(named, axis=1, keepdims=True)).T, axis=1)


def ground(images: np.ndarray) -> np.ndarray:
  """uint8[N,H,W,3] -> 0 where the corners are dark, 1 where they are light, i32[N]."""
  corners = images[:, :: images.shape[1] - 1, :: images.shape[2] - 1]
  return (np.mean(corners, axis=(1, 2, 3)) > 127.5).astype(np.int32)


def _saturation(images: np.ndarray) -> np.ndarray:
  """uint8[N,H,W,3] -> f32[N,H,W]: the distance between the strongest channel and the weakest."""
  x = images.astype(np.float32)
  return x.max(-1) - x.min(-1)
