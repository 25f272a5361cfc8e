"""The variational autoencoder: the bound against NumPy, and a game of one player."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import likelihoods, priors
from gan_jax import step as steps
from gan_jax.game import Net
from gan_jax.objectives.vae import vae
from gan_jax.step import Game, Player, alternating
from tests.messages import refused

KEY = jax.random.key(3)
X = np.float32(np.random.default_rng(0).uniform(size=(6, 4)))
E = np.float32(np.random.default_rng(1).normal(size=(4, 4)))  # x E = (mean, log variance)
G = np.float32(np.random.default_rng(2).normal(size=(2, 4)))  # the mean image is z G


def encode(w, x, key=None):
  h = x @ w
  return {'mean': h[:, :2], 'log_variance': h[:, 2:]}


NETS = {
  'E': Net(lambda key: jnp.asarray(E), encode),
  'G': Net(lambda key: jnp.asarray(G), lambda w, z, key=None: z @ w),
  'idle': Net(lambda key: jnp.ones(3), lambda w, key=None: w),
}


def game(prior=None, rate=0.01):
  objective = vae(prior or priors.normal(2), likelihood=likelihoods.gaussian(0.5))
  return Game(NETS, {'VAE': Player(('E', 'G'), optax.sgd(rate))}, objective, {})


def played(g, rounds=1):
  state = jax.jit(lambda key: steps.init(g, key))(KEY)
  step = jax.jit(alternating(g, ('VAE',)))
  logs = []
  for _ in range(rounds):
    state, log = step(state, {'image': X[None]}, KEY)
    logs.append(log)
  return state, logs


def test_vae_bound_and_its_terms_are_numpys():
  noise = np.float32([[1.0, -1.0]] * 6)
  _, (log,) = played(game(lambda key, n: jnp.asarray(noise)))
  q, x = np.float64(X) @ E, np.float64(X)
  mean, log_variance = q[:, :2], q[:, 2:]
  back = (mean + np.exp(log_variance / 2) * noise) @ np.float64(G)
  density = -((x - back) ** 2) / (2 * 0.25) - np.log(0.5 * np.sqrt(2 * np.pi))
  likelihood = density.sum(1).mean()
  kl = (0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance)).sum(1).mean()
  np.testing.assert_allclose(log['VAE/likelihood'], likelihood, rtol=1e-5)
  np.testing.assert_allclose(log['VAE/kl'], kl, rtol=1e-5)
  np.testing.assert_allclose(log['VAE/bound'], likelihood - kl, rtol=1e-5)
  np.testing.assert_allclose(log['VAE/loss'], kl - likelihood, rtol=1e-5)


def test_vae_moves_both_its_networks_alone_and_the_bound_rises():
  before = {'E': E, 'G': G, 'idle': np.ones(3)}
  state, logs = played(game(), rounds=60)
  assert [bool(np.any(state.params[n] != before[n])) for n in ('E', 'G', 'idle')] == [1, 1, 0]
  bounds = [float(log['VAE/bound']) for log in logs]
  assert np.mean(bounds[-10:]) > np.mean(bounds[:10]) + 1


def test_vae_draws_the_noise_of_q_afresh_in_every_round():
  _, logs = played(game(rate=0.0), rounds=3)
  assert len({float(log['VAE/likelihood']) for log in logs}) == 3
  assert len({float(log['VAE/kl']) for log in logs}) == 1


def test_vae_refuses_a_code_of_another_size_with_both_sizes():
  with refused('2 numbers', 'draws 3', 'nets.E.dim'):
    played(game(priors.normal(3)))
