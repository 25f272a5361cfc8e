"""Maximum mean discrepancies, against their double sums in float64 and other packages' formulas.

Covers: metrics/kernel_sums.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.metrics import kernel_sums
from gan_jax.metrics.discrepancy import (
  discrepancy,
  from_sums,
  in_blocks,
  median_distance,
  spreads,
  subsets,
  variance,
)
from gan_jax.metrics.kernel_sums import LINEAR, Sums, gaussian, on_devices, polynomial, rational
from tests.messages import refused


def draws(n, d=16, seed=0, shift=0.0, scale=1.0):
  return (np.random.default_rng(seed).normal(size=(n, d)) * scale + shift).astype(np.float32)


def double(name, x, y):
  """The kernel over all pairs, in float64, from its formula."""
  x, y = x.astype(np.float64), y.astype(np.float64)
  if name == 'polynomial':
    return (x @ y.T / x.shape[1] + 1) ** 3
  square = np.sum((x[:, None] - y[None]) ** 2, -1)
  if name == 'gaussian':
    return np.mean([np.exp(-square / (2 * s**2)) for s in (2.0, 4.0)], axis=0)
  return np.mean([(1 + square / (2 * a)) ** -a for a in (0.5, 2.0)], axis=0)


KERNELS = {
  'polynomial': polynomial(),
  'gaussian': gaussian(2.0, 4.0),
  'rational': rational(0.5, 2.0),
}


def dense(k):
  """The sums of a whole matrix of a set with itself, or of two sets."""
  own = k - np.diag(np.diag(k))
  return Sums(own.sum(1), own.sum(0), float(np.sum(own**2)), float(np.trace(k)))


def of_matrices(name, x, y, less=0.0):
  between = double(name, x, y) - less
  crossed = Sums(between.sum(1), between.sum(0), float(np.sum(between**2)), 0.0)
  return dense(double(name, x, x) - less), dense(double(name, y, y) - less), crossed


@pytest.mark.parametrize('part', [None, on_devices])
@pytest.mark.parametrize('name', KERNELS)
@pytest.mark.parametrize(('m', 'n'), [(50, 50), (40, 61)])
def test_discrepancy_is_its_double_sum(name, m, n, part, monkeypatch):
  monkeypatch.setattr(kernel_sums, 'SIDE', 18)  # several tiles, the last of them short
  x, y = draws(m, seed=1), draws(n, seed=2, shift=0.2)
  xx, yy, xy = (double(name, a, b) for a, b in ((x, x), (y, y), (x, y)))
  off = lambda k: (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))
  found = discrepancy(x, y, KERNELS[name], part)
  assert found.unbiased == pytest.approx(off(xx) + off(yy) - 2 * xy.mean(), abs=1e-7)
  assert found.biased == pytest.approx(xx.mean() + yy.mean() - 2 * xy.mean(), abs=1e-7)
  expected = from_sums(*of_matrices(name, x, y)).stderr
  assert found.stderr == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize('degree', [1, 2, 3, 4])
def test_polynomial_is_the_power_of_its_degree(degree):
  t = np.linspace(-1, 2, 7, dtype=np.float32)[None]
  found = polynomial(degree).values(5 * t, None, None, 5)
  np.testing.assert_allclose(found, (1 + t) ** degree - 1, atol=1e-5)


def mmd_gan(kxx, kxy, kyy):
  """The variance as MMD-GAN computes it, of as many rows of either set; and its two zetas."""
  m = len(kxx)
  txx, tyy = (k - np.diag(np.diag(k)) for k in (kxx, kyy))
  e, square = np.ones(m), lambda k: np.sum(k**2)
  sx, sy, sxy = e @ txx @ e, e @ tyy @ e, e @ kxy @ e
  dots = e @ txx @ kxy @ e + e @ tyy @ kxy.T @ e
  one = (
    (square(txx @ e) - square(txx) + square(tyy @ e) - square(tyy)) / (m * (m - 1) * (m - 2))
    - (sx**2 + sy**2) / (m * (m - 1)) ** 2
    + (square(kxy @ e) + square(kxy.T @ e) - 2 * square(kxy)) / (m**2 * (m - 1))
    - 2 * sxy**2 / m**4
    - 2 * dots / (m**2 * (m - 1))
    + 2 * (sx + sy) * sxy / (m**3 * (m - 1))
  )
  two = (
    (square(txx) + square(tyy)) / (m * (m - 1))
    - (sx**2 + sy**2) / (m * (m - 1)) ** 2
    + 2 * square(kxy) / m**2
    - 2 * sxy**2 / m**4
    - 4 * dots / (m**2 * (m - 1))
    + 4 * (sx + sy) * sxy / (m**3 * (m - 1))
  )
  return 4 * (m - 2) / (m * (m - 1)) * one + 2 / (m * (m - 1)) * two, one, two


@pytest.mark.parametrize('name', KERNELS)
def test_variance_is_made_of_mmd_gans_terms(name):
  m = 200
  x, y = draws(m, 8, seed=1), draws(m, 8, seed=2, shift=0.3)
  expected, one, two = mmd_gan(*(double(name, a, b) for a, b in ((x, x), (x, y), (y, y))))
  sums = of_matrices(name, x, y)
  of_x, of_y, between, cross_x, cross_y = spreads(*sums)
  crossed = cross_x + cross_y
  ours = of_x.first + of_y.first + between.first + between.second - 2 * crossed
  assert ours == pytest.approx(one, rel=1e-9)
  pairs = of_x.both + of_y.both + 2 * between.both - 4 * crossed
  assert pairs == pytest.approx(two, rel=1e-9)
  theirs = 4 * (m - 2) / (m * (m - 1)) * ours + 2 / (m * (m - 1)) * pairs
  assert theirs == pytest.approx(expected, rel=1e-9)
  # Ours is of the statistic with the pairs (x_i, y_i), theirs without.
  assert variance(*sums) == pytest.approx(expected, rel=2 / m)


def test_from_sums_is_blind_to_a_constant_in_the_kernel():
  x, y = draws(40, seed=1), draws(50, seed=2, shift=0.2)
  whole, less = (from_sums(*of_matrices('gaussian', x, y, c)) for c in (0.0, 1.0))
  np.testing.assert_allclose(less, whole, rtol=1e-9)


def test_subsets_are_torch_fidelitys(torch_fidelity):
  import torch
  from torch_fidelity.metric_kid import kid_features_to_metric

  from gan_jax.metrics.kernel import drawn_subsets

  x, y = draws(300, seed=1), draws(260, seed=2, shift=0.1)
  theirs = kid_features_to_metric(
    torch.from_numpy(x), torch.from_numpy(y), kid_subsets=7, kid_subset_size=100, verbose=False
  )
  found = subsets(x, y, polynomial(), drawn_subsets(300, 260, 100, 7))
  assert np.mean(found) == pytest.approx(theirs['kernel_inception_distance_mean'], abs=1e-6)
  assert np.std(found) == pytest.approx(theirs['kernel_inception_distance_std'], abs=1e-6)


def test_subsets_estimate_the_whole():
  x, y = draws(400, seed=1), draws(400, seed=2, shift=0.3)
  rng = np.random.default_rng(0)
  rows = [(rng.permutation(400)[:50], rng.permutation(400)[:50]) for _ in range(400)]
  found = subsets(x, y, polynomial(), rows)
  expected = discrepancy(x, y, polynomial()).unbiased
  assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / 20)


def test_in_blocks_is_tf_gans():
  """Of 23 and 31 rows, at most 10 in each: 4 blocks, the larger ones last."""
  x, y = draws(23, seed=1), draws(31, seed=2)
  found = in_blocks(x, y, polynomial(), most=10)
  ends = [0, 5, 11, 17, 23], [0, 7, 15, 23, 31]
  expected = []
  for i in range(4):
    a, b = (v[e[i] : e[i + 1]] for v, e in zip((x, y), ends, strict=True))
    kxx, kyy, kxy = (double('polynomial', *p) for p in ((a, a), (b, b), (a, b)))
    off = lambda k: (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))
    expected.append(off(kxx) + off(kyy) - 2 * kxy.mean())
  np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize('shift', [0.0, 0.15])
@pytest.mark.parametrize(('m', 'n'), [(60, 60), (40, 120)])
def test_discrepancy_error_is_the_spread_over_independent_sets(shift, m, n):
  """Where the sets have one distribution, too, where the leading term of the variance is 0."""
  found = [
    discrepancy(draws(m, 4, 2 * s), draws(n, 4, 2 * s + 1, shift), gaussian(2.0))
    for s in range(200)
  ]
  spread = np.std([f.unbiased for f in found], ddof=1)
  assert np.mean([f.stderr for f in found]) == pytest.approx(spread, rel=0.2)


def test_discrepancy_is_0_on_average_within_one_distribution():
  found = [
    discrepancy(draws(50, 8, 2 * s), draws(50, 8, 2 * s + 1), polynomial()) for s in range(200)
  ]
  values = np.array([f.unbiased for f in found])
  assert abs(values.mean()) < 4 * values.std() / np.sqrt(200)
  assert min(f.biased for f in found) > 0
  x = draws(50, 8)
  assert discrepancy(x, x, polynomial()).unbiased < 0
  assert discrepancy(x, x, polynomial()).biased == pytest.approx(0, abs=1e-7)


def test_discrepancy_of_a_linear_kernel_is_that_of_means_anywhere():
  for far in (0.0, 1000.0):
    x, y = draws(80, seed=1, shift=far), draws(70, seed=2, shift=far + 1)
    gap = x.astype(np.float64).mean(0) - y.astype(np.float64).mean(0)
    assert discrepancy(x, y, LINEAR).biased == pytest.approx(gap @ gap, rel=1e-5)


@pytest.mark.parametrize('sigma', [1.0, 10.0])
def test_discrepancy_of_wide_kernels_loses_no_digits(sigma):
  """Of unit vectors a kernel of width 10 lies between 0.98 and 1."""
  x, y = (
    v / np.linalg.norm(v, axis=1, keepdims=True) for v in (draws(60, seed=1), draws(70, seed=2))
  )
  pairs = lambda a, b: np.exp(
    -np.sum((a.astype(float)[:, None] - b[None]) ** 2, -1) / (2 * sigma**2)
  ).mean()
  expected = pairs(x, x) + pairs(y, y) - 2 * pairs(x, y)
  assert discrepancy(x, y, gaussian(sigma)).biased == pytest.approx(expected, rel=1e-5)


def test_discrepancy_of_few_rows_has_no_error():
  found = discrepancy(draws(2), draws(3, seed=1), polynomial())
  assert np.isnan(found.stderr)
  assert np.isfinite(found.unbiased)


def test_discrepancy_takes_rows_in_a_file(tmp_path):
  x, y = draws(30), draws(40, seed=1)
  np.save(tmp_path / 'x.npy', x)
  stored = np.load(tmp_path / 'x.npy', mmap_mode='r')
  assert discrepancy(stored, y, gaussian(2.0)) == discrepancy(x, y, gaussian(2.0))


def test_quickest_is_on_devices_elsewhere_than_on_cpu(monkeypatch):
  assert kernel_sums.quickest() is kernel_sums.on_host
  monkeypatch.setattr(jax, 'default_backend', lambda: 'gpu')
  assert kernel_sums.quickest() is on_devices
  x, y = draws(20), draws(30, seed=1)
  found = on_devices(polynomial(), x, y, False)
  assert isinstance(found.rows, jnp.ndarray)
  assert len(found.rows.sharding.device_set) == jax.local_device_count()


def test_median_distance_is_scipys():
  from scipy.spatial.distance import pdist

  x = draws(30, seed=1)
  assert median_distance(x) == pytest.approx(np.median(pdist(x)), rel=1e-9)
  assert median_distance(x, most=10) == pytest.approx(np.median(pdist(x[::3])), rel=1e-9)


def test_discrepancy_refuses_what_has_none():
  x, bad = draws(5), draws(5)
  bad[[1, 3], 2] = np.nan, np.inf
  with refused((5, 16), (5, 3)):
    discrepancy(x, draws(5, 3), polynomial())
  with refused('two or more', (1, 16)):
    discrepancy(x, x[:1], polynomial())
  with refused('2 of 10 rows', 'nan'):
    discrepancy(x, bad, polynomial())
