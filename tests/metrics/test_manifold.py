"""Precision, recall, density and coverage against their packages, loops and known answers."""

import jax
import numpy as np
import pytest

from gan_jax.metrics import pairwise
from gan_jax.metrics.manifold import hits, prdc, shares
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)
NAMES = ('precision', 'recall', 'density', 'coverage')


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch):
  monkeypatch.setattr(pairwise, 'SIDE', 300)


def normal(n, d=16, shift=0.0):
  return RNG.normal(shift, 1, (n, d)).astype(np.float32)


def by_loops(real, fake, k, near):
  """From the papers' formulas, in float64."""
  square = lambda a, b: ((a[:, None].astype(float) - b[None].astype(float)) ** 2).sum(-1)
  kth = lambda a, k: np.sort(square(a, a), axis=1)[:, k]
  between = square(fake, real)
  within = between < kth(real, near)[None]
  return dict(
    precision=np.mean((between <= kth(real, k)[None]).any(1)),
    recall=np.mean((between <= kth(fake, k)[:, None]).any(0)),
    density=within.sum() / near / len(fake),
    coverage=np.mean(within.any(0)),
  )


def test_shares_equal_prdc():
  package = pytest.importorskip('prdc')
  real, fake = normal(500), normal(400, shift=0.2)
  theirs = package.compute_prdc(real, fake, nearest_k=5)
  ours = shares(hits(real, fake, k=5, near=5))
  for name in NAMES:
    assert ours[name] == pytest.approx(float(theirs[name]), abs=1e-12)


def test_shares_equal_torch_fidelitys_precision_and_recall(torch_fidelity):
  torch = pytest.importorskip('torch')
  from torch_fidelity.metric_prc import calculate_precision_recall_full

  real, fake = normal(500), 0.8 * normal(600)
  real[:40] = fake[:40]
  theirs = calculate_precision_recall_full(torch.tensor(fake), torch.tensor(real), 3)
  ours = shares(hits(real, fake))
  assert [ours['precision'], ours['recall']] == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_hits_count_copies_and_ties_as_the_formulas_say(dtype):
  real, fake = (RNG.integers(0, 3, (n, 4)).astype(dtype) for n in (310, 350))
  ours = shares(hits(real, fake, k=3, near=4))
  for name, value in by_loops(real, fake, 3, 4).items():
    assert ours[name] == pytest.approx(value, abs=1e-12)


def test_shares_are_golden_numbers_of_prdc():
  rng = np.random.default_rng(7)
  real, fake = rng.normal(size=(400, 8)), rng.normal(0.3, 1.1, (400, 8))
  ours = shares(hits(real, fake, k=5, near=5))
  assert [ours[name] for name in NAMES] == pytest.approx([0.8425, 0.97, 0.7235, 0.8275])


def test_shares_of_the_same_set_are_whole():
  real = normal(200)
  found = shares(hits(real, real))
  assert [found[n] for n in ('precision', 'recall', 'coverage')] == [1, 1, 1]


def test_shares_of_one_distribution_are_what_theory_says():
  found = shares(hits(normal(700), normal(700)))
  assert found['density'] == pytest.approx(1, abs=4 * found['density_stderr'])
  n = m = 700
  expected = 1 - np.prod([(n - i) / (m + n - i) for i in range(1, 6)])  # Naeem et al., eq. 9
  assert found['coverage'] == pytest.approx(expected, abs=4 * found['coverage_stderr'])


def test_shares_of_a_collapsed_generator_have_no_recall():
  real = normal(600)
  found = shares(hits(real, 0.05 * normal(600)))
  assert found['precision'] == 1
  assert found['recall'] < 0.05
  assert found['coverage'] < 0.7


def test_shares_of_what_lies_elsewhere_are_0():
  found = shares(hits(normal(500), normal(500, shift=20)))
  assert [found[n] for n in NAMES] == [0, 0, 0, 0]


def test_hits_have_realism_that_falls_with_distance():
  real = normal(300, 2)
  fakes = np.float32([[0, 0], [6, 0], [30, 0], [30, 1], real[0]])
  found = hits(real, fakes, k=3, near=3).realism
  radius = np.sort(np.linalg.norm(real[:, None] - real[None], axis=-1), axis=1)[:, 3]
  small = radius <= np.median(radius)
  distance = np.linalg.norm(fakes[:, None] - real[None], axis=-1)
  with np.errstate(divide='ignore'):
    expected = np.max((radius / distance)[:, small], axis=1)
  np.testing.assert_allclose(found, expected, rtol=1e-4)
  assert found[0] > found[1] > found[2]


def test_shares_have_binomial_errors():
  found = shares(hits(normal(400), normal(300, shift=0.3)))
  for name, n in [('precision', 300), ('recall', 400), ('coverage', 400)]:
    p = found[name]
    assert found[f'{name}_stderr'] == pytest.approx(np.sqrt(p * (1 - p) / n))


def test_prdc_looks_at_both_and_says_how():
  real, fake = (RNG.integers(0, 256, (60, 4, 4, 1)).astype(np.uint8) for _ in range(2))
  found = prdc(
    sampler_of(fake), source_of(real), jax.random.key(0), n=60, features='pixels', near=3
  )
  expected = by_loops(real.reshape(60, -1) / 255, fake.reshape(60, -1) / 255, 3, 3)
  assert [found[n] for n in NAMES] == pytest.approx([expected[n] for n in NAMES])
  assert {'k', 'near', 'n_real', 'n_fake', 'features'} <= found['protocol'].keys()


def test_hits_refuse_too_few_and_broken_features():
  with refused('k=5'):
    hits(normal(5), normal(50))
  with refused('samples', 'nan', (50, 16)):
    hits(normal(50), np.full((50, 16), np.nan))
