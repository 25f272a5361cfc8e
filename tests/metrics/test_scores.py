"""Scores of what a classifier says: against packages, formulas and known answers."""

import jax
import numpy as np
import pytest

from gan_jax.features.extractor import Extractor
from gan_jax.metrics import scores
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(1003, 10)) * 2


def sure(labels, k=10):
  """Logits that leave no doubt."""
  return np.where(np.arange(k) == np.asarray(labels)[:, None], 60.0, 0.0)


@pytest.mark.parametrize('splits', [1, 10])
def test_inception_score_is_torch_fidelitys(torch_fidelity, splits):
  import torch
  from torch_fidelity.metric_isc import isc_features_to_metric

  theirs = isc_features_to_metric(torch.from_numpy(LOGITS), splits=splits, shuffle=False)
  found = scores.inception_score(LOGITS, splits)
  assert found.mean == pytest.approx(theirs['inception_score_mean'], rel=1e-12)
  assert found.spread == pytest.approx(theirs['inception_score_std'], abs=1e-12)


def test_inception_score_is_the_formula():
  p = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
  divergence = [np.sum(row * np.log(row / p.mean(0))) for row in p]
  assert scores.inception_score(LOGITS, 1).mean == pytest.approx(np.exp(np.mean(divergence)))


def test_inception_score_is_from_1_to_the_number_of_classes():
  assert scores.inception_score(np.zeros((50, 10)), 5).mean == pytest.approx(1)
  balanced = sure(np.arange(1000) % 10)
  assert scores.inception_score(balanced, 10).mean == pytest.approx(10)
  dropped = sure(np.arange(1000) % 5)
  assert scores.inception_score(dropped, 10).mean == pytest.approx(5)


def test_mode_score_is_the_inception_score_of_the_right_shares():
  balanced, shares = sure(np.arange(1000) % 10), np.full(10, 0.1)
  assert scores.mode_score(balanced, shares) == pytest.approx(10)
  p = np.exp(LOGITS - np.log(np.exp(LOGITS).sum(1, keepdims=True)))
  marginal = p.mean(0)
  assert scores.mode_score(LOGITS, marginal) == pytest.approx(
    scores.inception_score(LOGITS, 1).mean
  )
  off = np.sum(marginal * np.log(marginal / shares))
  expected = scores.inception_score(LOGITS, 1).mean * np.exp(-off)
  assert scores.mode_score(LOGITS, shares) == pytest.approx(expected)


def test_mode_score_reversed_counts_a_dropped_class_without_bound():
  p = np.exp(LOGITS - np.log(np.exp(LOGITS).sum(1, keepdims=True)))
  shares = np.arange(1, 11) / 55
  off = np.sum(shares * np.log(shares / p.mean(0)))
  expected = scores.inception_score(LOGITS, 1).mean * np.exp(-off)
  assert scores.mode_score_reversed(LOGITS, shares) == pytest.approx(expected)
  dropped, even = sure(np.arange(1000) % 9), np.full(10, 0.1)
  assert scores.mode_score_reversed(dropped, even) < 0.1 < scores.mode_score(dropped, even)


def test_inception_score_is_what_shares_in_both_terms_would_give():
  p = np.exp(LOGITS - np.log(np.exp(LOGITS).sum(1, keepdims=True)))
  shares, q = np.arange(1, 11) / 55, p.mean(0)
  to = lambda a, b: np.sum(a * np.log(a / b), -1)
  printed = np.exp(to(p, shares).mean() - to(q, shares))
  assert printed == pytest.approx(scores.inception_score(LOGITS, 1).mean, rel=1e-12)


def test_inception_score_and_the_others_are_blind_to_the_blocks(monkeypatch):
  shares = np.full(10, 0.1)
  every = lambda: [
    *scores.inception_score(LOGITS, 3),
    scores.mode_score(LOGITS, shares),
    scores.modified_score(LOGITS),
    scores.am_score(LOGITS, shares),
  ]
  whole = every()
  monkeypatch.setattr(scores, 'BLOCK', 7)
  assert every() == pytest.approx(whole, rel=1e-12)


def test_modified_score_is_its_double_sum():
  logits = LOGITS[:60]
  log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
  read, of_class = log_p.argmax(1), []
  for k in np.unique(read):
    rows = log_p[read == k]
    pairs = [np.sum(np.exp(a) * (a - b)) for a in rows for b in rows]
    of_class.append(np.exp(np.mean(pairs)))
  assert scores.modified_score(logits) == pytest.approx(np.mean(of_class))
  assert scores.modified_score(np.repeat(LOGITS[:1], 20, 0)) == pytest.approx(1)


def test_am_score_is_0_of_sure_and_balanced_samples_alone():
  shares = np.full(10, 0.1)
  assert scores.am_score(sure(np.arange(1000) % 10), shares) == pytest.approx(0, abs=1e-12)
  assert scores.am_score(np.zeros((50, 10)), shares) == pytest.approx(np.log(10))
  assert scores.am_score(sure(np.arange(1000) % 9), shares) > 1


def told():
  """Reads the class of an image from its first pixel."""

  def apply(weights, x):
    logits = jax.nn.one_hot(x[:, 0, 0, 0], 4) * 50.0
    return {'features': logits, 'logits': logits}

  return Extractor('told', (), apply)


def of(labels):
  image = np.zeros((len(labels), 2, 2, 1), np.uint8)
  image[:, 0, 0, 0] = labels
  return image


def test_class_score_and_class_scores_see_dropped_classes():
  real = np.arange(80) % 4
  source = source_of(of(real), label=real)
  run = lambda labels, eval_: eval_(sampler_of(of(labels)), source, KEY, features=told(), n=80)
  whole, dropped = run(real, scores.class_score), run(real % 2, scores.class_score)
  assert (whole['class_score'], whole['real']) == pytest.approx((4, 4))
  assert dropped['class_score'] == pytest.approx(2)
  assert dropped['protocol']['splits'] == 10
  two = run(real % 2, scores.class_scores)
  assert two['mode_score'] == pytest.approx(2 * np.exp(-np.log(2)))
  assert two['am_score'] > 5 > two['am_score_real'] == pytest.approx(0, abs=1e-9)


def test_inception_score_and_the_others_refuse_what_has_none():
  with refused('10 splits', (5, 10)):
    scores.inception_score(LOGITS[:5], 10)
  bad = LOGITS.copy()
  bad[[3, 7], 1] = np.nan
  with refused('2 of 1003 rows', 'nan'):
    scores.am_score(bad, np.full(10, 0.1))
  other = source_of(of([1, 2]), label=[0, 1])
  with refused('told', '4 classes', '2'):
    scores.class_scores(sampler_of(of([1, 2])), other, KEY, features=told(), n=2)
  blind = Extractor('blind', (), lambda w, x: {'features': x[:, 0, :, 0].astype('float32')})
  source = source_of(of([1, 2]))
  with refused('blind', 'features=classifier'):
    scores.class_score(sampler_of(of([1, 2])), source, KEY, features=blind, n=2)
  with refused('labels'):
    scores.class_scores(sampler_of(of([1, 2])), source, KEY, features=told(), n=2)
