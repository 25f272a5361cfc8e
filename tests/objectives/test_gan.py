"""The GAN objective against NumPy, on networks small enough to write out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import pairs, penalties
from gan_jax.game import Bound, Net
from gan_jax.objectives.gan import conditional, exchange, gan
from tests.objectives.playing import paid

KEY = jax.random.key(0)
Z = np.float32([[0.5], [-1.0], [2.0], [0.0]])
X = np.float32([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5], [-2.0, 1.0]])
A, B = np.float32([[2.0, -1.0]]), np.float32([[0.1, 0.2]])  # G(z) = z A + B
U, V = np.float32([[0.5, -1.0], [1.0, 0.3]]), np.float32([1.0, -2.0])  # D(x) = tanh(x U) V


def bound(**functions):
  nets = {
    'G': Net(lambda key: (), lambda w, z, key=None: z @ A + B),
    'D': Net(lambda key: (), lambda w, x, key=None: jnp.tanh(x @ U) @ V),
  }
  return Bound(nets, {'G': (), 'D': ()}).let(**functions)


def prior(key, n):
  del key, n
  return jnp.asarray(Z)


def play(objective, nets=None, batch=None, key=KEY, seen=None):
  """(D's cost, its scalars, G's cost)."""
  costs = paid(objective, nets or bound(), batch or {'image': X}, key=key, seen=seen)
  g, none = costs['G']
  assert none == {}
  return *costs['D'], g


def by_numpy():
  critic = lambda x: np.tanh(np.float64(x) @ np.float64(U)) @ np.float64(V)
  fake = np.float64(Z) @ A + B
  return fake, critic(X), critic(fake)


def test_gan_of_minimax_is_numpys():
  _, r, f = by_numpy()
  s = lambda v: 1 / (1 + np.exp(-v))
  d, scalars, g = play(gan(prior, pair=pairs.minimax()))
  np.testing.assert_allclose(d, -np.mean(np.log(s(r))) - np.mean(np.log(1 - s(f))), rtol=1e-5)
  np.testing.assert_allclose(g, np.mean(np.log(1 - s(f))), rtol=1e-5)
  np.testing.assert_allclose([scalars['real'], scalars['fake']], [r.mean(), f.mean()], rtol=1e-5)


def test_gan_of_relativistic_pairs_with_r1_and_r2_is_numpys():
  """R3GAN's: grad D(x) = U ((1 - tanh^2(x U)) V)."""
  fake, r, f = by_numpy()
  slope = lambda x: np.sum((((1 - np.tanh(x @ U) ** 2) * V) @ U.T) ** 2, axis=1)
  terms = [penalties.r1(weight=0.3), penalties.r2(weight=0.7)]
  d, scalars, g = play(gan(prior, pair=pairs.relativistic(), penalties=terms))
  r1, r2 = slope(X).mean() / 2, slope(fake).mean() / 2
  cost = np.mean(np.log1p(np.exp(f - r))) + 0.3 * r1 + 0.7 * r2
  np.testing.assert_allclose(d, cost, rtol=1e-5)
  np.testing.assert_allclose(g, np.mean(np.log1p(np.exp(r - f))), rtol=1e-5)
  np.testing.assert_allclose([scalars['r1'], scalars['r2']], [r1, r2], rtol=1e-5)


def test_gan_counts_rounds_in_the_carry():
  objective = gan(prior, pair=pairs.hinge())
  carry = objective.init()
  for _ in range(3):
    carry = objective.advance(carry, {})
  assert carry == 3


# --- one forward pass for both players ------------------------------------------------------------


def noisy_prior(key, n):
  return jax.random.normal(key, (n, 1))


def test_gan_gives_both_players_the_same_z_and_masks_under_one_key():
  """As they do in simultaneous play: with Wasserstein costs G pays minus what D reads as fake."""
  nets = bound(
    G=lambda z, key: z @ A + B + jax.random.normal(key, (len(z), 2)),
    D=lambda x, key: jnp.sum(x * jax.random.bernoulli(key, 0.5, x.shape), axis=1),
  )
  objective = gan(noisy_prior, pair=pairs.wasserstein())
  for seed in range(3):
    d, scalars, g = play(objective, nets, key=jax.random.key(seed))
    np.testing.assert_allclose(g, -scalars['fake'], rtol=1e-6)
    np.testing.assert_allclose(d, scalars['fake'] - scalars['real'], rtol=1e-5, atol=1e-6)


def test_gan_judges_real_and_fake_with_masks_of_their_own():
  seen = []
  nets = bound(D=lambda x, key: (seen.append(jax.random.key_data(key)), x[:, 0])[1])
  play(gan(noisy_prior, pair=pairs.wasserstein()), nets, seen=seen)
  d_calls, g_calls = np.array(seen[:2]), np.array(seen[2:])
  np.testing.assert_array_equal(d_calls, g_calls)
  assert np.any(d_calls[0] != d_calls[1])


def test_gan_draws_another_z_with_another_key():
  nets = bound(G=lambda z, key: jnp.tile(z, (1, 2)))
  look = lambda seed: play(gan(noisy_prior, pair=pairs.hinge()), nets, key=jax.random.key(seed))
  assert look(0)[2] != look(1)[2]


# --- labels ---------------------------------------------------------------------------------------


def test_conditional_tells_both_networks_and_the_penalty_the_class():
  label, called, seen = np.array([3, 1, 0, 2]), [], []

  def G(z, y, key):
    called.append('G')
    seen.append(y)
    return jnp.concatenate([z, y[:, None].astype(jnp.float32)], axis=1)

  def D(x, y, key):
    called.append('D')
    seen.append(y)
    return x[:, 0] * (1 + y)

  batch = {'image': X, 'label': label}
  objective = conditional(prior, pair=pairs.wasserstein(), penalties=[penalties.r1()])
  d, scalars, g = play(objective, bound(G=G, D=D), batch, seen=seen)
  y = label
  r, f = X[:, 0] * (1 + y), Z[:, 0] * (1 + y)
  assert all(np.array_equal(given, label) for given in seen)
  assert called == ['G', 'D', 'D', 'D', 'G', 'D', 'D']
  r1 = np.mean((1.0 + y) ** 2) / 2
  np.testing.assert_allclose(scalars['r1'], r1, rtol=1e-6)
  np.testing.assert_allclose(d, f.mean() - r.mean() + r1, rtol=1e-6)
  np.testing.assert_allclose(g, -f.mean(), rtol=1e-6)


def test_gan_does_not_pass_labels_that_the_batch_happens_to_have():
  batch = {'image': X, 'label': np.arange(4)}
  d, _, _ = play(gan(prior, pair=pairs.hinge()), batch=batch)
  assert d == play(gan(prior, pair=pairs.hinge()))[0]


# --- flipped labels -------------------------------------------------------------------------------


@pytest.mark.parametrize('share', [0.0, 0.05, 0.5, 1.0])
def test_exchange_makes_a_share_of_real_and_fake_change_places(share):
  n = 20_000
  r = np.arange(1, n + 1, dtype=np.float32)
  f = -r
  r2, f2 = map(np.asarray, jax.jit(lambda key, r, f: exchange(key, share, r, f))(KEY, r, f))
  wrong = r2 < 0
  np.testing.assert_array_equal(np.where(wrong, f2, r2), r)
  np.testing.assert_array_equal(np.where(wrong, r2, f2), f)
  assert abs(wrong.mean() - share) <= 4 * np.sqrt(share * (1 - share) / n)


def test_exchange_of_a_map_of_patches_is_image_by_image():
  r, f = np.ones((64, 3, 3), np.float32), np.zeros((64, 3, 3), np.float32)
  r2, _ = jax.jit(lambda key, r, f: exchange(key, 0.5, r, f))(KEY, r, f)
  per_image = np.asarray(r2).reshape(64, 9).sum(axis=1)
  assert set(per_image) == {0.0, 9.0}


def test_gan_flips_reach_the_cost_of_d_alone():
  plain = gan(prior, pair=pairs.nonsaturating())
  flipped = gan(prior, pair=pairs.nonsaturating(), flips=1.0)
  d, scalars, g = play(flipped)
  _, r, f = by_numpy()
  np.testing.assert_allclose(d, np.mean(np.log1p(np.exp(-f)) + np.log1p(np.exp(r))), rtol=1e-5)
  _, same_scalars, same_g = play(plain)
  assert g == same_g
  assert scalars == same_scalars


# Mended: fold_in(key, 1) is split(key, 4)[1] (JAX's split is fold_in of 0, 1, 2 ...), so the key of
# the flips and of the penalties is made from the key that G was given for its dropout.
def test_gan_flips_labels_independently_of_what_g_draws():
  """G's image is 1 where a coin of its own says so, else -1, and a real one 0, with share 1/2.

  Were the coin the flip, every fake of 1 would change places and D's cost be -1 for every key.
  """
  coin = lambda key, n: jax.random.bernoulli(jax.random.split(key)[0], 0.5, (n, 1))
  nets = bound(G=lambda z, key: jnp.where(coin(key, len(z)), 1.0, -1.0), D=lambda x, key: x[:, 0])
  many = lambda key, n: jnp.zeros((n, 1))
  batch = {'image': np.zeros((1000, 1), np.float32)}
  objective = gan(many, pair=pairs.wasserstein(), flips=0.5)
  d, _, _ = play(objective, nets, batch)
  assert abs(d) < 0.2  # 0 +- 0.03


# --- what a user may trip over --------------------------------------------------------------------


# Mended: two penalties of one name overwrite each other's entry in the log.
def test_gan_pays_two_penalties_of_one_kind():
  once = play(gan(prior, pair=pairs.hinge(), penalties=[penalties.drift(weight=3.0)]))[0]
  twice = [penalties.drift(weight=1.0), penalties.drift(weight=2.0)]
  np.testing.assert_allclose(
    play(gan(prior, pair=pairs.hinge(), penalties=twice))[0], once, rtol=1e-6
  )
