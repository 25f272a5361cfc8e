"""Distances tile by tile, against differences in float64; neighbours; counts at a radius.

Covers: metrics/nearest.py.
"""

import jax
import numpy as np
import pytest

from gan_jax.metrics import pairwise
from gan_jax.metrics.nearest import least, nearest, nearest_others
from gan_jax.metrics.pairwise import DEVICES, DOUBLE, SINGLE, flat, inside, parts, tiles, triangle
from tests.messages import refused

RNG = np.random.default_rng(0)
X = RNG.normal(3, 1, (137, 24)).astype(np.float32)
Y = RNG.normal(3, 1, (211, 24)).astype(np.float32)


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch):
  monkeypatch.setattr(pairwise, 'SIDE', 64)


def squares(x, y):
  return ((x[:, None].astype(np.float64) - y[None].astype(np.float64)) ** 2).sum(-1)


def whole(found, shape):
  out = np.full(shape, np.nan)
  for tile in found:
    out[tile.rows, tile.columns] = tile.square
  return out


@pytest.mark.parametrize(('product', 'error'), [(DEVICES, 2e-5), (SINGLE, 2e-5), (DOUBLE, 1e-12)])
def test_tiles_are_all_pairs_and_keep_their_word_about_rounding(product, error):
  assert len(jax.local_devices()) == 4  # over which rows are divided
  found = list(tiles(X, Y, product))
  assert len(found) == 3 * 4
  true = squares(X, Y)
  np.testing.assert_allclose(whole(found, true.shape), true, rtol=error)
  for tile in found:
    assert np.max(np.abs(tile.square - true[tile.rows, tile.columns])) < tile.slack
    i, j = np.arange(20), np.arange(20)[::-1]
    np.testing.assert_allclose(tile.exact(i, j), true[tile.rows, tile.columns][i, j], rtol=1e-14)


def test_tiles_lose_nothing_by_a_far_middle():
  far = [(v + 3e4).astype(np.float64) for v in (X, Y)]
  np.testing.assert_allclose(whole(tiles(*far), (137, 211)), squares(*far), rtol=2e-5)


def test_triangle_holds_every_pair_once():
  times = np.zeros((137, 137), int)
  for tile in triangle(X):
    times[tile.rows, tile.columns] += 1
    if tile.rows != tile.columns:
      times[tile.columns, tile.rows] += 1
  assert (times == 1).all()


def test_tiles_read_files_in_parts(tmp_path):
  held = np.memmap(tmp_path / 'x', np.float32, 'w+', shape=X.shape)
  held[:] = X
  np.testing.assert_allclose(whole(tiles(held, Y), (137, 211)), squares(X, Y), rtol=2e-5)


@pytest.mark.parametrize('compare', [np.less, np.less_equal])
def test_inside_decides_ties_as_in_float64(compare):
  x, y = (RNG.integers(0, 3, (n, 6)).astype(np.float32) for n in (70, 130))
  true, radius = squares(x, y), RNG.integers(0, 9, 130).astype(float)
  for tile in tiles(x, y):
    expected = compare(true[tile.rows, tile.columns], radius[None, tile.columns])
    np.testing.assert_array_equal(inside(tile, radius[None, tile.columns], compare), expected)


@pytest.mark.parametrize('k', [1, 3, 137])
def test_nearest_are_those_of_float64(k):
  found, true = nearest(Y, X, k), squares(Y, X)
  order = np.argsort(true, axis=1)[:, :k]
  np.testing.assert_array_equal(found.row, order)
  np.testing.assert_allclose(found.square, np.take_along_axis(true, order, 1), rtol=1e-14)


def test_nearest_others_are_not_oneself():
  found, true = nearest_others(X, 4), squares(X, X)
  np.fill_diagonal(true, np.inf)
  np.testing.assert_array_equal(found.row, np.argsort(true, axis=1)[:, :4])
  np.testing.assert_allclose(found.distance, np.sqrt(np.sort(true, axis=1)[:, :4]), rtol=1e-14)


def test_nearest_others_are_told_apart_where_float32_cannot():
  base = RNG.normal(size=(4, 24))
  x = np.repeat(base, 30, axis=0) + 1e-6 * RNG.normal(size=(120, 24))
  found, true = nearest_others(x, 3), squares(x, x)
  np.fill_diagonal(true, np.inf)
  np.testing.assert_array_equal(found.row, np.argsort(true, axis=1)[:, :3])
  copies = nearest_others(np.repeat(base, 30, axis=0).astype(np.float32), 29)
  assert (copies.square == 0).all()
  assert (copies.row // 30 == np.arange(120)[:, None] // 30).all()


def test_tiles_of_long_rows_are_smaller(monkeypatch):
  monkeypatch.setattr(pairwise, 'SIDE', 2048)
  short, long = (np.ones((200, d), np.float32) for d in (2, 2**14))
  assert [len(list(tiles(x, x, SINGLE))) for x in (short, long)] == [1, 4]


def test_nearest_others_are_blind_to_order_tiles_and_devices(monkeypatch):
  order = RNG.permutation(137)
  found = nearest_others(X, 3)
  monkeypatch.setattr(pairwise, 'SMALL', 0)
  np.testing.assert_array_equal(nearest_others(X[order], 3).square, found.square[order])
  monkeypatch.setattr(pairwise, 'SIDE', 1000)
  for one, other in zip(nearest_others(X, 3), found, strict=True):
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(('columns', 'm'), [(7, 7), (100, 3), (333, 5), (640, 1)])
def test_least_is_of_rows_and_of_columns(columns, m):
  a = RNG.normal(size=(50, columns)).astype(np.float32)
  for b in (a, np.ascontiguousarray(a.T).T):
    value, column = least(b, m)
    np.testing.assert_array_equal(np.sort(value, 1), np.sort(a, 1)[:, :m])
    np.testing.assert_array_equal(np.take_along_axis(a, column, 1), value)


def test_parts_are_of_nearly_one_size_and_cover_all():
  assert [p.stop - p.start for p in parts(137, 64)] == [46, 46, 45]
  assert np.concatenate([np.arange(137)[p] for p in parts(137, 10)]).tolist() == list(range(137))
  assert parts(0, 9) == []


def test_tiles_and_nearest_refuse_what_has_no_distances():
  with refused('of 24 and of 23'):
    list(tiles(X, Y[:, :23]))
  with refused('nan', (1, 2)):
    flat(np.array([[0.0, np.nan]]))
  with refused('N > 0', (0, 3)):
    flat(np.zeros((0, 3)))
  with refused('k=138', '137 rows'):
    nearest(Y, X, 138)
  with refused('k=1', '0 rows'):
    nearest_others(X[:1])
