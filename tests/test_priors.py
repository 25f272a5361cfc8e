"""Priors: that z has the distribution they name, and the codes and thresholds of some."""

import jax
import numpy as np
import pytest
from scipy import stats

from gan_jax import config, priors
from tests.messages import refused

KEY = jax.random.key(0)
N = 4000


def draw(prior, n=N):
  """A draw of one compiled program, f32[n,Z]."""
  return np.asarray(jax.jit(prior, static_argnums=1)(KEY, n))


@pytest.mark.parametrize(
  ('prior', 'distribution'),
  [
    (priors.normal(3), stats.norm()),
    (priors.uniform(3), stats.uniform(-1, 2)),
    (priors.uniform(3, bound=np.sqrt(3)), stats.uniform(-np.sqrt(3), 2 * np.sqrt(3))),
  ],
)
def test_priors_give_every_entry_of_z_their_distribution(prior, distribution):
  z = draw(prior)
  assert z.shape == (N, 3)
  assert z.dtype == np.float32
  for column in z.T:
    assert stats.kstest(column, distribution.cdf).pvalue > 1e-3


def test_uniform_of_2014_has_unit_variance():
  z = draw(priors.uniform(50, bound=float(np.sqrt(3))))
  np.testing.assert_allclose(z.var(), 1, atol=0.01)


def test_priors_draw_independent_entries_and_examples():
  for prior in (priors.normal(8), priors.uniform(8), priors.sphere(8)):
    z = draw(prior)
    off = np.corrcoef(z.T) - np.eye(8)
    assert np.max(np.abs(off)) < 5 / np.sqrt(N)
    following = np.mean(z[1:] * z[:-1]) / z.var()
    assert abs(following) < 5 / np.sqrt(8 * N)


def test_sphere_has_radius_root_dim_and_no_direction_of_its_own():
  z = np.float64(draw(priors.sphere(6)))
  np.testing.assert_allclose(np.linalg.norm(z, axis=1), np.sqrt(6), rtol=1e-6)
  # A coordinate of a uniform point of the unit sphere in R^6: (1 + x) / 2 ~ Beta(5/2, 5/2).
  u = (1 + z[:, 0] / np.sqrt(6)) / 2
  assert stats.kstest(u, stats.beta(2.5, 2.5).cdf).pvalue > 1e-3


def test_structured_codes_are_noise_then_one_hots_then_uniforms():
  z = draw(priors.structured(noise=4, categorical=(3, 5), continuous=2))
  noise, first, second, code = np.split(z, [4, 7, 12], axis=1)
  assert z.shape == (N, 14)
  assert stats.kstest(noise.ravel(), stats.norm().cdf).pvalue > 1e-3
  assert stats.kstest(code.ravel(), stats.uniform(-1, 2).cdf).pvalue > 1e-3
  for one_hot, size in ((first, 3), (second, 5)):
    assert set(np.unique(one_hot)) == {0.0, 1.0}
    np.testing.assert_array_equal(one_hot.sum(axis=1), 1)
    assert stats.chisquare(one_hot.sum(axis=0), np.full(size, N / size)).pvalue > 1e-3
  table = first.T @ second  # a contingency table: the two codes know nothing of each other
  assert stats.chi2_contingency(table).pvalue > 1e-3


def test_structured_codes_of_one_size_differ():
  z = draw(priors.structured(noise=0, categorical=(4, 4), continuous=0))
  agree = np.mean(np.sum(z[:, :4] * z[:, 4:], axis=1))
  assert abs(agree - 0.25) < 5 * np.sqrt(0.25 * 0.75 / N)


def test_structured_codes_may_be_of_one_kind_alone():
  shape = lambda **codes: jax.eval_shape(lambda key: priors.structured(**codes)(key, 7), KEY).shape
  assert shape(noise=5, categorical=(), continuous=0) == (7, 5)
  assert shape(noise=0, categorical=(), continuous=3) == (7, 3)


def test_build_makes_a_prior_with_its_size():
  z = draw(config.build(dict(name='uniform', dim=7, bound=2.0), 'priors'), 500)
  assert z.shape == (500, 7)
  assert 1.9 < np.max(np.abs(z)) <= 2


def test_hypercube_is_of_unit_size():
  z = draw(priors.hypercube(3))
  for column in z.T:
    assert stats.kstest(column, stats.uniform(0, 1).cdf).pvalue > 1e-3


def test_structured_takes_a_prior_for_noise_and_knows_its_columns():
  noise = dict(name='uniform', dim=4)
  spec = dict(name='structured', noise=noise, categorical=(3, 5), continuous=2)
  prior = config.build(spec, 'priors')
  z = draw(prior)
  assert z.shape == (N, 14)
  assert stats.kstest(z[:, :4].ravel(), stats.uniform(-1, 2).cdf).pvalue > 1e-3
  one_hots, numbers = prior.columns(14)
  assert [(c.start, c.stop) for c in (*one_hots, numbers)] == [(4, 7), (7, 12), (12, 14)]
  for place in one_hots:
    np.testing.assert_array_equal(z[:, place].sum(axis=1), 1)
  assert priors.structured(3, (), 1).columns(4) == ([], slice(3, 4))


@pytest.mark.parametrize('threshold', [0.3, 1.0, 2.0])
def test_truncated_has_the_truncated_distribution_and_keeps_order(threshold):
  prior = priors.normal(2)
  z = draw(prior)
  found = priors.truncated(prior, z, threshold)
  for before, after in zip(z.T, found.T, strict=True):
    assert stats.kstest(after, stats.truncnorm(-threshold, threshold).cdf).pvalue > 1e-3
    assert np.all(np.diff(after[np.argsort(before)]) >= 0)
  np.testing.assert_allclose(priors.truncated(prior, z, 30.0), z, atol=1e-5)


def test_truncated_uniform_is_a_smaller_one():
  prior = priors.uniform(2, bound=2.0)
  z = draw(prior)
  np.testing.assert_allclose(priors.truncated(prior, z, 0.5), z / 4)
  np.testing.assert_array_equal(priors.truncated(prior, z, 5.0), z)


def test_truncated_refuses_what_cannot_be_truncated():
  with refused('normal', 'uniform'):
    priors.truncated(priors.sphere(2), np.ones((1, 2)), 1.0)
  with refused('0.0', 'above 0'):
    priors.truncated(priors.normal(2), np.ones((1, 2)), 0.0)
