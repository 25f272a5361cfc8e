"""CatGAN against NumPy, on networks small enough to write out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.game import Bound, Net
from gan_jax.objectives.catgan import catgan, conditional, marginal
from gan_jax.step import Game, Player
from tests.messages import refused
from tests.objectives.playing import moved, paid

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
Z, X = (np.float32(RNG.normal(size=(5, 3))) for _ in 'zx')
M, W = np.float32(RNG.normal(size=(3, 3))), np.float32(RNG.normal(size=(3, 4)))
BATCH = {'image': X}


def nets():
  return {
    'G': Net(lambda key: {'M': M}, lambda w, z, key=None: z @ w['M']),
    'D': Net(lambda key: {'W': W}, lambda w, x, key=None: {'classes': x @ w['W']}),
  }


def prior(key, n):
  del key, n
  return jnp.asarray(Z)


def play(nets_):
  costs = paid(catgan(prior), nets_, BATCH)
  return [costs[n] for n in 'DG']


def entropies(logits):
  """(H of the mean distribution, the mean H), in float64."""
  p = np.exp(np.float64(logits))
  p /= p.sum(1, keepdims=True)
  h = lambda p: -np.sum(p * np.log(p), axis=-1)
  return h(p.mean(0)), h(p).mean()


def test_catgan_is_numpys():
  bound = Bound(nets(), {n: net.init(KEY) for n, net in nets().items()})
  (d, of_d), (g, of_g) = play(bound)
  use, doubt = entropies(X @ W)
  fake_use, fake_doubt = entropies(Z @ M @ W)
  np.testing.assert_allclose(d, -use + doubt - fake_doubt, rtol=1e-5)
  np.testing.assert_allclose(g, -fake_use + fake_doubt, rtol=1e-5)
  found = [of_d['marginal'], of_d['real'], of_d['fake'], of_g['marginal']]
  np.testing.assert_allclose(found, [use, doubt, fake_doubt, fake_use], rtol=1e-5)


def test_conditional_and_marginal_end_at_0_and_log_k_and_have_slopes():
  sure = np.float32(1000 * np.eye(4))
  both = jax.jit(lambda logits: [conditional(logits), marginal(logits)])
  np.testing.assert_allclose(both(sure), [0, np.log(4)], atol=1e-6)
  same = np.tile(sure[:1], (4, 1))
  np.testing.assert_allclose(both(same), [0, 0], atol=1e-6)
  np.testing.assert_allclose(both(np.zeros_like(sure)), [np.log(4)] * 2, rtol=1e-6)
  slopes = jax.jit(lambda logits: [jax.grad(f)(logits) for f in (conditional, marginal)])
  assert np.isfinite(slopes(sure)).all()


def test_catgan_moves_change_what_their_player_owns():
  players = {n: Player((n,), optax.sgd(0.1)) for n in 'DG'}
  assert moved(Game(nets(), players, catgan(prior), {}), BATCH) == {'D': {'D'}, 'G': {'G'}}


def test_catgan_refuses_a_critic_of_one_logit():
  bound = Bound(nets(), {'G': {'M': M}, 'D': {}}).let(D=lambda x, key: x[:, 0])
  with refused("'classes'"):
    play(bound)
