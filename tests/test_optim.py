"""The papers' optimisers against loops in plain Python and float64."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import config, optim
from tests.messages import refused


def built(*links):
  spec = links[0] if len(links) == 1 else dict(name='chain', links=links)
  return config.build(spec, 'optim')


def run(tx, start, grads, project=lambda params: None):
  """The weights after each of `grads`, and a look at each."""
  step = jax.jit(lambda p, s, g: _moved(tx, p, s, g))
  params, out = start, []
  state = tx.init(start)
  for grad in grads:
    params, state = step(params, state, grad)
    project(params)
    out.append(params)
  return out


def _moved(tx, params, state, grad):
  updates, state = tx.update(grad, state, params)
  return optax.apply_updates(params, updates), state


def test_heavy_ball_is_the_2014_loop_of_falling_rate_rising_momentum():
  """pylearn2: v <- m v - lr g, p <- p + v; lr /= factor after each batch, m by whole epochs."""
  epochs, batches, factor = 5, 7, 1.05
  grads = np.random.default_rng(0).normal(size=(epochs * batches, 4))
  p, v, lr, expected = np.ones(4), np.zeros(4), 0.1, []
  for epoch in range(epochs):
    m = 0.5 + 0.2 * min(epoch / 3, 1)  # saturates in epoch 4
    for batch in range(batches):
      v = m * v - lr * grads[epoch * batches + batch]
      p = p + v
      lr = max(lr / factor, 0.03)
      expected.append(p)
  tx = built(
    dict(
      name='heavy_ball',
      learning_rate=dict(name='inverse_power', initial=0.1, factor=factor, floor=0.03),
      momentum=dict(name='ramp', start=0.5, end=0.7, epochs=4, moves_per_epoch=batches),
    )
  )
  found = run(tx, jnp.ones(4), jnp.float32(grads))
  np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)


def test_heavy_ball_takes_plain_numbers_and_then_is_optax_sgd():
  grads = jnp.float32(np.random.default_rng(1).normal(size=(9, 3)))
  ours = run(optim.heavy_ball(0.1, 0.9), jnp.zeros(3), grads)
  theirs = run(optax.sgd(0.1, momentum=0.9), jnp.zeros(3), grads)
  np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


def test_inverse_power_is_right_over_three_million_moves():
  rate = optim.inverse_power(0.1)
  t = np.concatenate([np.arange(1000), np.linspace(1000, 3_000_000, 500).astype(int)])
  exact = np.maximum(0.1 * np.exp(-t * math.log1p(4e-6)), 1e-6)
  np.testing.assert_allclose(jax.jit(rate)(jnp.int32(t)), exact, rtol=3e-6)


def test_inverse_power_reaches_its_floor_after_2_88_million_moves():
  rate = optim.inverse_power(0.1)
  assert rate(jnp.int32(2_870_000)) > 1e-6
  assert rate(jnp.int32(2_880_000)) == np.float32(1e-6)
  np.testing.assert_allclose(rate(jnp.int32(125_000)) / 0.1, 0.607, atol=5e-4)  # 250 epochs of 500


def test_ramp_of_2014_rises_from_epoch_1_to_epoch_250():
  m = optim.ramp(0.5, 0.7, 250, 500)
  at = lambda epoch, batch=0: float(m(jnp.int32((epoch - 1) * 500 + batch)))
  assert at(1) == at(1, 499) == 0.5
  np.testing.assert_allclose([at(2), at(126), at(249)], [0.5 + 0.2 / 249, 0.6 + 0.1 / 249,
                                                        0.7 - 0.2 / 249], rtol=1e-6)  # fmt: skip
  np.testing.assert_allclose([at(250), at(1000)], 0.7, rtol=1e-7)
  assert at(249, 499) < 0.6995


# Mended: 0 / 0. `ramp` of one epoch is `end` from the first move on, not NaN.
def test_ramp_of_one_epoch_is_a_number():
  assert float(optim.ramp(0.5, 0.7, 1, 10)(jnp.int32(3))) == pytest.approx(0.7)


def tree(seed):
  rng = np.random.default_rng(seed)
  return {
    'dense': {'kernel': jnp.float32(rng.normal(size=(5, 3))), 'bias': jnp.float32([3, -4, 5])},
    'conv': {'kernel': jnp.float32(rng.normal(size=(2, 2, 3, 4)))},
    'norm': {'scale': jnp.float32([9, 9]), 'bias': jnp.zeros(2)},
  }


def test_clip_weights_holds_on_every_leaf_after_every_move():
  tx = built(dict(name='rmsprop', learning_rate=5e-3), dict(name='clip_weights', limit=0.01))
  # To one rounding of the weight before the move, since a link hands on a difference.
  within = lambda params: [np.testing.assert_array_less(np.abs(p), 0.01 + 1e-6)
                           for p in jax.tree.leaves(params)]  # fmt: skip
  *_, last = run(tx, tree(0), [tree(i) for i in range(1, 6)], within)
  assert max(float(jnp.max(jnp.abs(p))) for p in jax.tree.leaves(last)) > 0.0099


def test_clip_weights_leaves_weights_within_the_limit_where_they_are():
  grads = [jax.tree.map(lambda g: 1e-3 * g, tree(i)) for i in range(3)]
  start = jax.tree.map(lambda p: 1e-2 * p, tree(9))
  plain = run(optax.sgd(0.1), start, grads)
  clipped = run(optax.chain(optax.sgd(0.1), optim.clip_weights(100.0)), start, grads)
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), plain, clipped)


def test_max_norm_holds_on_the_weights_into_each_unit_alone():
  limit, grads = 1.5, [tree(i) for i in range(1, 6)]
  tx = built(dict(name='sgd', learning_rate=0.5), dict(name='max_norm', limit=limit))
  seen = []

  def within(params):
    for layer in ('dense', 'conv'):
      w = np.float64(params[layer]['kernel'])
      norms = np.linalg.norm(w.reshape(-1, w.shape[-1]), axis=0)
      assert np.all(norms < limit * (1 + 1e-6))
      seen.extend(norms)

  found = run(tx, tree(0), grads, within)
  assert any(n > limit * (1 - 1e-6) for n in seen), 'the limit was never met'
  assert any(n < limit * 0.95 for n in seen), 'units within the limit stay inside'
  free = run(optax.sgd(0.5), tree(0), grads)
  for layer, leaf in (('dense', 'bias'), ('norm', 'scale'), ('norm', 'bias')):
    np.testing.assert_allclose(found[-1][layer][leaf], free[-1][layer][leaf], rtol=1e-6)


def test_max_norm_only_shortens_and_does_not_turn():
  start = {'kernel': jnp.float32([[3.0, 0.1], [4.0, 0.2]])}
  (moved,) = run(
    optim.chain([optax.sgd(0.0), optim.max_norm(1.0)]), start, [jax.tree.map(jnp.zeros_like, start)]
  )
  np.testing.assert_allclose(moved['kernel'], [[0.6, 0.1], [0.8, 0.2]], rtol=1e-6)


def adam(p, g, m, v, t, lr=0.01, b1=0.5, b2=0.999):
  m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
  return p - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + 1e-8), m, v


def test_chain_of_decay_and_adam_decays_in_the_moments_unlike_adamw():
  """The DCGAN authors' regularisation: the decayed gradient is what Adam sees."""
  decay, grads = 0.3, np.random.default_rng(3).normal(size=(6, 4))
  p, m, v = np.array([2.0, -1.0, 0.5, 4.0]), np.zeros(4), np.zeros(4)
  start = jnp.float32(p)
  for t, g in enumerate(grads, 1):
    p, m, v = adam(p, g + decay * p, m, v, t)
  links = (
    dict(name='add_decayed_weights', weight_decay=decay),
    dict(name='adam', learning_rate=0.01, b1=0.5),
  )
  coupled = run(built(*links), start, jnp.float32(grads))[-1]
  np.testing.assert_allclose(coupled, p, rtol=1e-5)
  adamw = dict(name='adamw', learning_rate=0.01, b1=0.5, weight_decay=decay)
  decoupled = run(built(adamw), start, jnp.float32(grads))[-1]
  assert np.max(np.abs(coupled - decoupled)) > 1e-3


def test_rmsprop_of_tensorflow_starts_at_one_with_epsilon_in_root():
  grads = np.random.default_rng(4).normal(size=(6, 4))
  p, v = np.ones(4), np.ones(4)
  for g in grads:
    v = 0.9 * v + 0.1 * g**2
    p = p - 0.01 * g / np.sqrt(v + 1e-10)
  tx = built(dict(name='rmsprop', learning_rate=0.01, decay=0.9, eps=1e-10, initial_scale=1.0))
  np.testing.assert_allclose(run(tx, jnp.ones(4), jnp.float32(grads))[-1], p, rtol=1e-5)


def test_rmsprop_of_torch_starts_at_zero_with_epsilon_off_the_root():
  grads = np.random.default_rng(4).normal(size=(6, 4))
  p, v = np.ones(4), np.zeros(4)
  for g in grads:
    v = 0.99 * v + 0.01 * g**2
    p = p - 5e-5 * g / (np.sqrt(v) + 1e-8)
  spec = dict(name='rmsprop', learning_rate=5e-5, decay=0.99, eps=1e-8, eps_in_sqrt=False)
  np.testing.assert_allclose(run(built(spec), jnp.ones(4), jnp.float32(grads))[-1], p, rtol=1e-6)


def test_multisteps_wraps_an_optimiser_and_moves_by_the_mean():
  grads = jnp.float32(np.random.default_rng(5).normal(size=(6, 4)))
  spec = dict(name='MultiSteps', opt=dict(name='sgd', learning_rate=0.1), every_k_schedule=3)
  found = run(built(spec), jnp.zeros(4), grads)
  np.testing.assert_array_equal(found[1], 0)
  np.testing.assert_allclose(found[-1], -0.1 * (grads[:3].mean(0) + grads[3:].mean(0)), rtol=1e-5)


# --- decay of some weights ------------------------------------------------------------------------


def test_decay_of_pulls_the_named_weights_alone():
  layer = lambda: {'kernel': jnp.full((2, 2), 3.0), 'bias': jnp.full(2, 3.0)}
  params = {'D': {'Dense_1': layer(), 'Dense_10': layer()}, 'E': {'Dense_1': layer()}}
  none = jax.tree.map(jnp.zeros_like, params)
  for at, moved in {
    'D/Dense_1/kernel': ['D/Dense_1/kernel'],
    'D/Dense_1': ['D/Dense_1/bias', 'D/Dense_1/kernel'],
    'E': ['E/Dense_1/bias', 'E/Dense_1/kernel'],
  }.items():
    tx = built(dict(name='decay_of', at=at, weight_decay=0.1), dict(name='sgd', learning_rate=1.0))
    (after,) = run(tx, params, [none])
    found = {
      '/'.join(key.key for key in path): float(p.ravel()[0])
      for path, p in jax.tree_util.tree_leaves_with_path(after)
    }
    assert sorted(name for name, p in found.items() if p != 3) == moved
    np.testing.assert_allclose([found[name] for name in moved], 2.7, rtol=1e-6)


def test_decay_of_refuses_absent_weights_with_those_there_are():
  tx = optim.decay_of('D/Dense_2', 0.1)
  with refused("'D/Dense_2'", 'D/Dense_0'):
    tx.init({'D': {'Dense_0': {'kernel': jnp.ones((2, 2))}}})


def test_historical_averaging_pulls_to_the_mean_of_weights_so_far():
  grads = np.random.default_rng(0).normal(size=(12, 4))
  p, past, expected = np.ones(4), [], []
  for g in grads:
    past.append(p)
    p = p - 0.1 * (g + 2 * 0.3 * (p - np.mean(past, axis=0)))
    expected.append(p)
  tx = built(dict(name='historical_averaging', weight=0.3), dict(name='sgd', learning_rate=0.1))
  found = run(tx, jnp.ones(4), jnp.float32(grads))
  np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


# --- R3GAN's schedules ----------------------------------------------------------------------------


def test_cosine_ramp_is_the_authors_formula_and_stays_at_its_end():
  base, final, total = 2e-4, 5e-5, 40
  t = np.arange(60)
  decay = 0.5 * (1 + np.cos(np.pi * np.minimum(t, total) / total))
  ramp = built(dict(name='cosine_ramp', start=base, end=final, rounds=total))
  np.testing.assert_allclose(ramp(jnp.int32(t)), base + (1 - decay) * (final - base), rtol=1e-5)
  np.testing.assert_allclose(ramp(jnp.int32(10**6)), final, rtol=1e-6)


def test_half_life_leaves_half_of_an_average_that_old():
  decay = built(dict(name='half_life', images=1000.0, batch=50))
  assert float(decay(jnp.int32(3))) ** 20 == pytest.approx(0.5, rel=1e-5)


def test_half_life_that_grows_from_0_averages_nothing_at_first():
  growing = dict(name='cosine_ramp', start=0.0, end=5e6, rounds=39_062.5)
  decay = built(dict(name='half_life', images=growing, batch=512))
  found = np.asarray(jax.jit(decay)(jnp.int32([0, 1000, 39_063])))
  span = (1 - np.cos(np.pi * 1000 / 39_062.5)) / 2 * 5e6
  np.testing.assert_allclose(found, [0, 0.5 ** (512 / span), 0.5 ** (512 / 5e6)], rtol=1e-5)


def test_adam_of_schedules_is_torchs_adam_with_betas_that_change():
  """m and v with the b of the moment, both corrected by 1 - b^t, t moves made (torch.optim)."""
  grads = np.random.default_rng(6).normal(size=(9, 4))
  rate = lambda t: 0.1 + t / 50
  b2 = lambda t: 0.9 + 0.09 * min(t / 6, 1)
  p, m, v, expected = np.ones(4), np.zeros(4), np.zeros(4), []
  for i, g in enumerate(grads):
    p, m, v = adam(p, g, m, v, i + 1, lr=rate(i), b1=0.0, b2=b2(i))
    expected.append(p)
  tx = optim.adam_of_schedules(
    rate, b1=0.0, b2=lambda t: 0.9 + 0.09 * jnp.minimum(t / 6, 1), eps=1e-8
  )
  np.testing.assert_allclose(run(tx, jnp.ones(4), jnp.float32(grads)), expected, rtol=1e-4)


def test_adam_of_schedules_of_numbers_is_optaxs():
  grads = jnp.float32(np.random.default_rng(7).normal(size=(5, 4)))
  ours = run(optim.adam_of_schedules(0.01, b1=0.5, b2=0.9), jnp.zeros(4), grads)
  theirs = run(optax.adam(0.01, b1=0.5, b2=0.9), jnp.zeros(4), grads)
  np.testing.assert_allclose(ours, theirs, rtol=1e-6)
