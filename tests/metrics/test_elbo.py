"""The bound on held-out images, where it is known."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import likelihoods, priors, sampling
from gan_jax import step as steps
from gan_jax.data import transforms
from gan_jax.data.source import in_memory
from gan_jax.game import Net
from gan_jax.metrics import elbo
from gan_jax.objectives.vae import vae
from gan_jax.step import Game, Player

KEY = jax.random.key(0)
IMAGES = np.random.default_rng(0).integers(0, 256, (90, 2, 2, 1), np.uint8)
N = 40  # of a test split or of the first images of one: one program serves both


def encode(w, x, key=None):
  x = x.reshape(len(x), -1)
  return {'mean': x[:, :3], 'log_variance': -x[:, :3]}


@pytest.fixture(scope='module')
def sampler():
  """E and G have no weights: q(z|x) depends on x, and G(z) is 0.3 everywhere."""
  nets = {
    'E': Net(lambda key: (), encode),
    'G': Net(lambda key: (), lambda w, z, key=None: jnp.full((len(z), 2, 2, 1), 0.3)),
  }
  objective = vae(priors.normal(3), likelihood=likelihoods.bernoulli())
  game = Game(nets, {'VAE': Player(('E', 'G'), optax.sgd(0.1))}, objective, {})
  seen = transforms.scale(0.0, 1.0)
  return sampling.make_sampler(game, priors.normal(3), seen, batch=16)(steps.init(game, KEY))


def opened(of):
  """split -> these are the test images, and a few others are the rest."""
  return lambda name: in_memory(
    {'image': of if name == 'test' else IMAGES[-5:]}, name='made', split=name
  )


def test_bernoulli_is_the_cross_entropy_less_the_kl_of_test_images(sampler):
  found = elbo.bernoulli(sampler, opened(IMAGES[:N]), KEY)
  x = IMAGES[:N].reshape(N, 4) / 255
  likely = (x * np.log(0.3) + (1 - x) * np.log(0.7)).sum(1)
  m = x[:, :3]
  kl = (m**2 + np.exp(-m) - 1 + m).sum(1) / 2
  np.testing.assert_allclose(found['likelihood'], likely.mean(), rtol=1e-5)
  np.testing.assert_allclose(found['kl'], kl.mean(), rtol=1e-5)
  np.testing.assert_allclose(found['bound'], (likely - kl).mean(), rtol=1e-5)
  np.testing.assert_allclose(found['stderr'], (likely - kl).std() / np.sqrt(N), rtol=1e-4)


def test_gaussian_has_its_sigma_and_takes_the_first_n_of_a_split(sampler):
  found = elbo.gaussian(sampler, opened(IMAGES), KEY, sigma=0.5, split='test', n=N)
  x = IMAGES[:N].reshape(N, 4) / 255
  likely = (-((x - 0.3) ** 2) / 0.5 - np.log(0.5 * np.sqrt(2 * np.pi))).sum(1)
  np.testing.assert_allclose(found['likelihood'], likely.mean(), rtol=1e-5)
