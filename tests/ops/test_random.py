"""Our draws against `jax.random`'s, which have another program and must have the same numbers."""

import jax
import numpy as np
import pytest

from gan_jax.ops import random


@pytest.mark.parametrize('shape', [(), (1,), (5,), (64, 101), (3, 4, 5)])
def test_draws_are_the_numbers_of_jax_random(shape):
  def draws(of, key, **between):
    return dict(
      bits=of.bits(key, shape),
      uniform=of.uniform(key, shape),
      between=of.uniform(key, shape, **between),
      normal=of.normal(key, shape),
      bernoulli=of.bernoulli(key, 0.3, shape),
    )

  ours_of = jax.jit(lambda key: draws(random, key, low=-3.0, high=2.0))
  theirs_of = jax.jit(lambda key: draws(jax.random, key, minval=-3.0, maxval=2.0))
  for seed in (0, 3):
    key = jax.random.fold_in(jax.random.key(seed), 7)
    ours, theirs = ours_of(key), theirs_of(key)
    for name in ('bits', 'uniform', 'bernoulli'):
      np.testing.assert_array_equal(ours[name], theirs[name])
    # A multiplication and an addition may be rounded once or twice.
    np.testing.assert_allclose(ours['between'], theirs['between'], atol=5e-7)
    np.testing.assert_allclose(ours['normal'], theirs['normal'], rtol=2e-5, atol=1e-6)


def test_bits_under_vmap_are_of_each_key_its_own():
  keys = jax.random.split(jax.random.key(9), 4)
  together = jax.jit(jax.vmap(lambda key: random.bits(key, (7,))))(keys)
  theirs = jax.jit(lambda keys: [jax.random.bits(key, (7,)) for key in keys])(keys)
  np.testing.assert_array_equal(together, theirs)


def test_normal_draws_equal_numbers_once():
  """What sharing noise between two players' losses rests on."""
  key = jax.random.key(0)
  w = np.ones((64, 64), np.float32)
  once = jax.jit(lambda w: random.normal(key, (64, 64)) @ w)
  twice = jax.jit(lambda w: (random.normal(key, (64, 64)) @ w) * (random.normal(key, (64, 64)) @ w))
  count = lambda f: f.lower(w).compile().cost_analysis()['flops']
  assert count(twice) < 1.3 * count(once)
