import jax
import numpy as np
import pytest

from gan_jax.errors import InputError
from gan_jax.features.extractor import Extractor
from gan_jax.metrics import kernel
from gan_jax.metrics.kernel import discrepancy, gaussian, polynomial
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)


def draws(n, d=16, seed=0, shift=0.0, scale=1.0):
  return (np.random.default_rng(seed).normal(size=(n, d)) * scale + shift).astype(np.float32)


def double(k, x, y):
  """The kernel over all pairs, in float64, from its formula."""
  x, y = x.astype(np.float64), y.astype(np.float64)
  if k == 'polynomial':
    return (x @ y.T / x.shape[1] + 1) ** 3
  square = np.sum((x[:, None] - y[None]) ** 2, -1)
  return np.mean([np.exp(-square / (2 * s**2)) for s in (2.0, 4.0)], axis=0)


KERNELS = {'polynomial': polynomial(), 'gaussian': gaussian(2.0, 4.0)}


@pytest.mark.parametrize('name', KERNELS)
@pytest.mark.parametrize(('m', 'n'), [(50, 50), (40, 61), (2, 3)])
def test_it_is_its_double_sum(name, m, n, monkeypatch):
  monkeypatch.setattr(kernel, 'SIDE', 16)  # several tiles, the last of them short
  x, y = draws(m, seed=1), draws(n, seed=2, shift=0.2)
  xx, yy, xy = (double(name, a, b) for a, b in ((x, x), (y, y), (x, y)))
  off = lambda k: (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))
  found = discrepancy(x, y, KERNELS[name])
  assert found.unbiased == pytest.approx(off(xx) + off(yy) - 2 * xy.mean(), abs=1e-6)
  assert found.biased == pytest.approx(xx.mean() + yy.mean() - 2 * xy.mean(), abs=1e-6)


def test_subsets_are_torch_fidelitys(torch_fidelity):
  import torch
  from torch_fidelity.metric_kid import kid_features_to_metric

  x, y = draws(300, seed=1), draws(260, seed=2, shift=0.1)
  theirs = kid_features_to_metric(
    torch.from_numpy(x), torch.from_numpy(y), kid_subsets=7, kid_subset_size=100, verbose=False
  )
  rng = np.random.RandomState(2020)
  rows = [
    (rng.choice(300, 100, replace=False), rng.choice(260, 100, replace=False)) for _ in range(7)
  ]
  mean, sd = kernel.subsets(x, y, polynomial(), rows)
  assert mean == pytest.approx(theirs['kernel_inception_distance_mean'], abs=1e-6)
  assert sd == pytest.approx(theirs['kernel_inception_distance_std'], abs=1e-6)


def test_subsets_estimate_the_whole():
  x, y = draws(400, seed=1), draws(400, seed=2, shift=0.3)
  rng = np.random.default_rng(0)
  rows = [(rng.permutation(400)[:50], rng.permutation(400)[:50]) for _ in range(400)]
  mean, sd = kernel.subsets(x, y, polynomial(), rows)
  assert mean == pytest.approx(discrepancy(x, y, polynomial()).unbiased, abs=4 * sd / 20)


@pytest.mark.parametrize('shift', [0.0, 0.15])
@pytest.mark.parametrize(('m', 'n'), [(60, 60), (40, 120)])
def test_the_error_is_the_spread_over_independent_sets(shift, m, n):
  """Where the sets have one distribution, too, where the leading term of the variance is 0."""
  found = [
    discrepancy(draws(m, 4, 2 * s), draws(n, 4, 2 * s + 1, shift), gaussian(2.0))
    for s in range(400)
  ]
  spread = np.std([f.unbiased for f in found], ddof=1)
  assert np.mean([f.stderr for f in found]) == pytest.approx(spread, rel=0.2)


def test_its_mean_is_0_between_sets_of_one_distribution():
  found = [
    discrepancy(draws(50, 8, 2 * s), draws(50, 8, 2 * s + 1), polynomial()) for s in range(200)
  ]
  values = np.array([f.unbiased for f in found])
  assert abs(values.mean()) < 4 * values.std() / np.sqrt(200)
  assert min(f.biased for f in found) > 0


def test_a_linear_kernel_tells_the_means_apart():
  x, y = draws(80, seed=1), draws(70, seed=2, shift=1.0)
  gap = x.astype(np.float64).mean(0) - y.astype(np.float64).mean(0)
  found = discrepancy(x, y, lambda dot, xx, yy, d: dot)
  assert found.biased == pytest.approx(gap @ gap, rel=1e-5)


def test_cmmd_is_its_formula():
  x, y = kernel.unit(draws(30, seed=1)), kernel.unit(draws(30, seed=2, shift=0.5))
  np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, rtol=1e-6)
  pairs = lambda a, b: np.exp(-np.sum((a[:, None] - b[None]) ** 2, -1) / 200).mean()
  expected = pairs(x, x) + pairs(y, y) - 2 * pairs(x, y)
  assert discrepancy(x, y, gaussian(10.0)).biased == pytest.approx(expected, abs=1e-7)


def test_the_bandwidth_is_the_median_distance():
  from scipy.spatial.distance import pdist

  x, y = draws(30, seed=1), draws(20, seed=2)
  expected = np.median(pdist(np.concatenate([x, y])))
  assert kernel.median_distance(x, y) == pytest.approx(expected, rel=1e-5)


def means():
  return Extractor('means', (), lambda w, x: {'features': x.astype('float32').mean((1, 3)) / 255})


@pytest.mark.parametrize('eval_', [kernel.kernel_distance, kernel.mmd, kernel.cmmd])
def test_evals_tell_noise_from_the_data(eval_):
  rng = np.random.default_rng(0)
  of = lambda n, high: rng.integers(0, high, (n, 4, 4, 1)).astype(np.uint8)
  source = source_of(of(120, 256))
  run = lambda images: eval_(sampler_of(images), source, KEY, features=means(), n=120)
  name = eval_.__name__
  same, other = run(of(120, 256)), run(of(120, 60))
  assert other[name] > same[name]
  if eval_ is not kernel.cmmd:  # which is biased, and whose sigma is meant for more images
    assert other[name] > max(5 * other['stderr'], 3 * abs(same[name]))
  assert 'kernel' in same['protocol']


def test_what_has_no_discrepancy_is_refused():
  x = draws(5)
  with pytest.raises(InputError, match='of one width'):
    discrepancy(x, draws(5, 3), polynomial())
  with pytest.raises(InputError, match='two or more rows'):
    discrepancy(x, x[:1], polynomial())
  with pytest.raises(InputError, match='nan or inf'):
    discrepancy(x, x * np.nan, polynomial())
