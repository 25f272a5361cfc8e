"""The Parzen estimate against scipy in float64, and against the protocol's known numbers."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from gan_jax.data.mnist import mnist
from gan_jax.metrics import parzen


def exact(x, centres, sigma):
  """The mixture's log-density, directly and in float64."""
  d = x.shape[1]
  square = ((x[:, None].astype(np.float64) - centres[None]) ** 2).sum(-1)
  constant = np.log(len(centres)) + d * np.log(sigma * np.sqrt(2 * np.pi))
  return logsumexp(-square / (2 * sigma**2), axis=1) - constant


@pytest.mark.parametrize('sigma', [0.1, 0.2, 1.0])
def test_equals_scipy_in_float64(sigma):
  rng = np.random.default_rng(0)
  x, centres = rng.random((70, 784), np.float32), rng.random((200, 784), np.float32)
  ours = parzen.log_likelihood(x.reshape(70, 28, 28, 1), centres, sigma, block=32)
  np.testing.assert_allclose(ours, exact(x, centres, sigma), atol=2e-3)


def test_one_centre_is_the_normal_density():
  centre = np.full((1, 3), 0.5, np.float32)
  x = np.array([[0.5, 0.5, 0.5], [0.1, 0.9, 0.5]], np.float32)
  density = multivariate_normal(centre[0], 0.04 * np.eye(3)).logpdf(x)
  np.testing.assert_allclose(parzen.log_likelihood(x, centre, 0.2), density, rtol=1e-5)
  peak = parzen.log_likelihood(np.zeros((1, 784)), np.zeros((1, 784)), 0.2)
  np.testing.assert_allclose(peak, 541.3515, atol=1e-3)


def test_grid_is_the_authors_and_sigma_is_chosen_on_validation_images():
  np.testing.assert_allclose(parzen.SIGMAS[:4], [0.1, 0.12915, 0.16681, 0.21544], atol=5e-6)
  rng = np.random.default_rng(1)
  centres = rng.normal(0, 1, (500, 2)).astype(np.float32)
  points = [centres[i] + rng.normal(0, 0.2, (500, 2)) for i in (range(500), range(500))]
  found = parzen.estimate(centres, *points)
  best = max(parzen.SIGMAS, key=lambda s: exact(np.float32(points[0]), centres, s).mean())
  assert found.sigma == best
  each = exact(np.float32(points[1]), centres, best)
  np.testing.assert_allclose([found.mean, found.stderr], [each.mean(), each.std() / 500**0.5], 1e-4)


def test_training_images_as_samples_score_241_on_mnist(real_data):
  unit = lambda split: mnist(split, folder=str(real_data / 'mnist')).arrays['image'] / 255
  found = parzen.estimate(unit('train[:10000]'), unit('train[50000:51000]'), unit('test'))
  assert found.sigma == pytest.approx(0.16681005372000587)
  assert found.mean == pytest.approx(241.1928, abs=0.01)
  assert found.stderr == pytest.approx(2.1303, abs=1e-3)
