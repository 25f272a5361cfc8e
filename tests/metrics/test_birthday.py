"""The birthday test finds how many images there are, where that is known."""

import jax
import numpy as np
import pytest

from gan_jax.metrics import pairwise
from gan_jax.metrics.birthday import alike, birthday, support
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)


def meetings(size, n, weights=None):
  """How many others are like each of n draws from `size` images."""
  drawn = RNG.choice(size, n, p=weights)
  return np.bincount(drawn, minlength=size)[drawn] - 1


def test_alike_counts_pairs_as_a_loop_does(monkeypatch):
  monkeypatch.setattr(pairwise, 'SIDE', 50)
  x = RNG.integers(0, 3, (130, 5)).astype(np.float32)
  expected = (((x[:, None] - x[None]) ** 2).sum(-1) <= 2).sum(1) - 1
  np.testing.assert_array_equal(alike(x, np.sqrt(2)), expected)


@pytest.mark.parametrize('size', [100, 10_000])
def test_support_is_within_its_interval(size):
  found = [support(meetings(size, 1000)) for _ in range(60)]
  within = np.mean([one.low <= size <= one.high for one in found])
  assert within >= 0.88  # of 95%
  assert np.median([one.size for one in found]) == pytest.approx(size, rel=0.15)


def test_support_has_the_batch_of_even_odds_of_birthdays():
  exact = lambda s, size: 1 - np.prod(1 - np.arange(s) / size)
  one = support(np.repeat([1, 0], [20, 980]))
  for size in (one.size,):
    s = int(one.batch)
    assert exact(s, size) < 0.503
    assert exact(s + 2, size) > 0.497
  assert exact(118, 10_000) == pytest.approx(0.49994, abs=1e-5)


def test_support_of_unequal_images_is_their_effective_number():
  weights = np.repeat([0.5 / 10, 0.5 / 1000], [10, 1000])
  found = [support(meetings(1010, 1500, weights)) for _ in range(40)]
  size = 1 / np.sum(weights**2)
  assert np.median([one.size for one in found]) == pytest.approx(size, rel=0.1)
  assert np.mean([one.low <= size <= one.high for one in found]) >= 0.85
  even = support(np.full(1500, round(1500 / size)))
  assert found[0].high / found[0].low > even.high / even.low


def test_support_has_a_bound_from_below_if_none_are_alike():
  found = support(np.zeros(1000, int))
  assert found.size == found.high == np.inf
  assert found.low == pytest.approx(1000 * 999 / 2 / 3.6889, rel=1e-4)  # chi2(2) at 97.5%, halved


def test_birthday_finds_a_generator_of_forty_images():
  images = RNG.integers(0, 256, (300, 4, 4, 1)).astype(np.uint8)
  drawn = RNG.integers(0, 256, (40, 4, 4, 1)).astype(np.uint8)[RNG.integers(0, 40, 300)]
  found = birthday(
    sampler_of(drawn), source_of(images), jax.random.key(0), n=300, features='pixels'
  )
  assert found['low'] < 40 < found['high']
  assert found['birthday'] == pytest.approx(40, rel=0.2)
  assert found['real'] > 1000
  assert found['threshold'] > 0
  by_hand = birthday(
    sampler_of(drawn), source_of(images), jax.random.key(0), n=300, features='pixels', threshold=0
  )
  assert by_hand['pairs'] == found['pairs']


def test_support_refuses_one_draw():
  with refused('1 draws', '2 or more'):
    support(np.zeros(1, int))
