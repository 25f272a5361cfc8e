"""Retrieval distances and their test against scipy; DCGAN's nnd and nnc against scikit-learn."""

import jax
import numpy as np
import pytest
from scipy.stats import wilcoxon
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from gan_jax import runs
from gan_jax.metrics.retrieval import distances, nnc, nnd, paired, retrieval
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)
KEY = jax.random.key(0)


def images(n):
  return RNG.integers(0, 256, (n, 4, 4, 1)).astype(np.uint8)


def unit(x):
  return x.reshape(len(x), -1).astype(np.float32) / 255


@pytest.mark.parametrize('k', [1, 4])
def test_distances_are_scikit_learns(k):
  test, found = RNG.normal(size=(50, 9)), RNG.normal(size=(70, 9))
  theirs = NearestNeighbors(n_neighbors=k).fit(found).kneighbors(test)[0][:, -1]
  np.testing.assert_allclose(distances(test, found, k), theirs)


def test_paired_is_the_signed_rank_test_of_two_generators():
  first, second = RNG.random(80), 0.2 + RNG.random(80)
  found = paired(first, second)
  assert found.p == pytest.approx(wilcoxon(first, second).pvalue)
  assert found.difference == pytest.approx(np.median(first - second))
  assert paired(first, first) == (0, 1)
  assert found.p < 0.05
  assert paired(second, first).difference == -found.difference


def test_retrieval_is_the_relative_increase_over_real_images():
  train, test, fake = images(90), images(40), images(90) // 2 + 64
  found = retrieval(sampler_of(fake), source_of(train, test=test), KEY, n=90, features='pixels')
  ideal = distances(unit(test), unit(train)).mean()
  ours = distances(unit(test), unit(fake)).mean()
  assert found['retrieval'] == pytest.approx(ours / ideal - 1, rel=1e-4)
  assert found['ideal'] == pytest.approx(ideal, rel=1e-5)
  assert found['protocol']['n_held_out'] == 40
  perfect = retrieval(sampler_of(train), source_of(train, test=test), KEY, n=90, features='pixels')
  assert perfect['retrieval'] == 0
  assert perfect['p'] == 1


def test_retrieval_names_a_rival_by_its_workdir(monkeypatch):
  train, test = images(90), images(40)
  rival = sampler_of(np.full((90, 4, 4, 1), 255, np.uint8))
  monkeypatch.setattr(runs, 'sampler', {'runs/other': rival}.get)
  found = retrieval(
    sampler_of(images(90)), source_of(train, test=test), KEY, n=90, features='pixels',
    against='runs/other',
  )  # fmt: skip
  assert found['rival'] < 0
  assert found['rival_p'] < 1e-6


def test_retrieval_refuses_training_images_as_queries():
  train = images(30)
  with refused("'test'", "'train'"):
    retrieval(sampler_of(images(30)), source_of(train, test=train), KEY, n=30, features='pixels')


def test_nnd_is_the_mean_distance_to_the_nearest_sample():
  test, fake = images(50), images(80)
  found = nnd(sampler_of(fake), source_of(images(9), test=test), KEY, n=80, features='pixels')
  each = distances(unit(test), unit(fake))
  assert found['nnd'] == pytest.approx(each.mean(), rel=1e-5)
  assert found['stderr'] == pytest.approx(each.std() / 50**0.5, rel=1e-4)


def test_nnc_is_the_accuracy_of_a_classifier_of_samples():
  label = lambda n: np.arange(n) % 3
  of = lambda n: np.uint8(80 * label(n))[:, None, None, None] + images(n) // 8
  train, test, fake = of(60), of(45), of(90)
  told = np.where(np.arange(90) % 4, label(90), (label(90) + 1) % 3)  # of another class each fourth
  found = nnc(
    sampler_of(fake, told), source_of(train, label(60), test=(test, label(45))), KEY, n=90,
    features='pixels',
  )  # fmt: skip
  score = lambda x, y: KNeighborsClassifier(1).fit(unit(x), y).score(unit(test), label(45))
  assert found['nnc'] == pytest.approx(score(fake, told))
  assert found['real'] == pytest.approx(score(train, label(60)))
  assert found['real'] > found['nnc'] > 1 / 3


def test_nnc_needs_classes():
  data = source_of(images(20), np.arange(20) % 2, test=(images(20), np.arange(20) % 2))
  with refused('generator', 'class'):
    nnc(sampler_of(images(20)), data, KEY, n=20, features='pixels')
  blind = source_of(images(20), test=images(20))
  with refused('labels'):
    nnc(sampler_of(images(20), np.zeros(20)), blind, KEY, n=20, features='pixels')
