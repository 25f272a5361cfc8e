"""Topological precision and recall: against the authors' package, loops, and what outliers do."""

import jax
import numpy as np
import pytest

from gan_jax.metrics import pairwise, topology
from gan_jax.metrics.topology import (
  densities,
  precision_recall,
  projection,
  support,
  top_pr,
  width,
)
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)


def two_sets():
  rng = np.random.RandomState(1)
  return rng.normal(size=(200, 6)), rng.normal(0.4, 1.1, (180, 6))


def as_drawn_by_numpy(sizes, seed=0):
  """The samples with replacement that the package takes, one set after the other."""
  rng = np.random.RandomState(seed)
  return [np.stack([rng.choice(np.arange(n), n) for _ in range(10)]) for n in sizes]


def ours(x, y):
  resampled = as_drawn_by_numpy([len(x), len(y)])
  return precision_recall(*(support(v, r) for v, r in zip((x, y), resampled, strict=True)))


def test_precision_recall_equals_the_package():
  package = pytest.importorskip('top_pr')
  x, y = (v.astype(np.float32) for v in two_sets())
  np.random.seed(0)  # noqa: NPY002  the package draws from it
  theirs = package.compute_top_pr(real_features=x, fake_features=y, random_proj=False)
  found = ours(x, y)
  assert found['fidelity'] == pytest.approx(theirs['fidelity'], abs=1e-9)
  assert found['diversity'] == pytest.approx(theirs['diversity'], abs=1e-9)
  assert found['top_pr'] == pytest.approx(theirs['Top_F1'], abs=1e-9)


def test_precision_recall_is_what_the_package_gave():
  """Of release 0.2.1."""
  assert ours(*two_sets()) == pytest.approx(GOLDEN, abs=1e-9)


GOLDEN = dict(top_pr=0.7737721048459836, fidelity=95 / 148, diversity=149 / 153)


def test_support_is_that_of_loops():
  x, _ = two_sets()
  x = x[:60, :3]
  (resampled,) = as_drawn_by_numpy([60])
  gap = np.sqrt(((x[:, None] - x[None]) ** 2).sum(-1))
  reach = sorted(sorted(gap[i, i + 1 :])[14] for i in range(45))
  h = reach[21]
  assert width(x) == pytest.approx(h)
  kernel = lambda d: np.cos(np.pi * d / 2 / h) if d <= h else 0.0
  density = lambda rows: np.array([np.mean([kernel(gap[i, j]) for j in rows]) for i in range(60)])
  whole = density(range(60))
  moved = [np.max(np.abs(density(rows) - whole)) for rows in resampled]
  found = support(x, resampled, 0.25)
  np.testing.assert_allclose(found.density, whole, atol=1e-9)
  assert found.band == pytest.approx(np.quantile(moved, 0.75))


def test_densities_do_not_depend_on_the_tiles(monkeypatch):
  x, y = two_sets()
  weight = RNG.random((180, 2))
  whole = densities(x, y, 2.0, weight)
  monkeypatch.setattr(pairwise, 'SIDE', 37)
  np.testing.assert_allclose(densities(x, y, 2.0, weight), whole)


def test_support_is_where_the_density_is_and_not_at_outliers():
  x = np.concatenate([RNG.normal(size=(600, 8)), RNG.uniform(4, 9, (12, 8))])[RNG.permutation(612)]
  found = support(x, RNG.integers(0, 612, (10, 612)))
  within, length = found.density > found.band, np.linalg.norm(x, axis=1)
  assert within[length < 2].all()
  assert 0.5 < np.mean(within) < 0.98
  assert not within[(x > 4).any(axis=1)].any()


def between(real, fake):
  both = [support(v, RNG.integers(0, len(v), (60, len(v)))) for v in (real, fake)]
  return precision_recall(*both)


def test_precision_recall_sees_modes_dropped_invented_and_outliers():
  modes = lambda n, *at: RNG.permutation(np.concatenate([RNG.normal(m, 0.3, (n, 8)) for m in at]))
  real = modes(200, 0, 5)
  same = between(real, modes(200, 0, 5))
  assert min(same.values()) > 0.75  # over seeds 0.92 and a deviation of 0.035
  dropped = between(real, modes(400, 0))
  assert dropped['fidelity'] > 0.9
  assert dropped['diversity'] == pytest.approx(0.5, abs=0.15)
  invented = between(real, modes(200, 0, 20))
  assert invented['fidelity'] == pytest.approx(0.5, abs=0.15)
  apart = between(real, modes(400, 50))
  assert apart == dict(top_pr=0, fidelity=0, diversity=0)
  out = RNG.uniform(-40, 40, (12, 8))
  noisy = between(RNG.permutation(np.concatenate([real, out])), modes(200, 0, 5))
  assert min(noisy.values()) > 0.75


def test_precision_recall_of_a_collapsed_set_is_1_and_0():
  real = RNG.normal(size=(300, 3))
  found = between(real, np.zeros((300, 3)))
  assert found['fidelity'] == 1
  assert found['diversity'] == 0
  assert found['top_pr'] == 0


def test_projection_keeps_distances_in_the_mean():
  x = RNG.normal(size=(40, 300))
  seen = x @ projection(300, RNG)
  assert seen.shape == (40, 32)
  assert np.mean(seen**2) * 32 == pytest.approx(300, rel=0.1)


def test_top_pr_sees_dark_images():
  image = lambda n: RNG.integers(0, 256, (n, 6, 6, 1)).astype(np.uint8)
  real = image(400)
  of = lambda fake: top_pr(
    sampler_of(fake), source_of(real), jax.random.key(0), features='pixels', n=400
  )
  same, dark = of(image(400)), of(image(400) // 2)
  assert same['top_pr'] > 0.7
  assert dark['top_pr'] < 0.5 * same['top_pr']
  assert same['protocol']['dimensions'] == 32


def test_width_refuses_too_few():
  with refused('17', 'not 16'):
    width(RNG.normal(size=(16, 3)))
  assert topology.width(RNG.normal(size=(17, 3))) > 0
