import jax
import numpy as np
import pytest

from gan_jax.errors import InputError
from gan_jax.metrics import frechet
from gan_jax.metrics.frechet import distance, merged, moments, standard_error

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def correlated(n, d, seed=0, shift=0.0):
  rng = np.random.default_rng(seed)
  return (rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) / d**0.5 + shift).astype(np.float32)


def of(a, b):
  return distance(moments(a), moments(b))


def by_definition(a, b):
  """From the eigenvalues of the product of the covariances, in longer arithmetic than it needs."""
  from scipy.linalg import eigvals

  s = [np.cov(x.astype(np.float64), rowvar=False).reshape(x.shape[1], -1) for x in (a, b)]
  root = np.sum(np.sqrt(np.maximum(eigvals(s[0] @ s[1]).real, 0)))
  gap = a.astype(np.float64).mean(0) - b.astype(np.float64).mean(0)
  return float(gap @ gap + np.trace(s[0]) + np.trace(s[1]) - 2 * root)


@pytest.mark.parametrize('d', [1, 5, 64])
def test_it_is_the_definition(d):
  a, b = correlated(500, d, 1), correlated(700, d, 2, shift=0.3)
  assert of(a, b) == pytest.approx(by_definition(a, b), rel=1e-9)


@pytest.mark.parametrize(('n', 'm', 'd'), [(500, 400, 32), (2000, 300, 128)])
def test_it_is_torch_fidelitys(torch_fidelity, n, m, d):
  import torch
  from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

  a, b = correlated(n, d, 1), correlated(m, d, 2, shift=0.1)
  # Of float32 features it would take the mean in float32, and be off in the 8th digit.
  theirs = [fid_features_to_statistics(torch.from_numpy(x.astype(np.float64))) for x in (a, b)]
  expected = fid_statistics_to_metric(*theirs, verbose=False)['frechet_inception_distance']
  assert of(a, b) == pytest.approx(float(expected), rel=1e-9)


def test_known_gaussians_have_their_distance():
  """N(0, 1) and N(1, 4) in 5 dimensions: 5 (1 + (2 - 1)^2) = 10, of rows that have them exactly."""
  d, n = 5, 1000
  white = RNG.normal(size=(n, d))
  white -= white.mean(0)
  white = white @ np.linalg.inv(np.linalg.cholesky(np.cov(white, rowvar=False))).T
  assert of(white, 2 * white + 1) == pytest.approx(10, rel=1e-12)


@pytest.mark.parametrize(('n', 'd'), [(300, 20), (20, 300)])
def test_of_itself_it_is_0_and_it_is_symmetric(n, d):
  a, b = correlated(n, d, 1), correlated(n, d, 2)
  assert of(a, a) == pytest.approx(0, abs=1e-9)
  assert of(a, b) == pytest.approx(of(b, a), rel=1e-10)


def test_shifts_rotations_and_orders_do_not_matter():
  a, b = correlated(400, 16, 1), correlated(400, 16, 2)
  turn = np.linalg.qr(RNG.normal(size=(16, 16)))[0]
  expected = of(a, b)
  assert of(a @ turn + 7, b @ turn + 7) == pytest.approx(expected, rel=1e-6)
  assert of(a[::-1, ::-1], b[:, ::-1]) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(('n', 'm'), [(30, 40), (30, 500), (500, 30), (2, 2)])
def test_fewer_images_than_features_are_exact_too(n, m):
  """Against singular values of the centred rows in float64, whatever factors ours are."""
  a, b = correlated(n, 100, 1), correlated(m, 100, 2, shift=0.1)
  rows = [x.astype(np.float64) - x.astype(np.float64).mean(0) for x in (a, b)]
  scaled = [r / np.sqrt(len(r) - 1) for r in rows]
  root = np.linalg.svd(scaled[0] @ scaled[1].T, compute_uv=False).sum()
  gap = a.astype(np.float64).mean(0) - b.astype(np.float64).mean(0)
  expected = gap @ gap + sum(np.sum(r**2) for r in scaled) - 2 * root
  assert of(a, b) == pytest.approx(expected, rel=1e-9)


def test_columns_that_repeat_or_stand_still_do_no_harm():
  a, b = correlated(500, 12, 1), correlated(500, 12, 2)
  widen = lambda x: np.concatenate([x, x, np.ones((len(x), 3), np.float32)], axis=1)
  assert of(widen(a), widen(b)) == pytest.approx(2 * of(a, b), rel=1e-7)


@pytest.mark.parametrize('sizes', [[1000], [1] * 5 + [995], [333, 333, 334], [999, 1]])
def test_moments_do_not_depend_on_the_blocks(sizes):
  """With a mean a thousand deviations from 0, where sums of squares would cancel."""
  x = correlated(1000, 8, 3, shift=1000.0)
  parts = np.split(x, np.cumsum(sizes)[:-1])
  found, wide = merged(parts), x.astype(np.float64)
  assert found.n == 1000
  np.testing.assert_allclose(found.mean, wide.mean(0), rtol=1e-12)
  np.testing.assert_allclose(found.covariance, np.cov(wide, rowvar=False), rtol=1e-9, atol=1e-12)
  assert distance(found, moments(x)) == pytest.approx(0, abs=1e-8)


def test_the_error_is_the_spread_over_independent_sets():
  d, n = 6, 400
  draw = lambda seed, scale: np.random.default_rng(seed).normal(size=(n, d)) * scale
  pairs = [(draw(2 * s, 1.0), draw(2 * s + 1, 1.5) + 0.5) for s in range(300)]
  spread = np.std([of(a, b) for a, b in pairs], ddof=1)
  told = np.mean([standard_error(a, b, moments(a), moments(b)) for a, b in pairs[:40]])
  assert told == pytest.approx(spread, rel=0.12)


def test_too_few_images_have_a_number_with_a_note_and_no_error(monkeypatch):
  from gan_jax.metrics.look import Look, Seen

  sets = Look(Seen(correlated(20, 50, 1)), Seen(correlated(20, 50, 2)), {'features': 'some'})
  found = frechet.measured(sets, 'frechet')
  assert 'stderr' not in found
  assert 'no more images than the 50 features' in found['protocol']['note']


def test_what_has_no_moments_is_refused():
  bad = correlated(50, 4)
  bad[3, 1] = np.nan
  bad[7] = np.inf
  with pytest.raises(InputError, match='2 of 50 rows of features hold nan or inf'):
    moments(bad)
  with pytest.raises(InputError, match='two or more rows'):
    moments(bad[:1])
  with pytest.raises(InputError, match='features of 4 and of 5 numbers'):
    of(correlated(50, 4), correlated(50, 5))


def test_statistics_of_other_packages_are_read(tmp_path):
  a, b = correlated(500, 8, 1), correlated(500, 8, 2)
  np.savez(
    tmp_path / 'a.npz', mu=a.mean(0, dtype=float), sigma=np.cov(a.astype(float), rowvar=False)
  )
  kept = frechet.read(str(tmp_path / 'a.npz'))
  assert distance(kept, moments(b)) == pytest.approx(of(a, b), rel=1e-9)
  np.savez(tmp_path / 'b.npz', x=a)
  with pytest.raises(InputError, match='holds no statistics'):
    frechet.read(str(tmp_path / 'b.npz'))
