"""Points of the line: they are what their density says."""

import numpy as np
import pytest
from scipy import integrate, stats

from gan_jax.data import line
from gan_jax.data.mixture import ring
from tests.messages import refused


def test_gaussian_points_have_the_density_that_is_told_of_them():
  source = line.gaussian(n=4000, mean=1.5, sigma=0.3)
  point = source.arrays['image']
  assert (point.shape, point.dtype) == ((4000, 1), np.float32)
  x = np.linspace(-1, 4, 7)
  normal = stats.norm(1.5, 0.3)
  np.testing.assert_allclose(line.density(source.meta, x), normal.pdf(x), rtol=1e-12)
  assert stats.kstest(point[:, 0], normal.cdf).pvalue > 0.01


def test_mixture_is_the_weighted_sum_and_its_labels_say_of_what():
  source = line.mixture(n=6000, means=(-2.0, 0.0, 3.0), sigma=0.4, weights=(1, 2, 3))
  x = np.linspace(-4, 5, 5)
  parts = [w / 6 * stats.norm(m, 0.4).pdf(x) for m, w in ((-2, 1), (0, 2), (3, 3))]
  np.testing.assert_allclose(line.density(source.meta, x), sum(parts), rtol=1e-12)
  np.testing.assert_allclose(np.bincount(source.arrays['label']) / 1000, [1, 2, 3], rtol=0.1)
  away = source.arrays['image'][:, 0] - np.array([-2.0, 0.0, 3.0])[source.arrays['label']]
  assert away.std() == pytest.approx(0.4, rel=0.05)
  total, _ = integrate.quad(lambda t: float(line.density(source.meta, np.array(t))), -9, 9)
  assert total == pytest.approx(1)


def test_mixture_splits_are_other_draws_and_weights_equal_by_default():
  train, test = line.mixture(n=50), line.mixture('test', n=50)
  assert not np.isin(train.arrays['image'], test.arrays['image']).any()
  assert train.meta['weights'] == [0.5, 0.5]


def test_dirac_is_one_point():
  assert (line.dirac(n=5, at=2.0).arrays['image'] == np.full((5, 1), 2, np.float32)).all()


@pytest.mark.parametrize('options', [{'weights': (1.0,)}, {'sigma': 0.0}, {'weights': (-1, 2)}])
def test_mixture_refuses_what_is_none(options):
  told = {'sigma': 'sigma=0.0', 'weights': f'weights {options.get("weights")}'}
  with refused('line.mixture', *(told[key] for key in options)):
    line.mixture(n=10, **options)


def test_gaussian_refuses_no_points_and_density_other_sets():
  with refused('n=0', 'line.gaussian'):
    line.gaussian(n=0)
  for source in (line.dirac(), ring(n=10)):
    with refused('density', source.meta['name'], 'line.gaussian', 'line.mixture'):
      line.density(source.meta, np.zeros(1))
