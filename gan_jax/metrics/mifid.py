"""The Frechet distance with copies of training images counted against the generator (MiFID)."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics.frechet import distance
from gan_jax.metrics.look import look
from gan_jax.metrics.moments import moments
from gan_jax.sampling import Sampler

BLOCK = 1024  # rows of either set whose cosines are looked at together
LITTLE = 0.1  # the paper's threshold of memorisation, for Inception's features


def memorisation(fake: np.ndarray, real: np.ndarray) -> float:
  """The mean over samples of their least 1 - |cos| to a real image: 0 of copies.

  Bai et al. 2021 (MiFID): over the samples, not the real images. Rows of zeros, which have
  no direction, are left out. The nearest are sought in float32 and measured in float64.
  """
  kept = [np.flatnonzero(np.any(x, axis=1)) for x in (fake, real)]
  if not all(len(k) for k in kept):
    raise InputError('all features of a set are 0, so that there are no angles.')
  blocks = [[k[i : i + BLOCK] for i in range(0, len(k), BLOCK)] for k in kept]
  total = 0.0
  for rows in blocks[0]:
    mine = _directions(fake[rows])
    best, index = np.full(len(rows), -1.0, np.float32), np.zeros(len(rows), int)
    for columns in blocks[1]:
      cosine = np.abs(mine.astype(np.float32) @ _directions(real[columns]).astype(np.float32).T)
      at = np.argmax(cosine, axis=1)
      value = np.take_along_axis(cosine, at[:, None], 1)[:, 0]
      index = np.where(value > best, columns[at], index)
      best = np.maximum(value, best)
    total += float(np.sum(1 - np.abs(np.einsum('nd,nd->n', mine, _directions(real[index])))))
  return max(total / len(kept[0]), 0.0)


def mifid(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'inception',
  n: int = 10_000,
  split: str = 'train',
  threshold: float = LITTLE,
) -> Mapping[str, Any]:
  """The eval {'mifid', 'memorisation'}: the distance divided by m, if m is under the threshold.

  m is `memorisation` of the training images (Bai et al. 2021); a distance under 1e-8 is 0
  whatever m. The threshold is one for Inception's features: other features want their own.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  found = distance(moments(a.real.features), moments(a.fake.features))
  m = memorisation(a.fake.features, a.real.features)
  penalty = 1 / (m + 1e-14) if m < threshold else 1.0
  return {
    'mifid': found * penalty if found >= 1e-8 else 0.0,
    'memorisation': m,
    'protocol': {**a.protocol, 'threshold': threshold},
  }


def _directions(rows: np.ndarray) -> np.ndarray:
  wide = np.asarray(rows, np.float64)
  return wide / np.linalg.norm(wide, axis=1, keepdims=True)
