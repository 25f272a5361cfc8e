"""Scores of a classifier's opinions: are single samples of some class, and all together of all?

All are of logits [N,K], in float64. Only those of Inception's ImageNet logits are an Inception
score and comparable with papers; those of another classifier are comparable among themselves.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.special import log_softmax, logsumexp, xlogy

from gan_jax.errors import InputError
from gan_jax.metrics.look import Look, look
from gan_jax.sampling import Sampler


class Score(NamedTuple):
  """A score, and how far it may be off."""

  mean: float
  spread: float  # the deviation between splits, as papers give it
  stderr: float  # of the mean: the spread over the root of their number


def inception_score(logits: np.ndarray, splits: int = 10) -> Score:
  """exp E_x KL(p(y|x) || p(y)), the mean over splits (Salimans et al. 2016, section 4).

  Split i has the rows from i N / splits to (i + 1) N / splits. In [1, K]; it grows with the number
  of images of a split.
  """
  log_p = _log_p(logits, splits)
  bounds = np.arange(splits + 1) * len(log_p) // splits
  parts = [log_p[a:b] for a, b in itertools.pairwise(bounds)]
  scores = np.array([np.exp(_information(part)) for part in parts])
  error = np.std(scores, ddof=1) / np.sqrt(splits) if splits > 1 else np.nan
  return Score(float(np.mean(scores)), float(np.std(scores)), float(error))


def mode_score(logits: np.ndarray, train: np.ndarray) -> float:
  """exp(E_x KL(p(y|x) || p(y)) - KL(p(y) || p*)): `train` f[K] are the shares of the classes, p*.

  Che et al. 2017, in the form that Xu et al. 2018 compute. What Che et al. print first, with p* in
  the first term too, is the Inception score whatever p* is.
  """
  log_p = _log_p(logits)
  return float(np.exp(_information(log_p) - _divergence(np.exp(_marginal(log_p)), train)))


def modified_score(logits: np.ndarray) -> float:
  """The mean over classes of exp E_i E_j KL(p(y|x_i) || p(y|x_j)), of samples read as that class.

  m-IS of Gurumurthy et al. 2017 (DeLiGAN): how unlike the samples of one class are. 1 for copies.
  """
  log_p = _log_p(logits)
  read = np.argmax(log_p, axis=1)
  of_class = [log_p[read == k] for k in np.unique(read)]
  pairs = [np.mean(np.sum(np.exp(q) * q, 1)) - np.exp(q).mean(0) @ q.mean(0) for q in of_class]
  return float(np.mean(np.exp(pairs)))


def am_score(logits: np.ndarray, train: np.ndarray) -> float:
  """KL(p* || p(y)) + E_x H(y|x), in nats, lower is better (Zhou et al. 2018, eq. 29)."""
  log_p = _log_p(logits)
  entropy = -np.mean(np.sum(np.exp(log_p) * log_p, axis=1))
  return float(_divergence(train, np.exp(_marginal(log_p))) + entropy)


def inception(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 50_000,
  split: str = 'train',
  splits: int = 10,
) -> Mapping[str, Any]:
  """The Inception score of n samples, its spread over splits, and that of real images."""
  return _scored('inception', sampler, source, key, n, split, splits, 'inception')


def class_score(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  splits: int = 10,
) -> Mapping[str, Any]:
  """The Inception score's formula on the logits of any classifier: {'class_score', 'spread', ...}.

  Beside it 'real', that of as many real images.
  """
  return _scored('class_score', sampler, source, key, n, split, splits, features)


def class_scores(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
) -> Mapping[str, Any]:
  """{'mode_score', 'modified_score', 'am_score'} of n samples, by a classifier of the classes.

  p*, the shares of the classes in the data, are those of its labels.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  fake, real = _logits(a)
  if a.real.label is None:
    raise InputError('the shares of the classes in the data are wanted, but it has no labels.')
  shares = np.bincount(a.real.label, minlength=fake.shape[1]) / len(a.real.label)
  return {
    'mode_score': mode_score(fake, shares),
    'modified_score': modified_score(fake),
    'am_score': am_score(fake, shares),
    'am_score_real': am_score(real, shares),
    'protocol': {**a.protocol, 'mode_score': 'E KL(p(y|x) || p(y)) - KL(p(y) || p*)'},
  }


def _scored(
  name: str,
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  n: int,
  split: str,
  splits: int,
  features: Any,
) -> Mapping[str, Any]:
  a = look(sampler, source, key, features=features, n=n, split=split)
  found, real = (inception_score(logits, splits) for logits in _logits(a))
  return {
    name: found.mean,
    'spread': found.spread,
    'stderr': found.stderr,
    'real': real.mean,
    'protocol': {**a.protocol, 'splits': splits},
  }


def _logits(a: Look) -> tuple[np.ndarray, np.ndarray]:
  """Of samples and of real images, f32[N,K]; InputError if the extractor classifies nothing."""
  if a.fake.logits is None or a.real.logits is None:
    raise InputError(
      f'{a.protocol["features"]} gives no classes to score; ask for a classifier, '
      'features=classifier or inception.'
    )
  return a.fake.logits, a.real.logits


def _log_p(logits: np.ndarray, splits: int = 1) -> np.ndarray:
  if logits.ndim != 2 or len(logits) < max(splits, 1):
    raise InputError(f'{splits} splits want logits [N,K] of as many images, not {logits.shape}.')
  if not np.isfinite(logits).all():
    raise InputError('there are nan or inf among the logits.')
  return log_softmax(np.asarray(logits, np.float64), axis=1)


def _marginal(log_p: np.ndarray) -> np.ndarray:
  """log p(y), f64[K]."""
  return logsumexp(log_p, axis=0) - np.log(len(log_p))


def _information(log_p: np.ndarray) -> float:
  """E_x KL(p(y|x) || p(y)), in nats."""
  return float(np.mean(np.sum(np.exp(log_p) * (log_p - _marginal(log_p)), axis=1)))


def _divergence(p: np.ndarray, q: np.ndarray) -> float:
  """KL(p || q) of two distributions f[K], in nats; infinite where q is 0 and p is not."""
  with np.errstate(divide='ignore'):
    return float(np.sum(xlogy(p, p) - xlogy(p, q)))
