"""Improved GAN's costs against NumPy, on networks small enough to write out."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import pairs, step
from gan_jax.game import Bound, Net
from gan_jax.objectives.gan import gan
from gan_jax.objectives.improved import feature_matching, matching, semi_supervised
from tests.messages import refused
from tests.objectives.playing import moved, paid

KEY = jax.random.key(0)
Z = np.float32([[0.5], [-1.0], [2.0], [0.0]])
X = np.float32([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5], [-2.0, 1.0]])  # unlabelled
L = np.float32([[0.3, 0.7], [1.5, -0.5], [-1.0, -1.0], [2.0, 0.1]])  # labelled
Y = np.array([2, 0, 1, 1])
BATCH = {'image': X, 'labelled': L, 'known': Y}
A, B = np.float32([[2.0, -1.0]]), np.float32([[0.1, 0.2]])  # G(z) = z A + B
U = np.float32([[0.5, -1.0, 0.2], [1.0, 0.3, -0.4]])  # a hidden layer tanh(x U), and another
W = np.float32([[1.0, -2.0, 0.5], [0.3, 0.1, -1.0], [0.7, 0.2, 0.4]])  # classes: tanh(x U) W


def classifier(w, x, key=None):
  h = jnp.tanh(x @ U)
  return {'logit': jnp.full(len(x), 7.0), 'hidden': (x, h), 'features': h, 'classes': h @ W}


NETS = {
  'G': Net(lambda key: (), lambda w, z, key=None: z @ A + B),
  'D': Net(lambda key: (), classifier),
}


def bound(**functions):
  return Bound(NETS, {'G': (), 'D': ()}).let(**functions)


def prior(key, n):
  del key, n
  return jnp.asarray(Z)


def play(objective, player, nets=None, seen=None):
  return paid(objective, nets or bound(), BATCH, seen=seen, players=player)[player]


def hidden(x):
  return np.tanh(np.float64(x) @ np.float64(U))


def lse(v):
  return np.log(np.exp(v).sum(1))


def softplus(v):
  return np.log1p(np.exp(v))


FAKE = np.float64(Z) @ A + B
LOGITS = {name: hidden(x) @ W for name, x in (('x', X), ('l', L), ('g', FAKE))}


def test_semi_supervised_costs_d_what_the_authors_have():
  """-<l_y> + <LSE(l)>, and -<LSE(l_u)>/2 + <softplus(LSE(l_u))>/2 + <softplus(LSE(l_g))>/2."""
  u, told, g = lse(LOGITS['x']), LOGITS['l'], lse(LOGITS['g'])
  supervised = -told[np.arange(4), Y].mean() + lse(told).mean()
  unsupervised = -u.mean() / 2 + softplus(u).mean() / 2 + softplus(g).mean() / 2
  cost, scalars = play(semi_supervised(prior, pair=pairs.minimax()), 'D')
  np.testing.assert_allclose(cost, supervised + unsupervised, rtol=1e-5)
  np.testing.assert_allclose(scalars['supervised'], supervised, rtol=1e-5)
  np.testing.assert_allclose(scalars['error'], np.mean(told.argmax(1) != Y))
  np.testing.assert_allclose([scalars['real'], scalars['fake']], [u.mean(), g.mean()], rtol=1e-5)


def test_semi_supervised_game_is_cross_entropy_of_k_plus_1_classes():
  """-log(1 - p(K+1|x)) on data and -log p(K+1|x) on images of G, half of each (section 5)."""
  with_fake = lambda v: np.concatenate([v, np.zeros((len(v), 1))], axis=1)
  p = lambda v: np.exp(with_fake(v)) / np.exp(with_fake(v)).sum(1, keepdims=True)
  expected = -np.log(1 - p(LOGITS['x'])[:, -1]).mean() - np.log(p(LOGITS['g'])[:, -1]).mean()
  objective = semi_supervised(prior, pair=pairs.minimax())
  cost, scalars = play(objective, 'D')
  np.testing.assert_allclose(cost - scalars['supervised'], expected / 2, rtol=1e-5)


def test_semi_supervised_d_without_the_game_is_a_classifier():
  objective = semi_supervised(prior, pair=pairs.minimax(), d_weight=0.0)
  cost, scalars = play(objective, 'D')
  assert cost == scalars['supervised']
  other = play(objective, 'D', bound(G=lambda z, key=None: z @ -A))
  assert other[0] == cost


def test_semi_supervised_costs_g_the_pair_or_the_match():
  cost, _ = play(semi_supervised(prior, pair=pairs.minimax()), 'G')
  np.testing.assert_allclose(cost, -softplus(lse(LOGITS['g'])).mean(), rtol=1e-5)
  cost, _ = play(semi_supervised(prior, pair=pairs.minimax(), match=matching(-1, 1)), 'G')
  apart = hidden(X).mean(0) - hidden(FAKE).mean(0)
  np.testing.assert_allclose(cost, np.abs(apart).mean(), rtol=1e-5)


@pytest.mark.parametrize('power', [1, 2])
@pytest.mark.parametrize('layer', [-1, 0])
def test_feature_matching_compares_the_means_of_a_layer(layer, power):
  objective = feature_matching(prior, pair=pairs.nonsaturating(), layer=layer, power=power)
  f = hidden if layer else np.float64
  cost, none = play(objective, 'G')
  expected = np.mean(np.abs(f(X).mean(0) - f(FAKE).mean(0)) ** power)
  np.testing.assert_allclose(cost, expected, rtol=1e-5)
  assert none == {}


def test_feature_matching_costs_d_what_any_gan_does():
  same = play(gan(prior, pair=pairs.hinge(), d_weight=0.3), 'D')
  found = play(feature_matching(prior, pair=pairs.hinge(), d_weight=0.3), 'D')
  jax.tree.map(np.testing.assert_array_equal, found, same)


def test_semi_supervised_judges_each_image_with_noise_of_its_own():
  seen = []

  def D(x, key):
    seen.append(jax.random.key_data(key))
    return classifier((), x)

  play(semi_supervised(prior, pair=pairs.minimax()), 'D', bound(D=D), seen)
  assert len(seen) == 3
  assert len({tuple(key) for key in seen}) == 3


def test_semi_supervised_and_matching_refuse_a_d_without_their_head():
  alone = bound(D=lambda x, key=None: x[:, 0])
  with refused("'classes'"):
    play(semi_supervised(prior, pair=pairs.minimax()), 'D', alone)
  with refused('heads=dict()'):
    play(feature_matching(prior, pair=pairs.minimax()), 'G', alone)


# --- whole rounds ---------------------------------------------------------------------------------


def game():
  """G(z) = z a, and D's hidden layer tanh(x U + u)."""

  def D(u, x, key=None):
    h = jnp.tanh(x @ U + u[None])
    return {'hidden': (h,), 'classes': h @ W}

  nets = {
    'G': Net(lambda key: jnp.asarray(A), lambda a, z, key=None: z @ a),
    'D': Net(lambda key: jnp.zeros(3), D),
  }
  objective = semi_supervised(prior, pair=pairs.minimax(), match=matching())
  players = {name: step.Player((name,), optax.sgd(0.1)) for name in nets}
  return step.Game(nets, players, objective, {})


@functools.cache
def round_of(schedule):
  """Batches -> the weights after one round."""
  play = game()
  return jax.jit(
    lambda batches: step.alternating(play, schedule)(step.init(play, KEY), batches, KEY)[0].params
  )


def after(schedule, **changed):
  """The weights after a round on two minibatches; `changed` columns are put into the second."""
  batches = jax.tree.map(lambda a, b: np.stack([a, b]), BATCH, {**BATCH, **changed})
  return round_of(schedule)(batches)


def test_semi_supervised_moves_change_what_their_player_owns():
  assert moved(game(), BATCH) == {'D': {'D'}, 'G': {'G'}}


def test_semi_supervised_g_matches_a_minibatch_of_its_own():
  schedule = (('D', 0), ('G', 1))
  plain = after(schedule)
  changed = after(schedule, image=-X)
  np.testing.assert_array_equal(changed['D'], plain['D'])
  assert np.abs(changed['G'] - plain['G']).min() > 1e-5
  labels = after(schedule, labelled=-L, known=(Y + 1) % 3)  # and none of its labels
  jax.tree.map(np.testing.assert_array_equal, labels, plain)
