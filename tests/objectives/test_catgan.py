"""CatGAN against NumPy, on networks small enough to write out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import step as steps
from gan_jax.errors import InputError
from gan_jax.game import Bound, Net
from gan_jax.objectives.catgan import catgan, conditional, marginal
from gan_jax.step import Game, Player

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
Z, X = (np.float32(RNG.normal(size=(5, 3))) for _ in 'zx')
M, W = np.float32(RNG.normal(size=(3, 3))), np.float32(RNG.normal(size=(3, 4)))
BATCH = {'image': jnp.asarray(X)}


def nets():
  return {
    'G': Net(lambda key: {'M': M}, lambda w, z, key=None: z @ w['M']),
    'D': Net(lambda key: {'W': W}, lambda w, x, key=None: {'classes': x @ w['W']}),
  }


def prior(key, n):
  del key, n
  return jnp.asarray(Z)


def play(nets_):
  objective = catgan(prior)
  drawn = objective.draw(BATCH, KEY)
  return [objective.losses[n](nets_, BATCH, drawn, objective.init()) for n in 'DG']


def entropies(logits):
  """(H of the mean distribution, the mean H), in float64."""
  p = np.exp(np.float64(logits))
  p /= p.sum(1, keepdims=True)
  h = lambda p: -np.sum(p * np.log(p), axis=-1)
  return h(p.mean(0)), h(p).mean()


def test_the_game_is_numpys():
  bound = Bound(nets(), {n: net.init(KEY) for n, net in nets().items()})
  (d, of_d), (g, of_g) = play(bound)
  use, doubt = entropies(X @ W)
  fake_use, fake_doubt = entropies(Z @ M @ W)
  np.testing.assert_allclose(d, -use + doubt - fake_doubt, rtol=1e-5)
  np.testing.assert_allclose(g, -fake_use + fake_doubt, rtol=1e-5)
  found = [of_d['marginal'], of_d['real'], of_d['fake'], of_g['marginal']]
  np.testing.assert_allclose(found, [use, doubt, fake_doubt, fake_use], rtol=1e-5)


def test_entropies_end_at_0_and_log_k_and_are_finite_for_sure_logits():
  sure = 1000 * jnp.eye(4)
  np.testing.assert_allclose([conditional(sure), marginal(sure)], [0, np.log(4)], atol=1e-6)
  same = jnp.zeros((5, 4)).at[:, 0].set(1000.0)
  np.testing.assert_allclose([conditional(same), marginal(same)], [0, 0], atol=1e-6)
  blind = jnp.zeros((5, 4))
  np.testing.assert_allclose([conditional(blind), marginal(blind)], [np.log(4)] * 2, rtol=1e-6)
  for f in (conditional, marginal):
    assert bool(jnp.isfinite(jax.grad(f)(sure)).all())


@pytest.mark.parametrize('mover', ['D', 'G'])
def test_a_move_changes_what_its_player_owns(mover):
  players = {n: Player((n,), optax.sgd(0.1)) for n in 'DG'}
  game = Game(nets(), players, catgan(prior), {})
  before = steps.init(game, KEY)
  after, _ = steps.alternating(game, (mover,))(before, {'image': BATCH['image'][None]}, KEY)
  for name in 'DG':
    same = jax.tree.leaves(jax.tree.map(np.array_equal, before.params[name], after.params[name]))
    assert same == [name != mover]


def test_a_critic_of_one_logit_is_refused():
  bound = Bound(nets(), {'G': {'M': M}, 'D': {}}).let(D=lambda x, key: x[:, 0])
  with pytest.raises(InputError, match="'classes'"):
    play(bound)
