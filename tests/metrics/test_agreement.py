"""Agreement of classes, with samplers that draw, read and sort as they are told."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import priors
from gan_jax.data.source import in_memory
from gan_jax.metrics import agreement
from tests.messages import refused

KEY = jax.random.key(0)
PRIOR = priors.structured(noise=1, categorical=(4,), continuous=1)


def picture(label, noise=0):
  """A bright square whose place is the class: uint8[N,4,4,1]."""
  image = np.full((len(label), 4, 4, 1), noise, np.uint8)
  for i, k in enumerate(label):
    image[i, 2 * (k // 2) : 2 * (k // 2) + 2, 2 * (k % 2) : 2 * (k % 2) + 2] = 200
  return image


def source(split='train', n=40):
  label = np.random.default_rng({'train': 0, 'test': 1}[split]).integers(4, size=n).astype(np.int32)
  return in_memory({'image': picture(label, {'train': 0, 'test': 30}[split]), 'label': label})


def sampler(**parts):
  """Stored and seen are one; a network's outputs are the mean brightness of the four squares."""
  squares = lambda x: np.asarray(x).reshape(-1, 2, 2, 2, 2).mean((2, 4)).reshape(-1, 4)
  base = dict(
    see=lambda x: np.float32(x),
    unit=lambda x: np.float32(x) / 255,
    fill=lambda key, n: (jnp.zeros((n, 2)), jnp.arange(n, dtype=jnp.int32) % 4),
    generate=lambda z, y: np.float32(picture(np.asarray(y))),
    apply=lambda network, x, output: squares(x),
    prior=PRIOR,
  )
  return types.SimpleNamespace(**{**base, **parts})


def test_asked_reads_samples_as_the_class_they_were_asked_for():
  found = agreement.asked(sampler(), source, KEY, n=20)
  assert found == {'asked': 1.0, 'classifier': 1.0}
  wrong = lambda z, y: np.float32(picture(np.where(np.arange(len(y)) < 5, (y + 1) % 4, y)))
  assert agreement.asked(sampler(generate=wrong), source, KEY, n=20)['asked'] == 0.75


def test_asked_tells_how_often_its_classifier_errs():
  def half_wrong(split='train'):
    known = source(split)
    flipped = np.where(np.arange(len(known)) % 2, known.arrays['label'], 3)
    label = flipped if split == 'test' else known.arrays['label']
    return in_memory({'image': known.arrays['image'], 'label': label.astype(np.int32)})

  found = agreement.asked(sampler(), half_wrong, KEY, n=8)
  assert found['asked'] == 1.0
  truth = half_wrong('test').arrays['label']
  assert found['classifier'] == np.mean(source('test').arrays['label'] == truth) < 1


def test_codes_agree_under_any_names():
  def renamed(z):
    return np.float32(picture((np.argmax(z[:, 1:5], axis=1) + 3) % 4))

  found = agreement.codes(sampler(generate=renamed), source, KEY, n=400)
  assert found == {'codes': 1.0, 'classifier': 1.0}
  blind = lambda z: np.float32(picture(np.arange(len(z)) % 4))
  assert agreement.codes(sampler(generate=blind), source, KEY, n=400)['codes'] < 0.4


def test_clusters_are_matched_and_what_was_told_is_not():
  squares = sampler().apply
  cyclic = sampler(apply=lambda name, x, output: np.roll(squares(name, x, output), 1, 1))
  assert agreement.clusters(cyclic, source, KEY) == {'clusters': 1.0}
  assert agreement.recognised(cyclic, source, KEY) == {'recognised': 0.0}
  assert agreement.recognised(sampler(), source, KEY) == {'recognised': 1.0}
  label = source('test').arrays['label']
  two = agreement.recognised(sampler(), source, KEY, first=2)['recognised']
  assert np.mean(label < 2) <= two < 1  # squares 2 and 3 are not among the choices


def test_matched_is_the_best_of_all_permutations():
  from itertools import permutations

  rng = np.random.default_rng(0)
  found, truth = rng.integers(4, size=60), rng.integers(4, size=60)
  best = max(np.mean(np.take(order, found) == truth) for order in permutations(range(4)))
  np.testing.assert_allclose(agreement.matched(found, truth), best)


@pytest.mark.parametrize('clusters', [1, 2, 6])
def test_matched_takes_more_or_fewer_clusters_than_classes(clusters):
  truth = np.arange(60) % 4
  expected = {1: 0.25, 2: 0.25 + 0.25, 6: 1.0}[clusters]
  assert agreement.matched(np.minimum(truth, clusters - 1), truth) == expected


def test_asked_refuses_games_without_labels_or_codes():
  with refused("'label'"):
    agreement.asked(sampler(fill=lambda key, n: (jnp.zeros((n, 2)),)), source, KEY)
  with refused("name='structured'"):
    agreement.codes(sampler(prior=priors.normal(3)), source, KEY)
  bare = lambda split: in_memory({'image': source().arrays['image']})
  with refused("'test'", 'labels'):
    agreement.clusters(sampler(), bare, KEY)
