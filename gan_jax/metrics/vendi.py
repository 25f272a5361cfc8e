"""How many different images a set is worth: the exponential of its kernel's entropy.

Friedman & Dieng 2023, eq. 1, of any order by Pasarkar & Dieng 2024: 1 for copies of one image, N
for N that have nothing in common. No reference set goes into it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics import pairwise
from gan_jax.metrics.look import look
from gan_jax.sampling import Sampler

ROWS = 1024  # taken into float64 at a time


def of_features(x: np.ndarray, q: float = 1.0) -> float:
  """Features [N,D] -> the score of order q, similarity being the cosine of the angle between two.

  Images whose features are all zero are like each other and unlike all others. In float64 from the
  N x N kernel or from the D x D one, whose eigenvalues are the same, whichever is smaller.
  """
  x = pairwise.flat(x)
  n, d = x.shape
  if n <= d:
    rows = np.concatenate([_unit(x[part]) for part in pairwise.parts(n, ROWS)])
    return of_kernel(rows @ rows.T, q)
  dual = np.zeros((d + 1, d + 1))
  for part in pairwise.parts(n, ROWS):
    rows = _unit(x[part])
    dual += rows.T @ rows
  return effective(np.linalg.eigvalsh(dual / n), q)


def of_kernel(k: np.ndarray, q: float = 1.0) -> float:
  """Similarities f[N,N], symmetric, 1 on the diagonal -> the score of order q."""
  k = np.asarray(k, np.float64)
  if k.ndim != 2 or k.shape[0] != k.shape[1] or not len(k) or not np.all(np.isfinite(k)):
    raise InputError(f'similarities are to be finite numbers f[N,N], N > 0, not {k.shape}.')
  if not (np.allclose(np.diag(k), 1) and np.allclose(k, k.T)):
    raise InputError('similarities are to be symmetric, and those of an image with itself 1.')
  return effective(np.linalg.eigvalsh(k / len(k)), q)


def effective(p: np.ndarray, q: float = 1.0) -> float:
  """Shares f64[N] of 1 -> exp of their entropy of order q > 0 (Renyi's; Shannon's if q = 1).

  Small q counts rare kinds as much as common ones; q = inf is 1 / the largest share. What may be
  but the rounding of a 0 counts as one.
  """
  if not q > 0:
    raise InputError(f'the order of an entropy is to be above 0, or inf; q={q} is not.')
  p = p[p > len(p) * np.finfo(np.float64).eps * np.max(p)]
  if q == 1:
    return float(np.exp(-np.sum(p * np.log(p))))
  if np.isinf(q):
    return float(1 / np.max(p))
  return float(np.sum(p**q) ** (1 / (1 - q)))


def vendi(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  q: float = 1.0,
) -> Mapping[str, Any]:
  """The eval {'vendi', 'real'}: of n samples, and of n images of a split beside them.

  Numbers are of one n: a set of more images is worth more.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  return {
    'vendi': of_features(a.fake.features, q),
    'real': of_features(a.real.features, q),
    'protocol': {**a.protocol, 'order': q, 'similarity': 'cosine'},
  }


def _unit(x: np.ndarray) -> np.ndarray:
  """f[B,D] -> f64[B,D+1] of length 1: what has no direction gets the last one."""
  x = np.asarray(x, np.float64)
  length = np.linalg.norm(x, axis=1, keepdims=True)
  return np.concatenate([x / np.where(length > 0, length, 1), length == 0], axis=1)
