"""Our draws against `jax.random`'s, which have another program and must have the same numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.ops import random


@pytest.mark.parametrize('shape', [(), (1,), (5,), (64, 101), (3, 4, 5)])
def test_the_numbers_are_jax_randoms(shape):
  for seed in (0, 3):
    key = jax.random.fold_in(jax.random.key(seed), 7)
    np.testing.assert_array_equal(random.bits(key, shape), jax.random.bits(key, shape))
    np.testing.assert_array_equal(random.uniform(key, shape), jax.random.uniform(key, shape))
    np.testing.assert_allclose(  # a multiplication and an addition may be rounded once or twice
      random.uniform(key, shape, -3.0, 2.0),
      jax.random.uniform(key, shape, minval=-3.0, maxval=2.0),
      atol=5e-7,
    )
    ours, theirs = random.normal(key, shape), jax.random.normal(key, shape)
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)
    np.testing.assert_array_equal(
      random.bernoulli(key, 0.3, shape), jax.random.bernoulli(key, 0.3, shape)
    )


def test_under_vmap_each_key_draws_its_own():
  keys = jax.random.split(jax.random.key(9), 4)
  together = jax.vmap(lambda key: random.bits(key, (7,)))(keys)
  for key, row in zip(keys, together, strict=True):
    np.testing.assert_array_equal(row, jax.random.bits(key, (7,)))


def test_equal_draws_are_made_once():
  """What sharing noise between two players' losses rests on."""
  key = jax.random.key(0)
  w = jnp.ones((64, 64))
  once = jax.jit(lambda w: random.normal(key, (64, 64)) @ w)
  twice = jax.jit(lambda w: (random.normal(key, (64, 64)) @ w) * (random.normal(key, (64, 64)) @ w))
  count = lambda f: f.lower(w).compile().cost_analysis()['flops']
  assert count(twice) < 1.3 * count(once)
