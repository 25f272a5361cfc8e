"""Whether a line through z tells apart what images show (Karras et al. 2019, section 4.2).

For each attribute a classifier labels the images, a linear SVM learns the labels from z, and the
conditional entropy H(Y|X) in bits says how much of the label its side of the plane leaves open. The
score is 2^(their sum): 1 if every attribute is separated by a plane.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics.look import look
from gan_jax.paths import inputs
from gan_jax.sampling import Sampler


def conditional_entropy(y: np.ndarray, x: np.ndarray) -> float:
  """H(Y|X) in bits of two columns of booleans [N], from their counts."""
  y, x = (np.asarray(a, bool) for a in (y, x))
  joint = np.array([[np.mean((x == i) & (y == j)) for j in (0, 1)] for i in (0, 1)])
  given = joint / np.maximum(joint.sum(axis=1, keepdims=True), 1e-300)
  return float(-np.sum(joint * np.log2(np.where(joint > 0, given, 1))))


def attributes(logits: np.ndarray) -> np.ndarray:
  """Logits f[N,K] of classes -> log-odds f64[N,K] of each class against all others.

  Of 2 classes one attribute, [N,1]: the second would be its negative.
  """
  logits = np.asarray(logits, np.float64)
  if logits.ndim != 2 or logits.shape[1] < 2 or not np.all(np.isfinite(logits)):
    raise InputError(
      f'separability takes finite logits [N, classes > 1], not {logits.shape} or nan.'
    )
  if logits.shape[1] == 2:
    return logits[:, 1:] - logits[:, :1]
  columns = range(logits.shape[1])
  others = [np.logaddexp.reduce(np.delete(logits, k, axis=1), axis=1) for k in columns]
  return logits - np.stack(others, axis=1)


def entropies(z: np.ndarray, odds: np.ndarray, kept: float = 0.5) -> np.ndarray:
  """H(Y|X) of each attribute: z f[N,Z], log-odds f[N,A], above 0 where it is there -> f64[A].

  By the share `kept` of the images of which the attribute's classifier is surest, as many for each
  attribute; the SVM is scored on what it was fitted to, as in the paper's code. An attribute that
  all of these have or none has no entropy. Raises InputError for fewer than 10 of them.
  """
  n = int(len(z) * kept)
  if len(z) != len(odds) or n < 10:
    raise InputError(f'{n} images to separate, of {len(z)} z and {len(odds)} labels; 10 are few.')
  out = np.zeros(odds.shape[1])
  for a, column in enumerate(odds.T):
    rows = np.argsort(-np.abs(column), kind='stable')[:n]
    y = column[rows] > 0
    if y.any() and not y.all():
      out[a] = conditional_entropy(y, _sides(np.asarray(z[rows], np.float64), y))
  return out


def separability(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  kept: float = 0.5,
) -> Mapping[str, Any]:
  """The eval {'separability', 'entropy', 'blind'}: of n images, an attribute for each class.

  'entropy' is the sum that 'separability' is 2 to the power of; 'blind' is what the score would be
  of an SVM that knows nothing, 2^(sum of H(Y)). The paper has 200,000 images, keeps 1/2 and has 40
  attributes of faces: numbers are comparable for one classifier only. Raises InputError without z,
  or for features that do not classify.
  """
  given, at = inputs(sampler, key, n)
  a = look(sampler, source, key, features=features, n=n)
  if a.fake.logits is None:
    name = a.protocol['features']
    raise InputError(f'{name} does not classify; separability needs an extractor that does.')
  odds = attributes(np.asarray(a.fake.logits))
  found = entropies(given[at], odds, kept)
  sides = np.zeros(len(odds), bool)
  most = [np.argsort(-np.abs(c), kind='stable')[: int(n * kept)] for c in odds.T]
  blind = sum(conditional_entropy(c[r] > 0, sides[r]) for c, r in zip(odds.T, most, strict=True))
  drawn = {k: v for k, v in a.protocol.items() if not k.startswith(('real', 'n_real'))}
  return {
    'separability': float(np.exp2(found.sum())),
    'entropy': float(found.sum()),
    'blind': float(np.exp2(blind)),
    'protocol': {**drawn, 'kept': kept, 'attributes': odds.shape[1]},
  }


def _sides(z: np.ndarray, y: np.ndarray) -> np.ndarray:
  """What a linear SVM (squared hinge, C = 1) that was fitted to both says of them, bool[N]."""
  import warnings

  from sklearn.exceptions import ConvergenceWarning
  from sklearn.svm import LinearSVC

  with warnings.catch_warnings():
    warnings.simplefilter('ignore', ConvergenceWarning)
    return LinearSVC(dual=len(z) < z.shape[1], random_state=0).fit(z, y).predict(z)
