"""IMD: against piq's estimates, graphs whose eigenvalues are known, and shapes."""

import jax
import numpy as np
import pytest

from gan_jax.metrics.imd import TIMES, distance, eigenvalues, heat_trace, imd
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)


def test_heat_trace_is_what_piq_estimates(torch_fidelity):
  piq = pytest.importorskip('piq.msid')
  x, y = RNG.normal(size=(150, 5)), RNG.normal(size=(150, 5)) ** 3
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(np.random, 'randn', np.random.RandomState(0).randn)
    theirs = np.array([[piq._msid_descriptor(v, niters=400) for v in (x, y)] for _ in range(12)])
  ours = [heat_trace(eigenvalues(v)) for v in (x, y)]
  mean, error = theirs.mean(axis=0), theirs.std(axis=0, ddof=1) / np.sqrt(12)
  for i in range(2):
    assert np.all(np.abs(1e6 * ours[i] - mean[i]) < 4 * error[i] + 1e-5 * mean[i])
  assert np.all(error < 3e-2 * mean)  # else that would say little
  apart = np.array([distance(a / 1e6, b / 1e6) for a, b in theirs])
  assert distance(*ours) == pytest.approx(apart.mean(), abs=3 * apart.std())


def test_eigenvalues_of_a_circle_are_known():
  """With two neighbours each, points on a circle are a ring: 1 - cos(2 pi j / n)."""
  n = 30
  angle = 2 * np.pi * np.arange(n) / n
  found = eigenvalues(np.stack([np.cos(angle), np.sin(angle)], axis=1), 2)
  np.testing.assert_allclose(np.sort(found), np.sort(1 - np.cos(angle)), atol=1e-12)


def test_eigenvalues_are_of_the_graph_of_neighbours():
  x = RNG.normal(size=(40, 3))
  gap = np.linalg.norm(x[:, None] - x[None], axis=-1)
  expected = np.zeros((40, 40))
  for i in range(40):
    for j in np.argsort(gap[i])[1:5]:
      expected[i, j] = expected[j, i] = 1
  degree = expected.sum(1)
  laplacian = np.diag(degree) - expected
  values = np.linalg.eigvals(np.diag(1 / degree) @ laplacian).real
  np.testing.assert_allclose(eigenvalues(x, 4), np.sort(values), atol=1e-10)


def test_heat_trace_and_distance_have_known_answers():
  assert heat_trace(np.zeros(4)) == pytest.approx(np.ones(256))
  assert heat_trace(np.array([0.0, 1.0]))[0] == pytest.approx((1 + np.exp(-0.1)) / 2)
  a, b = np.ones(256), np.zeros(256)
  assert distance(a, b) == pytest.approx(1e6 * np.exp(-4), rel=1e-3)  # at t = 1
  assert distance(a, a) == 0
  assert TIMES[[0, -1]] == pytest.approx([0.1, 10])


def test_distance_sees_shape_and_not_place():
  of = lambda x: heat_trace(eigenvalues(x))
  x = RNG.normal(size=(200, 4))
  turn = np.linalg.qr(RNG.normal(size=(4, 4)))[0]
  assert distance(of(x), of(3 * x @ turn + 5)) == pytest.approx(0, abs=1e-6)
  same = distance(of(x), of(RNG.normal(size=(200, 4))))
  flat = RNG.normal(size=(200, 4)) * [1, 1e-3, 1e-3, 1e-3]  # a line
  assert distance(of(x), of(flat)) > 5 * same


def test_imd_sees_a_line_and_no_copies():
  real = RNG.integers(0, 256, (120, 4, 4, 1)).astype(np.uint8)
  line = np.broadcast_to(RNG.integers(0, 256, (60, 1, 1, 1)), (60, 4, 4, 1)).astype(np.uint8)
  of = lambda fake: imd(
    sampler_of(fake), source_of(real), jax.random.key(0), n=500, features='pixels'
  )
  worse = of(line)
  assert worse['imd'] > 3 * worse['real'] > 0
  assert of(real[::2])['imd'] == 0
  assert worse['protocol']['n_fake'] == 60


def test_eigenvalues_refuse_too_few():
  with refused('k=5'):
    eigenvalues(RNG.normal(size=(5, 2)))
