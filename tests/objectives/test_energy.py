"""EBGAN and BEGAN against NumPy, on an autoencoder that is one matrix."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import step as steps
from gan_jax.game import Bound, Net, unchanged
from gan_jax.objectives import energy
from gan_jax.objectives.began import began
from gan_jax.objectives.ebgan import ebgan, similarity
from gan_jax.step import Game, Player, alternating, simultaneous

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
BATCH = {'image': jnp.asarray(X)}
FAKE = np.float64(Z) @ G
BACK = lambda x: np.float64(x) @ ENC @ DEC


def prior(key, n):
  del key, n
  return jnp.asarray(Z)


def costs(objective, carry, nets=BOUND):
  """player -> (cost, scalars)."""
  drawn = objective.draw(BATCH, KEY)
  return {n: loss(nets, BATCH, drawn, carry) for n, loss in objective.losses.items()}


def played(objective, play, rounds=1, rate=0.01):
  game = Game(NETS, {n: Player((n,), optax.sgd(rate)) for n in 'DG'}, objective, {})
  state, logs = steps.init(game, KEY), []
  step = jax.jit(play(game))
  for _ in range(rounds):
    state, log = step(state, {'image': jnp.asarray(X)[None]}, KEY)
    logs.append(log)
  return state, logs


# --- energies -------------------------------------------------------------------------------------


def test_energies_are_of_each_image_over_all_its_pixels():
  x, y = RNG.normal(size=(2, 3, 4, 4, 2)).astype(np.float32)
  norm = np.sqrt(((x - y) ** 2).sum((1, 2, 3)))
  np.testing.assert_allclose(energy.euclidean(x, y), norm, rtol=1e-5)
  np.testing.assert_allclose(energy.absolute(x, y), np.abs(x - y).mean((1, 2, 3)), rtol=1e-5)


def test_a_perfect_reconstruction_has_a_gradient():
  x = jnp.ones((2, 3))
  slope = jax.grad(lambda y: energy.euclidean(x, y).sum())(x)
  assert np.isfinite(slope).all()


def test_d_may_return_the_reconstruction_alone():
  plain = BOUND.let(D=lambda x, key: BOUND.D(x)['image'])
  objective = began(prior)
  assert costs(objective, 0.5, plain) == costs(objective, 0.5)


# --- EBGAN ----------------------------------------------------------------------------------------


@pytest.mark.parametrize('margin', [0.5, 3.0, 100.0])
def test_ebgan_is_numpys(margin):
  r, f = (np.linalg.norm(BACK(x) - x, axis=1) for x in (X, FAKE))
  found = costs(ebgan(prior, margin=margin), ())
  d, scalars = found['D']
  np.testing.assert_allclose(d, r.mean() + np.maximum(margin - f, 0).mean(), rtol=1e-5)
  np.testing.assert_allclose([scalars['real'], scalars['fake']], [r.mean(), f.mean()], rtol=1e-5)
  np.testing.assert_allclose(found['G'][0], f.mean(), rtol=1e-5)


def test_the_pulling_away_term_is_the_sum_over_pairs_and_only_g_pays_it():
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


def test_codes_on_one_line_are_wholly_alike_orthogonal_ones_not_at_all():
  np.testing.assert_allclose(similarity(jnp.outer(jnp.array([1.0, -2, 3]), jnp.ones(4))), 1)
  np.testing.assert_allclose(similarity(3 * jnp.eye(4)), 0, atol=1e-7)
  assert np.isfinite(jax.grad(lambda s: similarity(s))(jnp.zeros((3, 2)))).all()


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


def test_k_follows_the_losses_of_before_the_move_and_starts_at_zero():
  objective = began(prior, gamma=2.0, lambda_k=0.05)
  state, logs = played(objective, simultaneous, rounds=4)
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
def test_k_stays_between_0_and_1(gain, end):
  objective = began(prior, lambda_k=gain)
  assert objective.advance(jnp.float32(0.5), {'D/real': 3.0, 'D/fake': 1.0}) == end


# --- both -----------------------------------------------------------------------------------------


@pytest.mark.parametrize('objective', [began(prior), ebgan(prior, pulling_away=0.1)])
@pytest.mark.parametrize('mover', ['D', 'G'])
def test_a_move_changes_only_what_its_player_owns(objective, mover):
  alone = objective._replace(advance=unchanged)  # which looks for both players' scalars
  state, _ = played(alone, lambda game: alternating(game, (mover,)))
  kept = {'D': 'G', 'G': 'D'}[mover]
  same = jax.tree.map(np.array_equal, state.params, dict(BOUND.params))
  assert all(jax.tree.leaves(same[kept]))
  assert not any(jax.tree.leaves(same[mover]))
