"""The shuffle: a permutation every epoch, the same on host and device, and a good one."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from gan_jax.data.order import order


def epoch(n, e=0, seed=0):
  return order(seed, np.arange(e * n, (e + 1) * n, dtype=np.uint32), n)


SIZES = [1, 2, 3, 4, 5, 7, 8, 13, 64, 100, 997, 1024, 4093, 60_000]


@pytest.mark.parametrize('n', SIZES)
def test_order_of_an_epoch_shows_every_example_once(n):
  for e, seed in ((0, 0), (1, 0), (17, 123), (2, 2**32 - 1)):
    shown = epoch(n, e, seed)
    assert shown.dtype == np.uint32
    np.testing.assert_array_equal(np.sort(shown), np.arange(n))


@pytest.mark.parametrize(('n', 'batch'), [(10, 4), (7, 16), (97, 10)])
def test_order_of_an_epoch_that_ends_within_a_batch_does_so_too(n, batch):
  rounds = 5 * n
  position = np.arange(rounds * batch, dtype=np.uint32).reshape(rounds, batch)
  shown = order(3, position, n).ravel()
  for e in range(rounds * batch // n):
    np.testing.assert_array_equal(np.sort(shown[e * n : (e + 1) * n]), np.arange(n))


def test_order_does_not_depend_on_what_else_is_asked():
  n, position = 997, np.arange(5000, dtype=np.uint32)
  all_at_once = order(5, position, n)
  one_by_one = [int(order(5, position[i : i + 1], n)[0]) for i in range(0, 5000, 251)]
  np.testing.assert_array_equal(all_at_once[::251], one_by_one)
  np.testing.assert_array_equal(order(5, position.reshape(50, 100), n).ravel(), all_at_once)


@pytest.mark.parametrize('n', [1, 3, 1797, 60_000])
def test_order_is_the_same_on_device_and_host_to_the_last_position(n):
  last = 2**32 - 1
  position = np.concatenate([np.arange(300), np.linspace(0, last, 300), last - np.arange(300)])
  position = position.astype(np.uint64).astype(np.uint32)
  seeds = (0, 7, 2**31, 2**32 - 1)
  each = jax.vmap(lambda word, p: order(word, p, n), (0, None))
  on_device = jax.jit(each)(jnp.array(seeds, jnp.uint32), position)
  for seed, found in zip(seeds, on_device, strict=True):
    np.testing.assert_array_equal(order(seed, position, n), found)
  last_seed = jax.jit(lambda p: order(-1, p, n))(position)  # an int, known when it is compiled
  np.testing.assert_array_equal(order(-1, position, n), last_seed)


def test_order_of_four_is_uniform_over_all_permutations():
  """24 orders of 4 examples, over 12,000 epochs; chi-square."""
  n, epochs = 4, 12_000
  shown = order(1, np.arange(n * epochs, dtype=np.uint32), n).reshape(epochs, n)
  names = {p: i for i, p in enumerate(itertools.permutations(range(n)))}
  counts = np.bincount([names[tuple(map(int, row))] for row in shown], minlength=24)
  assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize('n', [97, 1000])
def test_order_has_each_example_as_likely_at_each_place(n):
  epochs = 400
  shown = order(2, np.arange(n * epochs, dtype=np.uint32), n).reshape(epochs, n)
  tenth = lambda v: v * 10 // n
  table = np.zeros((10, 10))
  np.add.at(table, (tenth(np.broadcast_to(np.arange(n), shown.shape)), tenth(shown.astype(int))), 1)
  expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / table.sum()
  # Each epoch is without replacement, so this is a little less than chi-square with 81 degrees.
  assert np.sum((table - expected) ** 2 / expected) < stats.chi2(81).ppf(1 - 1e-4)


@pytest.mark.parametrize('lag', [1, 2, 3, 64])
def test_order_keeps_no_neighbours_of_the_set_together(lag):
  n = 20_000
  shown = epoch(n, 3, 11).astype(float)
  assert abs(np.corrcoef(shown[lag:], shown[:-lag])[0, 1]) < 4.5 / np.sqrt(n)
  gaps = (shown[lag:] - shown[:-lag]) % n * 20 // n
  assert stats.chisquare(np.bincount(gaps.astype(int), minlength=20)).pvalue > 1e-4


def test_order_of_epochs_and_seeds_is_independent():
  n = 20_000
  reference = epoch(n, 0, 0)
  for e, seed in [(1, 0), (2, 0), (1000, 0), (0, 1), (0, 2), (1, 1), (0, 2**31)]:
    other = epoch(n, e, seed)
    assert np.sum(other == reference) < 8  # Poisson of mean 1
    assert abs(np.corrcoef(reference, other)[0, 1]) < 4.5 / np.sqrt(n)
    shift = (other.astype(float) - reference) % n * 20 // n
    assert stats.chisquare(np.bincount(shift.astype(int), minlength=20)).pvalue > 1e-4


# Mended: epoch e of seed s + 0x9E3779B9 is epoch e + 1 of seed s. No small seeds are so related.
def test_order_of_small_seeds_never_shares_an_epoch():
  begins = np.uint32(50) * np.arange(15, dtype=np.uint32)[:, None] + np.arange(6, dtype=np.uint32)
  found = np.concatenate([order(seed, begins, 50) for seed in range(15)])  # of each epoch
  assert len(np.unique(found, axis=0)) == 225
