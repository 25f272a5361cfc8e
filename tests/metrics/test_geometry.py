"""The geometry score: against piq's, known barcodes, and shapes whose holes are known."""

import sys

import jax
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gan_jax.metrics.geometry import (
  distances,
  geometry,
  living_times,
  loops,
  mean_living_times,
  reach,
  score,
)
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)


def circle(n, noise=0.02):
  angle = RNG.uniform(0, 2 * np.pi, n)
  return np.stack([np.cos(angle), np.sin(angle)], 1) + noise * RNG.normal(size=(n, 2))


def disc(n):
  return circle(n, 0) * np.sqrt(RNG.random((n, 1)))


def draws(n, times=6, landmarks=32):
  return RNG.integers(0, n, (times, landmarks))


@pytest.mark.filterwarnings('ignore')
def test_loops_and_living_times_equal_piqs(torch_fidelity):
  pytest.importorskip('gudhi')
  piq = pytest.importorskip('piq.gs')
  x = RNG.normal(size=(300, 5))
  rows = RNG.integers(0, 300, 32)
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(np.random, 'seed', lambda: None)
    patch.setattr(np.random, 'choice', lambda n, size: rows)
    theirs, end = piq.witness(x, 32, 1 / 128)
    found, own_end = loops(distances(x)[:, rows], 1 / 128)
    assert own_end == pytest.approx(end, rel=1e-12)
    np.testing.assert_allclose(found, theirs, rtol=1e-9)
    assert len(found) > 2
    expected = piq.relative(theirs, end)
    np.testing.assert_allclose(living_times(found, own_end), expected, atol=1e-12)
    default = piq.GS(sample_size=32)
    default.features = x
    found = mean_living_times(x, rows[None])
    np.testing.assert_allclose(found[0], default._relative_living_times(0), atol=1e-9)
  assert reach(5000) == 1 / 128


def test_distances_equal_scipys_also_of_copies():
  x = (1000 + RNG.normal(size=(60, 8))).astype(np.float32)
  x[7], x[9] = x[3], np.nextafter(x[3], np.float32(np.inf))
  found, expected = distances(x), cdist(x, x)
  np.testing.assert_allclose(found, expected, rtol=1e-9)
  assert found[7, 3] == 0
  x[30:] += 1e6  # far apart, and alike
  np.testing.assert_allclose(distances(x), cdist(x, x), rtol=1e-9)


def test_living_times_of_known_barcodes():
  found = living_times(np.array([[1.0, 3.0], [2.0, np.inf]]), 5.0, 4)
  assert found == pytest.approx([0.2, 0.6, 0.2, 0])  # 0-1 none; 1-2 and 3-5 one; 2-3 two
  assert living_times(np.zeros((0, 2)), 5.0, 3) == pytest.approx([1, 0, 0])
  assert living_times(np.array([[0.0, 1.0], [1.0, 2.0]]), 4.0, 3) == pytest.approx([0.5, 0.5, 0])
  assert living_times(np.zeros((0, 2)), 0.0, 2) == pytest.approx([1, 0])
  three = np.tile([0.0, 1.0], (3, 1))
  assert living_times(three, 2.0, 2) == pytest.approx(
    [0.5, 0]
  )  # three are more than are told apart


def test_living_times_are_those_of_a_loop():
  births = RNG.random(20)
  bars = np.stack([births, births + RNG.random(20)], axis=1)
  times = np.linspace(0, 1, 100_001)[:-1]
  alive = ((bars[:, :1] <= times) & (times < bars[:, 1:])).sum(axis=0)
  expected = np.bincount(alive, minlength=30) / len(times)
  np.testing.assert_allclose(living_times(bars, 1.0, 30), expected, atol=3e-4)


def test_score_is_of_means():
  a, b = np.array([[1.0, 0], [0, 1]]), np.array([[1.0, 0]])
  assert score(a, b) == pytest.approx(0.5)
  assert score(a, a) == 0


def test_mean_living_times_see_the_hole_of_a_circle():
  pytest.importorskip('gudhi')
  # Distances are let grow until all but the hole is filled.
  of = lambda x: mean_living_times(x, draws(len(x)), 0.1)
  ring, other, full = of(circle(300)), of(circle(300)), of(disc(300))
  assert ring.mean(axis=0)[1] > 0.6
  assert full.mean(axis=0)[0] > 2 * ring.mean(axis=0)[0]
  assert score(ring, full) > 10 * score(ring, other)
  np.testing.assert_allclose(ring.sum(axis=1), 1)
  turned = np.array([[0.6, -0.8], [0.8, 0.6]])
  x, rows = circle(300), draws(300)
  moved = mean_living_times(3 * x @ turned + 7, rows, 0.1)
  np.testing.assert_allclose(moved, mean_living_times(x, rows, 0.1), atol=1e-9)


def test_geometry_sees_a_hole_and_collapse():
  pytest.importorskip('gudhi')
  shown = lambda points: np.clip(128 + 60 * points, 0, 255).astype(np.uint8)[:, :, None, None]
  of = lambda points: geometry(
    sampler_of(shown(points)), source_of(shown(circle(600))), jax.random.key(0),
    n=300, landmarks=24, draws=5, gamma=0.1,
  )  # fmt: skip
  same, full, one = of(circle(300)), of(disc(300)), of(np.zeros((300, 2)))
  assert full['geometry'] > 10 * max(same['geometry'], same['real'])
  assert same['holes'] == pytest.approx(1, abs=0.2)
  assert one['holes'] == 0
  assert one['geometry'] > 10 * same['real']
  assert same['protocol']['landmarks'] == 24


def test_geometry_refuses_few_images_nan_and_no_gudhi(monkeypatch):
  pytest.importorskip('gudhi')
  few = np.zeros((4, 2, 2, 1), np.uint8)
  with refused("'train' has 4 images", '6 or more'):
    geometry(sampler_of(few), source_of(few), jax.random.key(0))
  with refused('nan', (9, 2)):
    mean_living_times(np.full((9, 2), np.nan), draws(9))
  monkeypatch.setitem(sys.modules, 'gudhi', None)
  with refused("pip install 'gan_jax[metrics]'"):
    loops(np.ones((9, 3)))
