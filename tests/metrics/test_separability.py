"""Separability: 1 of what a plane tells apart, and what is known of what none does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import entropy

from gan_jax.features.extractor import Extractor
from gan_jax.metrics.separability import attributes, conditional_entropy, entropies, separability
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of
from tests.metrics.test_latent_path import drawing

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def test_conditional_entropy_is_the_joint_less_that_of_x():
  x, y = RNG.random((2, 500)) < [[0.3], [0.6]]
  y[:200] = x[:200]
  joint = np.unique(2 * x + y, return_counts=True)[1]
  wanted = entropy(joint, base=2) - entropy(np.bincount(x), base=2)
  assert conditional_entropy(y, x) == pytest.approx(wanted)
  assert conditional_entropy(x, x) == 0
  assert conditional_entropy(~x, x) == 0
  assert conditional_entropy(x, np.zeros(500)) == pytest.approx(entropy(np.bincount(x), base=2))


def test_attributes_are_log_odds_of_a_class_against_all_others():
  logits = RNG.normal(size=(9, 4))
  p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
  np.testing.assert_allclose(attributes(logits), np.log(p / (1 - p)))
  np.testing.assert_allclose(attributes(logits[:, :2])[:, 0], logits[:, 1] - logits[:, 0])


def test_entropies_are_0_of_what_a_plane_separates():
  z = RNG.normal(size=(2000, 5))
  line = z @ RNG.normal(size=5)
  ring = np.sum(z**2, axis=1) - np.median(np.sum(z**2, axis=1))
  noise = RNG.normal(size=2000)
  found = entropies(z, np.stack([line, ring, noise, np.ones(2000)], axis=1))
  assert found[0] < 0.01
  assert found[1] > 0.9
  assert found[2] > 0.98
  assert found[3] == 0


def test_entropies_are_of_the_svm_of_the_surest_half():
  from sklearn.svm import LinearSVC

  z = RNG.normal(size=(400, 3))
  odds = z[:, 0] ** 3 + RNG.normal(size=400)
  order = np.argsort(-np.abs(odds))[:200]
  y = odds[order] > 0
  x = LinearSVC(dual=False).fit(z[order], y).predict(z[order])
  np.testing.assert_allclose(entropies(z, odds[:, None]), [conditional_entropy(y, x)])


def told(function):
  """An extractor whose classes are (other, those of which the first two pixels say so)."""

  def apply(weights, x):
    x = x.reshape(len(x), -1) / 127.5 - 1
    return {'features': x, 'logits': jnp.stack([0 * x[:, 0], function(x[:, 0], x[:, 1])], axis=1)}

  return Extractor('told', (), apply)


def test_separability_sees_an_entangled_z():
  sampler = drawing(lambda z: jnp.tanh(jnp.repeat(z, 8, axis=1)[:, :16]).reshape(-1, 4, 4, 1), z=2)
  swapped = drawing(
    lambda z: jnp.tanh(jnp.stack([z[:, 0], z[:, 1]] * 8, axis=1)).reshape(-1, 4, 4, 1), z=2
  )
  source = source_of(np.zeros((8, 4, 4, 1), np.uint8))
  of = lambda s, f: separability(s, source, KEY, features=told(f), n=600)
  plane = of(sampler, lambda a, b: a)
  assert plane['separability'] == pytest.approx(1, abs=0.02)
  assert plane['blind'] == pytest.approx(2, abs=0.05)
  quarters = of(swapped, lambda a, b: a * b)  # exclusive or
  assert quarters['separability'] > 1.6
  assert quarters['protocol']['attributes'] == 1
  assert 'real' not in quarters['protocol']


def test_separability_refuses_what_cannot_be_separated():
  source = source_of(np.zeros((8, 4, 4, 1), np.uint8))
  with refused('no z'):
    separability(sampler_of(np.zeros((8, 4, 4, 1), np.uint8)), source, KEY, n=8)
  sampler = drawing(lambda z: jnp.tanh(z @ jnp.ones((3, 16))).reshape(-1, 4, 4, 1))
  with refused('pixels', 'classify'):
    separability(sampler, source, KEY, features='pixels', n=8)
  with refused('8 z', '10'):
    entropies(np.zeros((8, 2)), np.zeros((8, 1)))
  with refused('classes > 1', (8, 1)):
    attributes(np.zeros((8, 1)))
