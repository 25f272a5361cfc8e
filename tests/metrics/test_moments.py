"""Means and covariances from blocks, against those of all rows at once in float64."""

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from gan_jax import parallel
from gan_jax.metrics import moments as module
from gan_jax.metrics.frechet import distance
from gan_jax.metrics.moments import merge, merged, moments, read
from tests.messages import refused


def rows(n, d, seed=0, shift=0.0):
  rng = np.random.default_rng(seed)
  return (rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) / d**0.5 + shift).astype(np.float32)


def same(found, x, rel=1e-11):
  wide = x.astype(np.float64)
  scale = np.var(wide, axis=0).max()
  assert found.n == len(x)
  np.testing.assert_allclose(found.mean, wide.mean(0), rtol=1e-12)
  np.testing.assert_allclose(found.covariance, np.cov(wide, rowvar=False), atol=rel * scale)
  assert found.trace == pytest.approx(np.trace(np.cov(wide, rowvar=False)), rel=rel)


@pytest.mark.parametrize('sizes', [[1000], [1] * 5 + [995], [333, 333, 334], [999, 1], [1] * 1000])
@pytest.mark.parametrize('block', [64, 2048])
def test_moments_do_not_depend_on_the_blocks(monkeypatch, sizes, block):
  """With a mean a thousand deviations from 0, where sums of squares would cancel."""
  monkeypatch.setattr(module, 'BLOCK', block)
  x = rows(1000, 8, 3, shift=1000.0)
  found = merged(iter(np.split(x, np.cumsum(sizes)[:-1])))
  same(found, x)
  same(moments(x), x)
  other = moments(rows(1000, 8, 4, shift=1000.5))
  assert distance(found, other) == pytest.approx(distance(moments(x), other), rel=1e-8)


@pytest.mark.parametrize(('n', 'd'), [(2, 7), (6, 7), (7, 7), (8, 7), (5, 1)])
def test_moments_of_few_rows_keep_a_root(n, d):
  x = rows(n, d, shift=5.0)
  found = moments(x)
  wide = x.astype(np.float64)
  np.testing.assert_allclose(found.covariance, np.cov(wide, rowvar=False).reshape(d, d), atol=1e-13)
  if n <= d:
    assert found.dense is None
    assert found.root.shape == (n - 1, d)
  pieces = merged([x[:1], x[1:]])
  np.testing.assert_allclose(pieces.covariance, found.covariance, atol=1e-13)


@pytest.mark.parametrize(('n', 'm', 'd'), [(3, 4, 9), (6, 7, 9), (30, 4, 9), (30, 40, 9)])
def test_merge_joins_two_sets(n, m, d):
  x, y = rows(n, d, 1), rows(m, d, 2, shift=3.0)
  found = merge(moments(x), moments(y))
  same(found, np.concatenate([x, y]))
  assert (found.root is not None) == (n + m <= d)


def test_merged_takes_blocks_on_devices_too():
  x = rows(96, 6, shift=2.0)
  split = NamedSharding(parallel.mesh(32), PartitionSpec(parallel.AXIS))
  blocks = [jax.device_put(part, split) for part in np.split(x, 3)]
  same(merged(blocks), x)


def test_moments_of_rows_in_a_file_are_read_where_they_lie(tmp_path, monkeypatch):
  monkeypatch.setattr(module, 'BLOCK', 32)
  x = rows(100, 6)
  np.save(tmp_path / 'x.npy', x)
  same(moments(np.load(tmp_path / 'x.npy', mmap_mode='r')), x)


def test_moments_refuse_what_has_none(monkeypatch):
  bad = rows(50, 4)
  bad[3, 1] = np.nan
  bad[40] = np.inf
  for block in (8, 2048):
    monkeypatch.setattr(module, 'BLOCK', block)
    with refused('2 of 50 rows', 'nan'):
      moments(bad)
  with refused('1 of 4 rows', 'nan'):
    moments(bad[:4])
  for few in (bad[:1], bad[0], np.zeros((0, 4))):
    with refused('two or more rows'):
      moments(few)
  with refused('two or more rows'):
    merged([])
  with refused('of 4 and of 5'):
    merge(moments(rows(9, 4)), moments(rows(9, 5)))


def test_read_takes_statistics_of_other_packages(tmp_path):
  x, y = rows(500, 8, 1).astype(np.float64), rows(500, 8, 2)
  path = str(tmp_path / 'a.npz')
  np.savez(path, mu=x.mean(0), sigma=np.cov(x, rowvar=False))
  kept = read(path)
  assert kept.n == 0
  assert distance(kept, moments(y)) == pytest.approx(distance(moments(x), moments(y)), rel=1e-12)
  with refused('unknown number'):
    merge(kept, kept)
  np.savez(path, mu=x.mean(0), sigma=np.cov(x, rowvar=False), n=500)
  assert read(path).n == 500
  np.savez(path, mu=x.mean(0), sigma=np.zeros((3, 3)))
  with refused('a.npz', (8,), (3, 3)):
    read(path)
  np.savez(path, x=x)
  with refused('a.npz', 'mu', 'sigma'):
    read(path)
  with refused('b.npz', 'mu', 'sigma'):
    read(str(tmp_path / 'b.npz'))
