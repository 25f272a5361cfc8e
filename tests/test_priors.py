import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from gan_jax import config, priors
from gan_jax.errors import InputError

KEY = jax.random.key(0)
N = 4000


@pytest.mark.parametrize(
  ('prior', 'distribution'),
  [
    (priors.normal(3), stats.norm()),
    (priors.uniform(3), stats.uniform(-1, 2)),
    (priors.uniform(3, bound=np.sqrt(3)), stats.uniform(-np.sqrt(3), 2 * np.sqrt(3))),
  ],
)
def test_every_entry_of_z_has_the_priors_distribution(prior, distribution):
  z = prior(KEY, N)
  assert z.shape == (N, 3)
  assert z.dtype == jnp.float32
  for column in np.asarray(z).T:
    assert stats.kstest(column, distribution.cdf).pvalue > 1e-3


def test_the_2014_uniform_has_unit_variance():
  z = np.asarray(priors.uniform(50, bound=float(np.sqrt(3)))(KEY, N))
  np.testing.assert_allclose(z.var(), 1, atol=0.01)


def test_entries_and_examples_of_z_are_independent():
  for prior in (priors.normal(8), priors.uniform(8), priors.sphere(8)):
    z = np.asarray(prior(KEY, N))
    off = np.corrcoef(z.T) - np.eye(8)
    assert np.max(np.abs(off)) < 5 / np.sqrt(N)
    following = np.mean(z[1:] * z[:-1]) / z.var()
    assert abs(following) < 5 / np.sqrt(8 * N)


def test_the_sphere_has_radius_root_dim_and_no_direction_of_its_own():
  z = np.float64(priors.sphere(6)(KEY, N))
  np.testing.assert_allclose(np.linalg.norm(z, axis=1), np.sqrt(6), rtol=1e-6)
  # A coordinate of a uniform point of the unit sphere in R^6: (1 + x) / 2 ~ Beta(5/2, 5/2).
  u = (1 + z[:, 0] / np.sqrt(6)) / 2
  assert stats.kstest(u, stats.beta(2.5, 2.5).cdf).pvalue > 1e-3


def test_structured_codes_are_noise_then_one_hots_then_uniforms():
  z = np.asarray(priors.structured(noise=4, categorical=(3, 5), continuous=2)(KEY, N))
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


def test_two_codes_of_one_size_differ():
  z = np.asarray(priors.structured(noise=0, categorical=(4, 4), continuous=0)(KEY, N))
  agree = np.mean(np.sum(z[:, :4] * z[:, 4:], axis=1))
  assert abs(agree - 0.25) < 5 * np.sqrt(0.25 * 0.75 / N)


def test_codes_may_be_of_one_kind_alone():
  assert priors.structured(noise=5, categorical=(), continuous=0)(KEY, 7).shape == (7, 5)
  assert priors.structured(noise=0, categorical=(), continuous=3)(KEY, 7).shape == (7, 3)


def test_a_config_names_a_prior_with_its_size():
  z = config.build(dict(name='uniform', dim=7, bound=2.0), 'priors')(KEY, 500)
  assert z.shape == (500, 7)
  assert 1.9 < np.max(np.abs(z)) <= 2


def test_the_unit_hypercube():
  z = np.asarray(priors.hypercube(3)(KEY, N))
  for column in z.T:
    assert stats.kstest(column, stats.uniform(0, 1).cdf).pvalue > 1e-3


def test_structured_noise_may_be_a_prior_of_its_own_and_the_columns_of_codes_are_known():
  noise = dict(name='uniform', dim=4)
  spec = dict(name='structured', noise=noise, categorical=(3, 5), continuous=2)
  prior = config.build(spec, 'priors')
  z = np.asarray(prior(KEY, N))
  assert z.shape == (N, 14)
  assert stats.kstest(z[:, :4].ravel(), stats.uniform(-1, 2).cdf).pvalue > 1e-3
  one_hots, numbers = prior.columns(14)
  assert [(c.start, c.stop) for c in (*one_hots, numbers)] == [(4, 7), (7, 12), (12, 14)]
  for place in one_hots:
    np.testing.assert_array_equal(z[:, place].sum(axis=1), 1)
  assert priors.structured(3, (), 1).columns(4) == ([], slice(3, 4))


@pytest.mark.parametrize('threshold', [0.3, 1.0, 2.0])
def test_a_truncated_draw_has_the_truncated_distribution_and_keeps_its_order(threshold):
  prior = priors.normal(2)
  z = np.asarray(prior(KEY, N))
  found = priors.truncated(prior, z, threshold)
  for before, after in zip(z.T, found.T, strict=True):
    assert stats.kstest(after, stats.truncnorm(-threshold, threshold).cdf).pvalue > 1e-3
    assert np.all(np.diff(after[np.argsort(before)]) >= 0)
  np.testing.assert_allclose(priors.truncated(prior, z, 30.0), z, atol=1e-5)


def test_a_truncated_uniform_is_a_smaller_one():
  prior = priors.uniform(2, bound=2.0)
  z = np.asarray(prior(KEY, N))
  np.testing.assert_allclose(priors.truncated(prior, z, 0.5), z / 4)
  np.testing.assert_array_equal(priors.truncated(prior, z, 5.0), z)


def test_what_cannot_be_truncated_is_refused():
  with pytest.raises(InputError, match='only the z of a normal or uniform prior'):
    priors.truncated(priors.sphere(2), np.ones((1, 2)), 1.0)
  with pytest.raises(InputError, match='right is a number above 0'):
    priors.truncated(priors.normal(2), np.ones((1, 2)), 0.0)
