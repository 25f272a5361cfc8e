"""Scores of a classifier's opinions: are single samples of some class, and all together of all?

All are of logits [N,K], in float64. Only those of Inception's ImageNet logits are an Inception
score and comparable with papers; those of another classifier are comparable among themselves.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.special import log_softmax, xlogy

from gan_jax.errors import InputError
from gan_jax.metrics.look import Look, look
from gan_jax.sampling import Sampler

BLOCK = 4096  # rows that are float64 at a time


class Score(NamedTuple):
  """A score, and how far it may be off."""

  mean: float
  spread: float  # the deviation between splits, as papers give it
  stderr: float  # of the mean, by the jackknife over splits: their deviation over sqrt(splits)


class Opinion(NamedTuple):
  """What a classifier makes of N images together."""

  marginal: np.ndarray  # f64[K]: p(y), the mean of p(y|x)
  entropy: float  # the mean of H(y|x), in nats

  @property
  def information(self) -> float:
    """E_x KL(p(y|x) || p(y)) = H(y) - E_x H(y|x), in nats."""
    return float(-np.sum(xlogy(self.marginal, self.marginal)) - self.entropy)


def opinion(logits: np.ndarray) -> Opinion:
  """Logits f[N,K], which may lie in a file, -> Opinion."""
  total, entropy = np.zeros(logits.shape[1]), 0.0
  for p, log_p in _opinions(logits):
    total += p.sum(axis=0)
    entropy -= float(np.vdot(p, log_p))
  return Opinion(total / len(logits), entropy / len(logits))


def inception_score(logits: np.ndarray, splits: int = 10) -> Score:
  """exp E_x KL(p(y|x) || p(y)), the mean over splits (Salimans et al. 2016, section 4).

  Split i has the rows from i N / splits to (i + 1) N / splits. In [1, K]; it grows with the number
  of images of a split.
  """
  _check(logits, splits)
  bounds = [i * len(logits) // splits for i in range(splits + 1)]
  parts = [opinion(logits[bounds[i] : bounds[i + 1]]) for i in range(splits)]
  scores = np.exp([part.information for part in parts])
  error = np.std(scores, ddof=1) / np.sqrt(splits) if splits > 1 else np.nan
  return Score(float(np.mean(scores)), float(np.std(scores)), float(error))


def mode_score(logits: np.ndarray, train: np.ndarray) -> float:
  """exp(E_x KL(p(y|x) || p(y)) - KL(p(y) || p*)): `train` f[K] are the shares of the classes, p*.

  After Che et al. 2017, in the form that Xu et al. 2018 compute. With p* in place of p(y) in the
  first term, as surveys print it, it would be the Inception score whatever p* is.
  """
  found = _of_all(logits)
  return float(np.exp(found.information - _divergence(found.marginal, train)))


def mode_score_reversed(logits: np.ndarray, train: np.ndarray) -> float:
  """exp(E_x KL(p(y|x) || p(y)) - KL(p* || p(y))), as Che et al. 2017 have the divergence."""
  found = _of_all(logits)
  return float(np.exp(found.information - _divergence(train, found.marginal)))


def modified_score(logits: np.ndarray) -> float:
  """The mean over classes of exp E_i E_j KL(p(y|x_i) || p(y|x_j)), of samples read as that class.

  m-IS of Gurumurthy et al. 2017 (DeLiGAN): how unlike the samples of one class are. 1 for copies.
  Classes that no sample is read as are not counted.
  """
  _check(logits)
  k = logits.shape[1]
  count, inner, of_p, of_log = np.zeros(k), np.zeros(k), np.zeros((k, k)), np.zeros((k, k))
  for p, log_p in _opinions(logits):
    read = np.argmax(log_p, axis=1)
    inner += np.bincount(read, np.einsum('nk,nk->n', p, log_p), k)
    count += np.bincount(read, minlength=k)
    for c in np.unique(read):
      of_p[c] += p[read == c].sum(axis=0)
      of_log[c] += log_p[read == c].sum(axis=0)
  there = count > 0
  n = count[there]
  pairs = inner[there] / n - np.einsum('ck,ck->c', of_p[there], of_log[there]) / n**2
  return float(np.mean(np.exp(pairs)))


def am_score(logits: np.ndarray, train: np.ndarray) -> float:
  """KL(p* || p(y)) + E_x H(y|x), in nats, lower is better (Zhou et al. 2018)."""
  found = _of_all(logits)
  return _divergence(train, found.marginal) + found.entropy


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

  p*, the shares of the classes in the data, are those of its labels. Beside them
  'mode_score_reversed', and what real images score.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  fake, real = _logits(a)
  if a.real.label is None:
    raise InputError('the shares of the classes in the data are wanted, but it has no labels.')
  shares = np.bincount(a.real.label, minlength=fake.shape[1]) / len(a.real.label)
  if len(shares) != fake.shape[1] or not shares.all():
    raise InputError(
      f'{a.protocol["features"]} tells {fake.shape[1]} classes apart, but the data has '
      f'{np.count_nonzero(shares)}: their shares are wanted from a classifier of just these.'
    )
  return {
    'mode_score': mode_score(fake, shares),
    'mode_score_reversed': mode_score_reversed(fake, shares),
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
  error = {'stderr': found.stderr} if splits > 1 else {}
  protocol = {**a.protocol, 'splits': splits}
  return {name: found.mean, 'spread': found.spread, **error, 'real': real.mean,
          'protocol': protocol}  # fmt: skip


def _logits(a: Look) -> tuple[np.ndarray, np.ndarray]:
  """Of samples and of real images, f32[N,K]; InputError if the extractor classifies nothing."""
  if a.fake.logits is None or a.real.logits is None:
    raise InputError(
      f'{a.protocol["features"]} gives no classes to score; ask for a classifier, '
      'features=classifier or inception.'
    )
  return a.fake.logits, a.real.logits


def _check(logits: np.ndarray, splits: int = 1) -> None:
  if logits.ndim != 2 or len(logits) < max(splits, 1) or splits < 1:
    raise InputError(f'{splits} splits want logits [N,K] of as many images, not {logits.shape}.')


def _of_all(logits: np.ndarray) -> Opinion:
  _check(logits)
  return opinion(logits)


def _opinions(logits: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
  """(p(y|x), its logarithm), f64[B,K] each, block by block."""
  for i in range(0, len(logits), BLOCK):
    block = np.asarray(logits[i : i + BLOCK], np.float64)
    if bad := int(np.sum(~np.isfinite(block).all(axis=1))):
      raise InputError(f'{bad} of {len(block)} rows of logits hold nan or inf.')
    log_p = log_softmax(block, axis=1)
    yield np.exp(log_p), log_p


def _divergence(p: np.ndarray, q: np.ndarray) -> float:
  """KL(p || q) of two distributions f[K], in nats; infinite where q is 0 and p is not."""
  with np.errstate(divide='ignore'):
    return float(np.sum(xlogy(p, p) - xlogy(p, q)))
