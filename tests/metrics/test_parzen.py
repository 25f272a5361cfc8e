"""The Parzen estimate against scipy in float64, and against the protocol's known numbers.

Covers: metrics/mixture.py.
"""

import jax
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.cluster import KMeans
from sklearn.neighbors import KernelDensity

from gan_jax.data.mnist import mnist
from gan_jax.metrics import pairwise, parzen
from gan_jax.metrics.mixture import LogMeanExp, log_densities, log_sums, merged
from tests.messages import refused, says
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)
KEY = jax.random.key(0)


def exact(x, centres, sigma):
  """The mixture's log-density, directly and in float64."""
  d = x.shape[1]
  square = ((x[:, None].astype(np.float64) - centres[None]) ** 2).sum(-1)
  constant = np.log(len(centres)) + d * np.log(sigma * np.sqrt(2 * np.pi))
  return logsumexp(-square / (2 * sigma**2), axis=1) - constant


@pytest.mark.parametrize('sigma', [0.01, 0.1, 0.2, 1.0, 10.0])
def test_log_likelihood_equals_scipy_in_float64(sigma, monkeypatch):
  monkeypatch.setattr(pairwise, 'SIDE', 64)
  x, centres = RNG.random((70, 784), np.float32), RNG.random((200, 784), np.float32)
  ours = parzen.log_likelihood(x.reshape(70, 28, 28, 1), centres, sigma)
  # Of the narrowest the third neighbour is hundreds of nats away and never matters.
  np.testing.assert_allclose(ours, exact(x, centres, sigma), atol=1e-4)
  theirs = parzen.authors(x, centres, sigma, block=37)
  np.testing.assert_allclose(theirs, exact(x, centres, sigma), rtol=1e-6, atol=1e-3)


def test_log_likelihood_equals_kernel_density_of_all_centres():
  x, centres = RNG.random((50, 20)), RNG.random((90, 20))
  theirs = KernelDensity(bandwidth=0.3, leaf_size=90).fit(centres).score_samples(x)
  np.testing.assert_allclose(parzen.log_likelihood(x, centres, 0.3), theirs, atol=1e-6)


def test_log_likelihood_of_one_centre_is_the_normal_density():
  centre = np.full((1, 3), 0.5, np.float32)
  x = np.array([[0.5, 0.5, 0.5], [0.1, 0.9, 0.5]], np.float32)
  density = multivariate_normal(centre[0], 0.04 * np.eye(3)).logpdf(x)
  np.testing.assert_allclose(parzen.log_likelihood(x, centre, 0.2), density, rtol=1e-7)
  peak = parzen.log_likelihood(np.zeros((1, 784)), np.zeros((1, 784)), 0.2)
  np.testing.assert_allclose(peak, 541.3515, atol=1e-4)


def test_merged_parts_add_up_to_the_whole_in_any_order():
  x, centres = RNG.random((30, 50)), RNG.random((120, 50))
  whole = log_sums(x, centres, parzen.SIGMAS)
  parts = [log_sums(x, part, parzen.SIGMAS) for part in np.split(centres, [1, 70, 100])]
  for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
    found = LogMeanExp(np.full((10, 30), -np.inf), np.zeros((10, 30)), 0)
    for i in order:
      found = merged(found, parts[i])
    assert found.terms == 120
    np.testing.assert_allclose(found.value(), whole.value(), rtol=1e-6)
  densities = log_densities(whole, 50, parzen.SIGMAS)
  for s, sigma in enumerate(parzen.SIGMAS):
    np.testing.assert_allclose(densities[s], exact(x, centres, sigma), atol=1e-4)


def test_estimate_chooses_the_authors_sigma_on_validation_images():
  np.testing.assert_allclose(parzen.SIGMAS[:4], [0.1, 0.12915, 0.16681, 0.21544], atol=5e-6)
  centres = RNG.normal(0, 1, (500, 2)).astype(np.float32)
  points = [centres[i] + RNG.normal(0, 0.2, (500, 2)) for i in (range(500), range(500))]
  found = parzen.estimate(centres, *points)
  best = max(parzen.SIGMAS, key=lambda s: exact(np.float32(points[0]), centres, s).mean())
  assert found.sigma == best
  each = exact(np.float32(points[1]), centres, best)
  np.testing.assert_allclose([found.mean, found.stderr], [each.mean(), each.std() / 500**0.5], 1e-4)


def test_stream_of_many_samples_is_the_likelihood_of_a_mixture():
  """A Gaussian of width s, blurred by sigma, is one of width sqrt(s^2 + sigma^2)."""
  draw = lambda n: RNG.normal(0, 0.5, (n, 2))
  x = draw(400)
  *_, found = parzen.stream(lambda: (draw(2000) for _ in range(5)), x, x, [0.2])
  assert found.centres == 10_000
  true = multivariate_normal(np.zeros(2), (0.25 + 0.04) * np.eye(2)).logpdf(x)
  assert found.mean == pytest.approx(true.mean(), abs=0.02)


def test_stream_holds_one_batch_and_says_how_far_it_is():
  centres, valid, test = RNG.random((90, 8)), RNG.random((40, 8)), RNG.random((50, 8))
  found = list(parzen.stream(lambda: np.split(centres, [20, 50]), valid, test))
  assert [one.centres for one in found] == [20, 50, 90]
  assert found[-1] == pytest.approx(parzen.estimate(centres, valid, test), rel=1e-6)
  first = exact(test, centres[:20], found[0].sigma)
  assert found[0].mean == pytest.approx(first.mean(), abs=1e-4)


def data(n):
  return RNG.integers(0, 256, (n, 3, 3, 1)).astype(np.uint8)


def flat(x):
  return x.reshape(len(x), -1) / np.float32(255)


def test_parzen_and_the_others_keep_the_protocol_and_tell_it():
  drawn, valid, test = data(40), data(30), data(25)
  given = sampler_of(drawn), source_of(data(5), valid=valid, test=test), KEY
  found = parzen.parzen(*given, n=40, valid='valid', limit=20)
  expected = parzen.estimate(flat(drawn), flat(valid[:20]), flat(test))
  assert found['parzen'] == pytest.approx(expected.mean)
  assert [found[k] for k in ('sigma', 'centres')] == [expected.sigma, 40]
  says(found['protocol']['sigma_on'], '20', 'valid')
  streamed = parzen.parzen_stream(*given, n=100, batch=40, valid='valid', limit=20)
  repeated = np.concatenate([drawn, drawn, drawn[:20]])  # the stand-in draws the same each time
  expected = parzen.estimate(flat(repeated), flat(valid[:20]), flat(test))
  assert streamed['parzen_stream'] == pytest.approx(expected.mean, abs=1e-4)
  assert streamed['centres'] == 100
  folds = parzen.parzen_folds(*given, n=40, folds=2)
  assert folds['parzen'] == pytest.approx(parzen.estimate(*map(flat, (drawn, valid, test))).mean)
  assert folds['stderr'] == 0


def test_means_are_those_of_lloyds_algorithm():
  x = RNG.random((200, 4)).astype(np.float32)
  theirs = KMeans(9, init=x[:9], n_init=1, max_iter=100, tol=0, algorithm='lloyd').fit(x)
  ours = parzen.means(x, x[:9], theirs.n_iter_ + 1)
  np.testing.assert_allclose(ours, theirs.cluster_centers_, atol=1e-5)


def test_parzen_kmeans_beats_as_many_real_images():
  place = RNG.random((20, 9)) * 255
  draw = lambda n: np.clip(place[RNG.integers(0, 20, n)] + RNG.normal(0, 30, (n, 9)), 0, 255)
  images = lambda n: draw(n).reshape(n, 3, 3, 1).astype(np.uint8)
  train, test = images(1500), images(300)
  source = source_of(train, valid=images(200), test=test)
  how = dict(n=60, valid='valid')
  means = parzen.parzen_kmeans(None, source, KEY, split='train', **how)
  real = parzen.parzen(sampler_of(train[:60]), source, KEY, **how)
  assert means['parzen_kmeans'] > real['parzen'] + 0.5
  with refused("'train'", '1,500'):
    parzen.parzen_kmeans(None, source, KEY, n=1500, split='train')


def test_log_likelihood_refuses_what_is_no_number():
  with refused('centres', 'nan', (2, 3)):
    parzen.log_likelihood(np.zeros((2, 3)), np.full((2, 3), np.nan), 0.1)


@pytest.mark.slow  # ten thousand images against as many, ten widths: what the protocol is of
def test_estimate_of_training_images_is_241_on_mnist(real_data):
  unit = lambda split: mnist(split, folder=str(real_data / 'mnist')).arrays['image'] / 255
  found = parzen.estimate(unit('train[:10000]'), unit('train[50000:51000]'), unit('test'))
  assert found.sigma == pytest.approx(0.16681005372000587)
  assert found.mean == pytest.approx(241.192866, abs=1e-5)  # float64 throughout
  assert found.stderr == pytest.approx(2.1303006, abs=1e-6)
