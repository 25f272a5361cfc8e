"""The data-copying test: its statistic against scipy's, honest samples and copies."""

import jax
import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm

from gan_jax.metrics.copying import Sets, c_t, cut, data_copying, rank_z
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)


def normal(n, d=8):
  return RNG.normal(size=(n, d)).astype(np.float32)


def by_loops(features, cells, least):
  """From eq. 4 and the authors' z, by scipy."""
  total, weight = 0.0, 0
  for cell in np.unique(cells.train):
    train, test, fake = (rows[of == cell] for rows, of in zip(features, cells, strict=True))
    if len(fake) < least:
      continue
    to_train = lambda x, t=train: np.linalg.norm(x[:, None] - t[None], axis=-1).min(1)
    m, n = len(fake), len(test)
    u = mannwhitneyu(to_train(fake), to_train(test)).statistic
    z = (u - (m * n / 2 - 0.5)) / np.sqrt(m * n * (m + n + 1) / 12)
    total, weight = total + len(test) * z, weight + len(test)
  return total / weight


def some(fake):
  """In four cells, by the signs of two numbers."""
  features = Sets(normal(300), normal(250), fake)
  return features, Sets(*(2 * (rows[:, 0] > 0) + (rows[:, 1] > 0) for rows in features))


def test_c_t_is_what_the_paper_says_with_given_cells():
  features, cells = some(normal(200))
  found = c_t(features, cells)
  doubles = Sets(*(rows.astype(np.float64) for rows in features))
  assert found.c_t == pytest.approx(by_loops(doubles, cells, 20), abs=1e-9)
  share = np.bincount(cells.test) / 250
  assert found.deviation == pytest.approx(np.sqrt(np.sum(share**2)))


def test_rank_z_is_scipys_but_for_ties():
  fake, test = RNG.random(31), RNG.random(44)
  theirs = mannwhitneyu(fake, test, alternative='less', method='asymptotic')
  assert norm.cdf(rank_z(fake, test)) == pytest.approx(theirs.pvalue, abs=1e-12)
  assert rank_z(np.ones(9), np.ones(9)) == pytest.approx(0.5 / np.sqrt(81 * 19 / 12))


def test_cut_makes_cells_by_k_means_of_the_training_features():
  features = Sets(*(normal(90) + 20 * np.repeat([[0], [1], [2]], 30, 0) for _ in range(3)))
  for of in cut(features, 3):
    np.testing.assert_array_equal(of, np.repeat(of[[0, 30, 60]], 30))
    np.testing.assert_array_equal(of, cut(features, 3).train)


def test_c_t_lets_honest_samples_pass_and_no_copies():
  honest = [c_t(*some(normal(200))) for _ in range(20)]
  z = np.array([found.c_t / found.deviation for found in honest])
  assert np.max(np.abs(z)) < 3.5
  assert abs(z.mean()) < 0.8
  features, cells = some(normal(200))
  copies = features.train[:200] + np.float32(0.01) * normal(200)
  found = c_t(features._replace(fake=copies), cells._replace(fake=cells.train[:200]))
  assert found.c_t < -5


def test_c_t_of_underfitting_is_far_above_zero():
  assert c_t(*some(2 * normal(200))).c_t > 5


def test_c_t_leaves_out_cells_of_few_samples():
  features, cells = some(normal(200))
  full = c_t(features, cells)
  fewer = cells._replace(fake=np.where(np.arange(200) < 190, cells.fake, 0))
  kept = c_t(features, cells._replace(fake=np.zeros(200, int)), least=1)
  assert np.isfinite(full.z).all()
  assert np.isfinite(c_t(features, fewer).z).all()
  assert np.isfinite(kept.z).tolist() == [True, False, False, False]
  assert kept.c_t == kept.z[0]
  assert kept.deviation == 1


def test_data_copying_notices_a_generator_that_replays_its_data():
  train, test, new = (RNG.integers(0, 256, (120, 4, 4, 1)).astype(np.uint8) for _ in range(3))
  of = lambda drawn: data_copying(
    sampler_of(drawn), source_of(train, test=test), jax.random.key(0), n=120, features='pixels',
    cells=2,
  )  # fmt: skip
  copies, honest = of(train), of(new)
  assert copies['data_copying'] < -5
  assert copies['p'] < 1e-6
  assert abs(honest['data_copying']) < 3
  assert honest['protocol']['held_out'] == 'test'
  assert honest['cells'] == 2


def test_c_t_refuses_cells_that_cannot_be_judged():
  features, cells = some(normal(200))
  with refused('cell 1 of 4', '0 held-out'):
    c_t(features, cells._replace(test=np.zeros(250, int)))
  with refused('4 cells', '500 samples'):
    c_t(features, cells, least=500)
