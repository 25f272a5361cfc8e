"""EBGAN and BEGAN against NumPy, on an autoencoder that is one matrix.

Covers: objectives/began.py, objectives/ebgan.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import step as steps
from gan_jax.game import Bound, Net
from gan_jax.objectives import energy
from gan_jax.objectives.began import began
from gan_jax.objectives.ebgan import ebgan, similarity
from gan_jax.step import Game, Player, simultaneous
from tests.objectives.playing import moved, paid

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
X, Z = (np.float32(RNG.normal(size=(5, n))) for n in (3, 2))
G = np.float32(RNG.normal(size=(2, 3)))  # G(z) = z G
ENC, DEC = np.float32(RNG.normal(size=(3, 2))), np.float32(RNG.normal(size=(2, 3)))


def reconstruct(w, x, key=None):
  code = x @ w[0]
  return {'image': code @ w[1], 'code': code}


NETS = {
  'G': Net(lambda key: jnp.asarray(G), lambda w, z, key=None: z @ w),
  'D': Net(lambda key: (jnp.asarray(ENC), jnp.asarray(DEC)), reconstruct),
}
BOUND = Bound(NETS, {'G': jnp.asarray(G), 'D': (jnp.asarray(ENC), jnp.asarray(DEC))})
PLAYERS = {n: Player((n,), optax.sgd(0.01)) for n in 'DG'}
BATCH = {'image': X}
FAKE = np.float64(Z) @ G
BACK = lambda x: np.float64(x) @ ENC @ DEC


def prior(key, n):
  del key, n
  return jnp.asarray(Z)


def costs(objective, carry, nets=BOUND):
  """player -> (cost, scalars)."""
  return paid(objective, nets, BATCH, carry)


# --- energies -------------------------------------------------------------------------------------


def test_euclidean_and_absolute_are_over_all_pixels_of_each_image():
  x, y = np.random.default_rng(1).normal(size=(2, 3, 4, 4, 2)).astype(np.float32)
  norm = np.sqrt(((x - y) ** 2).sum((1, 2, 3)))
  both = jax.jit(lambda x, y: [energy.euclidean(x, y), energy.absolute(x, y)])
  euclidean, absolute = both(x, y)
  np.testing.assert_allclose(euclidean, norm, rtol=1e-5)
  np.testing.assert_allclose(absolute, np.abs(x - y).mean((1, 2, 3)), rtol=1e-5)


def test_euclidean_of_a_perfect_reconstruction_has_a_gradient():
  x = np.ones((2, 3), np.float32)
  slope = jax.jit(jax.grad(lambda y: energy.euclidean(x, y).sum()))(x)
  assert np.isfinite(slope).all()


def test_energies_take_a_d_that_returns_the_reconstruction_alone():
  plain = BOUND.let(D=lambda x, key: BOUND.D(x)['image'])
  objective = began(prior)
  found, expected = costs(objective, 0.5, plain), costs(objective, 0.5)
  jax.tree.map(np.testing.assert_array_equal, found, expected)


# --- EBGAN ----------------------------------------------------------------------------------------


@pytest.mark.parametrize('margin', [0.5, 3.0, 100.0])
def test_ebgan_is_numpys(margin):
  r, f = (np.linalg.norm(BACK(x) - x, axis=1) for x in (X, FAKE))
  found = costs(ebgan(prior, margin=margin), ())
  d, scalars = found['D']
  np.testing.assert_allclose(d, r.mean() + np.maximum(margin - f, 0).mean(), rtol=1e-5)
  np.testing.assert_allclose([scalars['real'], scalars['fake']], [r.mean(), f.mean()], rtol=1e-5)
  np.testing.assert_allclose(found['G'][0], f.mean(), rtol=1e-5)


def test_ebgan_pulls_away_by_a_sum_over_pairs_which_only_g_pays():
  s = FAKE @ ENC
  terms = [
    (s[i] @ s[j] / np.linalg.norm(s[i]) / np.linalg.norm(s[j])) ** 2
    for i in range(5) for j in range(5) if i != j
  ]  # fmt: skip
  expected = sum(terms) / (5 * 4)
  without, with_ = (costs(ebgan(prior, pulling_away=w), ()) for w in (0.0, 0.1))
  np.testing.assert_allclose(with_['G'][1]['similarity'], expected, rtol=1e-5)
  np.testing.assert_allclose(with_['G'][0] - without['G'][0], 0.1 * expected, rtol=1e-4)
  assert with_['D'][0] == without['D'][0]


def test_similarity_is_1_on_a_line_and_0_for_orthogonal_codes():
  look = jax.jit(jax.value_and_grad(similarity))
  line = np.float32([[1.0], [-2], [3], [4]]) * np.ones(4, np.float32)
  np.testing.assert_allclose(look(line)[0], 1)
  np.testing.assert_allclose(look(3 * np.eye(4, dtype=np.float32))[0], 0, atol=1e-7)
  assert np.isfinite(look(np.zeros((4, 4), np.float32))[1]).all()


# --- BEGAN ----------------------------------------------------------------------------------------


def by_numpy(x):
  return np.abs(BACK(x) - x).mean()


@pytest.mark.parametrize('k', [0.0, 0.3])
def test_began_is_numpys(k):
  real, fake = by_numpy(X), by_numpy(FAKE)
  found = costs(began(prior, gamma=0.7), jnp.float32(k))
  d, scalars = found['D']
  np.testing.assert_allclose(d, real - k * fake, rtol=1e-5)
  np.testing.assert_allclose(found['G'][0], fake, rtol=1e-5)
  np.testing.assert_allclose(scalars['M'], real + abs(0.7 * real - fake), rtol=1e-5)
  assert scalars['k'] == jnp.float32(k)


def test_began_k_starts_at_zero_and_follows_losses_before_the_move():
  objective, logs = began(prior, gamma=2.0, lambda_k=0.05), []
  game = Game(NETS, PLAYERS, objective, {})
  state, play = steps.init(game, KEY), jax.jit(simultaneous(game))
  for _ in range(4):
    state, log = play(state, {'image': X[None]}, KEY)
    logs.append(log)
  np.testing.assert_allclose(logs[0]['D/real'], by_numpy(X), rtol=1e-5)
  np.testing.assert_allclose(logs[0]['D/fake'], by_numpy(FAKE), rtol=1e-5)
  k, expected = 0.0, []
  for log in logs:
    expected.append(k)
    k = np.clip(k + 0.05 * (2.0 * log['D/real'] - log['D/fake']), 0, 1)
  np.testing.assert_allclose([log['D/k'] for log in logs], expected, rtol=1e-5)
  np.testing.assert_allclose(state.carry, k, rtol=1e-5)
  assert expected[0] == 0 < expected[1] != expected[2]


@pytest.mark.parametrize(('gain', 'end'), [(1e3, 1.0), (-1e3, 0.0)])
def test_began_k_stays_between_0_and_1(gain, end):
  objective = began(prior, lambda_k=gain)
  assert objective.advance(jnp.float32(0.5), {'D/real': 3.0, 'D/fake': 1.0}) == end


# --- both -----------------------------------------------------------------------------------------


@pytest.mark.parametrize('objective', [began(prior), ebgan(prior, pulling_away=0.1)])
def test_began_and_ebgan_moves_change_only_what_their_player_owns(objective):
  assert moved(Game(NETS, PLAYERS, objective, {}), BATCH) == {'D': {'D'}, 'G': {'G'}}
