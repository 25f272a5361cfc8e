"""The Frechet distance: against its definition, packages and sets of a known distance."""

import jax
import numpy as np
import pytest

from gan_jax.metrics import frechet
from gan_jax.metrics.frechet import distance, factor, standard_error
from gan_jax.metrics.moments import moments
from tests.messages import refused, says
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def correlated(n, d, seed=0, shift=0.0):
  rng = np.random.default_rng(seed)
  return (rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) / d**0.5 + shift).astype(np.float32)


def wave(n, d, phase=0.0):
  """Features that any machine makes alike."""
  return np.sin(np.arange(n * d).reshape(n, d) ** 1.5 + phase) + phase


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
def test_distance_is_the_definition(d):
  a, b = correlated(500, d, 1), correlated(700, d, 2, shift=0.3)
  assert of(a, b) == pytest.approx(by_definition(a, b), rel=1e-9)


@pytest.mark.parametrize(('n', 'm', 'd'), [(500, 400, 32), (1000, 200, 96)])
def test_distance_is_torch_fidelitys(torch_fidelity, n, m, d):
  import torch
  from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

  a, b = correlated(n, d, 1), correlated(m, d, 2, shift=0.1)
  # Of float32 features it would take the mean in float32, and be off in the 8th digit.
  theirs = [fid_features_to_statistics(torch.from_numpy(x.astype(np.float64))) for x in (a, b)]
  expected = fid_statistics_to_metric(*theirs, verbose=False)['frechet_inception_distance']
  assert of(a, b) == pytest.approx(float(expected), rel=1e-9)


def test_distance_of_known_gaussians_is_known():
  """N(0, 1) and N(1, 4) in 5 dimensions: 5 (1 + (2 - 1)^2) = 10, of rows that have them exactly."""
  d, n = 5, 1000
  white = RNG.normal(size=(n, d))
  white -= white.mean(0)
  white = white @ np.linalg.inv(np.linalg.cholesky(np.cov(white, rowvar=False))).T
  assert of(white, 2 * white + 1) == pytest.approx(10, rel=1e-12)


@pytest.mark.parametrize(('n', 'd'), [(200, 30), (20, 120), (121, 120)])
def test_distance_of_a_set_to_its_image_under_a_map_is_known(n, d):
  """Such a map, x -> a x + b, is the transport: the distance is that from each x to its image."""
  x = np.round(1024 * correlated(n, d, 1).astype(np.float64)) / 1024
  a, b = RNG.integers(4, 13, d) / 8, RNG.integers(-8, 9, d) / 64
  moved = (a - 1) * x + b
  gap, scatter = moved.mean(0), moved - moved.mean(0)
  expected = gap @ gap + np.sum(scatter**2) / (n - 1)
  assert of(x, a * x + b) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(('n', 'd'), [(300, 20), (20, 300)])
def test_distance_of_a_set_to_itself_is_0_and_it_is_symmetric(n, d):
  a, b = correlated(n, d, 1), correlated(n, d, 2)
  assert of(a, a) == pytest.approx(0, abs=1e-9)
  assert of(a, b) == pytest.approx(of(b, a), rel=1e-10)


def test_distance_is_blind_to_shifts_rotations_and_orders():
  a, b = correlated(400, 16, 1), correlated(400, 16, 2)
  turn = np.linalg.qr(RNG.normal(size=(16, 16)))[0]
  expected = of(a, b)
  assert of(a @ turn + 7, b @ turn + 7) == pytest.approx(expected, rel=1e-6)
  assert of(a[::-1, ::-1], b[:, ::-1]) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(('n', 'm'), [(30, 40), (30, 500), (500, 30), (2, 2)])
def test_distance_of_fewer_images_than_features_is_exact_too(n, m):
  """Against singular values of the centred rows in float64, whatever factors ours are."""
  a, b = correlated(n, 100, 1), correlated(m, 100, 2, shift=0.1)
  rows = [x.astype(np.float64) - x.astype(np.float64).mean(0) for x in (a, b)]
  scaled = [r / np.sqrt(len(r) - 1) for r in rows]
  root = np.linalg.svd(scaled[0] @ scaled[1].T, compute_uv=False).sum()
  gap = a.astype(np.float64).mean(0) - b.astype(np.float64).mean(0)
  expected = gap @ gap + sum(np.sum(r**2) for r in scaled) - 2 * root
  assert of(a, b) == pytest.approx(expected, rel=1e-9)


def test_distance_bears_columns_that_repeat_or_stand_still():
  a, b = correlated(500, 12, 1), correlated(500, 12, 2)
  widen = lambda x: np.concatenate([x, x, np.ones((len(x), 3), np.float32)], axis=1)
  assert of(widen(a), widen(b)) == pytest.approx(2 * of(a, b), rel=1e-7)


def exactly(c, c_):
  """In 60 digits, of covariances and no means."""
  mp = pytest.importorskip('mpmath')
  with mp.workdps(60):
    a, b = mp.matrix(c.tolist()), mp.matrix(c_.tolist())
    square, turn = mp.eigsy(a)
    root = turn * mp.diag([mp.sqrt(max(x, 0)) for x in square])
    roots = [mp.sqrt(max(x, 0)) for x in mp.eigsy(root.T * b * root, eigvals_only=True)]
    return float(sum(a[i, i] + b[i, i] for i in range(len(c))) - 2 * sum(roots))


@pytest.mark.parametrize('decades', [4, 10, 16])
def test_distance_loses_no_digits_of_features_of_all_sizes(decades):
  """Where the eigenvalues of S1 S2, which others take, are off by up to 1e-5."""
  rng, d = np.random.default_rng(0), 10
  sizes = 10 ** np.linspace(-decades / 2, 0, d)
  turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
  draw = lambda n, scale: rng.normal(size=(n, d)) * scale
  pairs = [
    (draw(40, sizes), draw(30, 1.05 * sizes)),
    (draw(40, sizes) @ turn, draw(30, 1.05 * sizes) @ turn),
    (draw(40, sizes) @ turn, draw(30, 1.0)),
  ]
  for x, y in pairs:
    a, b = (moments(v)._replace(mean=np.zeros(d)) for v in (x, y))
    expected = exactly(a.covariance, b.covariance)
    assert distance(a, b) == pytest.approx(expected, rel=1e-9)
    assert distance(b, a) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize('decades', [0, 3, 8])
def test_distance_is_exact_of_rows_that_squares_would_blur(decades):
  rng = np.random.default_rng(0)
  sizes = 10 ** np.linspace(0, -decades, 60)
  a, b = (moments(rng.normal(size=(n, 60)) * sizes) for n in (40, 300))
  roots = np.linalg.svd(factor(a) @ factor(b).T, compute_uv=False)
  gap = a.mean - b.mean
  expected = gap @ gap + a.trace + b.trace - 2 * roots.sum()
  assert distance(a, b) == pytest.approx(expected, rel=1e-9)


def test_distance_of_a_set_of_copies_is_that_of_a_point():
  a, b = moments(np.ones((50, 3))), moments(correlated(60, 3))
  assert distance(a, b) == pytest.approx(np.sum((b.mean - 1) ** 2) + b.trace, rel=1e-12)
  assert distance(a, a) == 0.0


@pytest.mark.filterwarnings('ignore:The `disp` argument:DeprecationWarning')
def test_distance_is_pytorch_fids(torch_fidelity):  # with which torchvision can be imported
  theirs = pytest.importorskip('pytorch_fid.fid_score').calculate_frechet_distance
  a, b = (moments(correlated(400, 32, s)) for s in (1, 2))
  expected = theirs(a.mean, a.covariance, b.mean, b.covariance)
  assert distance(a, b) == pytest.approx(float(expected), rel=1e-9)


def test_distance_stays_what_it_was():
  """The first is torch-fidelity 0.4.0's number too; of few rows its is off in the 8th digit."""
  assert of(wave(200, 4), wave(300, 4, 0.5)) == pytest.approx(1.0183012770241646, rel=1e-9)
  assert of(wave(6, 30), wave(9, 30, 0.5)) == pytest.approx(14.421640480639034, rel=1e-9)


def test_standard_error_is_the_spread_over_independent_sets():
  d, n = 6, 400
  draw = lambda seed, scale: np.random.default_rng(seed).normal(size=(n, d)) * scale
  pairs = [(draw(2 * s, 1.0), draw(2 * s + 1, 1.5) + 0.5) for s in range(300)]
  spread = np.std([of(a, b) for a, b in pairs], ddof=1)
  told = np.mean([standard_error(a, b, moments(a), moments(b)) for a, b in pairs[:40]])
  assert told == pytest.approx(spread, rel=0.12)


def test_measured_of_too_few_images_has_a_note_and_no_error(monkeypatch):
  from gan_jax.metrics.look import Look, Seen

  sets = Look(Seen(correlated(20, 50, 1)), Seen(correlated(20, 50, 2)), {'features': 'some'})
  found = frechet.measured(sets, 'frechet')
  assert 'stderr' not in found
  says(found['protocol']['note'], 'images', '50 features')


def test_distance_refuses_features_of_two_widths():
  with refused('of 4 and of 5'):
    of(correlated(50, 4), correlated(50, 5))


def test_frechet_takes_statistics_of_a_file_for_real_images(tmp_path):
  image = lambda n, seed: np.random.default_rng(seed).integers(0, 256, (n, 2, 2, 1), np.uint8)
  real, fake = image(300, 1), image(200, 2)
  flat = lambda x: x.reshape(len(x), -1) / 255
  np.savez(tmp_path / 'a.npz', mu=flat(real).mean(0), sigma=np.cov(flat(real), rowvar=False))
  run = lambda **kw: frechet.frechet(
    sampler_of(fake), source_of(real), KEY, features='pixels', n=200, **kw
  )
  found = run(statistics=str(tmp_path / 'a.npz'))
  assert found['frechet'] == pytest.approx(of(flat(real), flat(fake)), rel=1e-6)
  says(found['protocol']['real'], 'statistics', 'file')
  assert len(found['protocol']['real_sha256']) == 12
  plain = run()
  assert plain['protocol']['n_real'] == 200
  assert 0 < found['stderr'] < plain['stderr']  # of the samples alone


def test_distance_grows_with_dropped_modes_noise_and_blur():
  rng = np.random.default_rng(0)
  centres = 3 * rng.normal(size=(5, 8))
  draw = lambda modes: centres[rng.integers(0, modes, 2000)] + rng.normal(size=(2000, 8))
  real, honest = draw(5), draw(5)
  near = of(real, honest)
  for worse in (draw(3), honest + rng.normal(size=honest.shape), honest / 2 + honest.mean(0) / 2):
    assert of(real, worse) > 10 * near
