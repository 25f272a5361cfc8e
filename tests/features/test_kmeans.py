"""K-means features: each step against plain NumPy, and that they tell images apart."""

import jax
import numpy as np

from gan_jax.features.kmeans import kmeans, learnt, of_one_contrast, responses, sampled
from tests.messages import refused
from tests.metrics.standing import source_of
from tests.metrics.test_probe import TEST, TRAIN

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 9, 10, 3), np.uint8)


def test_sampled_patches_are_cut_out_of_the_images():
  found = sampled(IMAGES, 50, 4, np.random.default_rng(0))
  assert found.shape == (50, 48)
  whole = np.lib.stride_tricks.sliding_window_view(IMAGES, (4, 4), axis=(1, 2))
  whole = whole.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 48)
  there = {row.tobytes() for row in whole}
  assert all(row.astype(np.uint8).tobytes() in there for row in found)
  assert len({row.tobytes() for row in found}) > 40


def test_learnt_whitening_makes_patches_white():
  x = RNG.normal(size=(4000, 5)) @ RNG.normal(size=(5, 5)) * 40
  weights = learnt(x.astype(np.float32), 3)
  made = np.asarray(of_one_contrast(x.astype(np.float32)), np.float64)
  np.testing.assert_allclose(made.mean(1), 0, atol=1e-5)
  covariance = np.cov(((made - weights['mean']) @ weights['whiten']).T)
  values = np.linalg.eigvalsh(np.cov(made.T))
  np.testing.assert_allclose(
    np.sort(np.linalg.eigvalsh(covariance)), np.sort(values / (values + 0.1)), atol=1e-3
  )
  assert weights['centroids'].shape == (3, 5)


def test_responses_are_how_much_nearer_than_the_mean_a_centroid_is():
  weights = learnt(sampled(IMAGES, 300, 4, np.random.default_rng(1)), 7)
  found = np.asarray(jax.jit(responses)(weights, IMAGES[:2]))
  expected = np.zeros((2, 2, 2, 7))
  for i in range(2):
    for y in range(6):
      for x in range(7):
        p = IMAGES[i, y : y + 4, x : x + 4].reshape(-1).astype(np.float64)
        p = (p - p.mean()) / np.sqrt(p.var() + 10)
        p = (p - weights['mean']) @ weights['whiten']
        d = np.linalg.norm(p - weights['centroids'], axis=1)
        expected[i, int(y >= 3), int(x >= 4)] += np.maximum(0, d.mean() - d)
  np.testing.assert_allclose(found, expected.reshape(2, -1), rtol=1e-3, atol=1e-3)


def test_kmeans_features_have_one_scale_and_tell_images_apart():
  from sklearn.svm import LinearSVC

  source = source_of(*TRAIN)
  made = kmeans(source, units=10, patch=5, patches=2000)
  apply = jax.jit(lambda images: made.apply(made.weights, images)['features'])
  x, test = np.asarray(apply(TRAIN[0])), np.asarray(apply(TEST[0]))
  assert x.shape == (240, 40)
  np.testing.assert_allclose(x.mean(0), 0, atol=1e-3)
  assert (x.std(0) < 1.001).all()
  fitted = LinearSVC(C=0.01, dual=False).fit(x, TRAIN[1])
  assert fitted.score(test, TEST[1]) > 0.9
  assert made.name.startswith('kmeans:10:')


def test_kmeans_name_is_that_of_its_seed():
  named = lambda **seed: kmeans(source_of(IMAGES), units=3, patch=5, patches=30, **seed).name
  assert named() == named() != named(seed=1)


def test_kmeans_refuses_images_no_larger_than_a_patch():
  with refused('16x16', '(16, 16, 1)'):
    kmeans(source_of(*TRAIN), patch=16)
  with refused('20 clusters', '10 patches'):
    kmeans(source_of(*TRAIN), units=20, patches=10)
