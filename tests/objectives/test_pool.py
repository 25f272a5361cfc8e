"""The pool of images that were made before, against the authors' rule, image by image."""

import jax
import numpy as np
import pytest

from gan_jax.objectives.pool import query

ask = jax.jit(query)


def numbered(start, n):
  """n images of one pixel each, all different."""
  return np.arange(start, start + n, dtype=np.float32).reshape(n, 1, 1, 1)


def by_hand(pool, stored, fakes, shown):
  """What the pool must be afterwards, image by image, or None if that cannot have been shown."""
  pool = list(pool)
  for fake, seen in zip(fakes, shown, strict=True):
    if stored < len(pool):
      if seen != fake:
        return None
      pool[stored] = fake
    elif seen != fake:
      if seen not in pool:
        return None
      pool[pool.index(seen)] = fake
    stored += 1
  return pool


def test_query_fills_an_empty_pool_in_order_and_shows_what_comes():
  pool, first, last = np.zeros((5, 1, 1, 1), np.float32), numbered(1, 4), numbered(5, 1)
  shown, pool = ask(pool, 0, first, jax.random.key(0))
  np.testing.assert_array_equal(shown, first)
  np.testing.assert_array_equal(pool.ravel(), [1, 2, 3, 4, 0])
  shown, pool = ask(pool, 4, last, jax.random.key(1))
  np.testing.assert_array_equal(shown, last)
  np.testing.assert_array_equal(pool.ravel(), [1, 2, 3, 4, 5])


@pytest.mark.parametrize('batch', [1, 4, 7])  # 7 are more than the pool holds
def test_query_is_one_that_the_authors_pool_could_have_answered(batch):
  pool, stored, old = np.zeros((5, 1, 1, 1), np.float32), 0, 0
  for i in range(60):
    fakes = numbered(1 + i * batch, batch)
    shown, after = ask(pool, stored, fakes, jax.random.key(i))
    given = [np.ravel(a).tolist() for a in (pool, fakes, shown)]
    assert np.ravel(after).tolist() == by_hand(given[0], stored, *given[1:])
    old += int(np.sum(np.ravel(shown) != np.ravel(fakes)))
    pool, stored = after, stored + batch
  asked = 60 * batch - 5
  assert abs(old / asked - 0.5) < 4 * 0.5 / np.sqrt(asked)


def test_query_draws_from_every_place_of_the_pool():
  pool, fakes, drawn = numbered(0, 5), numbered(100, 4), set()
  for i in range(100):
    shown, _ = ask(pool, 5, fakes, jax.random.key(i))
    drawn |= set(np.ravel(shown).astype(int).tolist())
  assert set(range(5)) <= drawn <= {*range(5), *range(100, 104)}
