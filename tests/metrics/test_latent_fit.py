"""Latent fitting as a measure: a generator that knows its images by heart gives itself away."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import ks_2samp

from gan_jax.metrics.latent_fit import latent_fit, recovery
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of
from tests.metrics.test_latent_path import A, drawing

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
quick = dict(n=12, steps=150, restarts=2)


def images(z, M):
  return np.round(127.5 + 127.5 * np.tanh(z @ M)).astype(np.uint8).reshape(-1, 4, 4, 1)


def test_recovery_is_of_medians():
  train, test = RNG.uniform(1, 2, 31), RNG.uniform(2, 4, 20)
  found = recovery(train, test)
  assert found.ratio == pytest.approx(np.median(test) / np.median(train))
  assert found.gap == pytest.approx(1 - np.median(train) / np.median(test))
  assert found.p == ks_2samp(train, test).pvalue
  assert recovery(train, train)[2:] == (1, 0, 1)
  assert recovery(np.zeros(3), test).ratio == np.inf
  with refused('0 errors of test'):
    recovery(train, np.zeros(0))


@pytest.mark.parametrize('told', [False, True])
def test_latent_fit_makes_images_that_G_can_make_again(told):
  z, y = RNG.normal(size=(24, 3)), np.arange(24) % 2
  scale = 0.4 + 0.4 * y if told else 0.5 * np.ones(24)
  made = images(z * scale[:, None], A)
  G = lambda z, y=None: jnp.tanh(
    (z * (0.5 if y is None else (0.4 + 0.4 * y)[:, None])) @ A
  ).reshape(-1, 4, 4, 1)
  sampler = drawing(G, ('z', 'label') if told else ('z',))
  source = source_of(made[:12], y[:12], test=(made[12:], y[12:]))
  found = latent_fit(sampler, source, KEY, **quick)
  assert found['latent_fit'] < 0.01  # of a range of 2, in steps of 1 / 127.5
  assert found['p'] > 0.01
  assert found['protocol']['n_real'] == [12, 12]


def test_latent_fit_tells_training_images_known_by_heart():
  B = RNG.normal(size=A.shape).astype(np.float32)
  known, other = images(RNG.normal(size=(12, 3)) / 2, A), images(RNG.normal(size=(12, 3)) / 2, B)
  sampler = drawing(lambda z: jnp.tanh(z / 2 @ A).reshape(-1, 4, 4, 1))
  found = latent_fit(sampler, source_of(known, test=other), KEY, **quick)
  assert found['ratio'] > 5
  assert found['gap'] > 0.8
  assert found['p'] < 1e-4
  assert found['latent_fit'] > 5 * found['train']


def test_latent_fit_refuses_what_cannot_be_fitted():
  stored = np.zeros((5, 4, 4, 1), np.uint8)
  with refused('no z'):
    latent_fit(sampler_of(stored), source_of(stored), KEY)
  G = lambda y, z: jnp.tanh(z @ A).reshape(-1, 4, 4, 1)
  with refused('z and a class', 'order'):
    latent_fit(drawing(G, ('label', 'z')), source_of(stored), KEY)
  with refused("'train'", 'class'):
    latent_fit(drawing(lambda z, y: G(y, z), ('z', 'label')), source_of(stored), KEY)
