import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.objectives.pool import query


def numbered(start, n):
  """n images of one pixel each, all different."""
  return jnp.arange(start, start + n, dtype=jnp.float32).reshape(n, 1, 1, 1)


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


def test_an_empty_pool_is_filled_in_order_and_shows_what_comes():
  pool, fakes = jnp.zeros((5, 1, 1, 1)), numbered(1, 3)
  shown, pool = query(pool, 0, fakes, jax.random.key(0))
  np.testing.assert_array_equal(shown, fakes)
  np.testing.assert_array_equal(pool.ravel(), [1, 2, 3, 0, 0])
  shown, pool = query(pool, 3, numbered(4, 2), jax.random.key(1))
  np.testing.assert_array_equal(shown, numbered(4, 2))
  np.testing.assert_array_equal(pool.ravel(), [1, 2, 3, 4, 5])


@pytest.mark.parametrize('batch', [1, 4, 7])  # 7 are more than the pool holds
def test_every_query_is_one_that_the_authors_pool_could_have_answered(batch):
  pool, stored, old, ask = jnp.zeros((5, 1, 1, 1)), 0, 0, jax.jit(query)
  for i in range(60):
    fakes = numbered(1 + i * batch, batch)
    shown, after = ask(pool, stored, fakes, jax.random.key(i))
    given = [np.ravel(a).tolist() for a in (pool, fakes, shown)]
    assert np.ravel(after).tolist() == by_hand(given[0], stored, *given[1:])
    old += int(np.sum(np.ravel(shown) != np.ravel(fakes)))
    pool, stored = after, stored + batch
  asked = 60 * batch - 5
  assert abs(old / asked - 0.5) < 4 * 0.5 / np.sqrt(asked)


def test_every_place_of_the_pool_is_drawn_from():
  pool, fakes = numbered(0, 8), numbered(100, 400)
  shown, _ = query(pool, 8, fakes, jax.random.key(0))
  assert set(range(8)) <= set(np.ravel(shown).astype(int).tolist())
