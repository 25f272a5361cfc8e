"""Latent fitting: the z that made an image is found again.

Covers: fit.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import pairs, priors, sampling, train
from gan_jax import step as steps
from gan_jax.data import transforms
from gan_jax.game import Net
from gan_jax.latent import fit
from gan_jax.objectives.gan import gan
from gan_jax.step import Game
from tests import commands
from tests.configs import perceptrons
from tests.messages import refused, says

KEY = jax.random.key(0)
A = jnp.float32(np.random.default_rng(0).normal(size=(3, 8)))


def told(x):
  return {'logit': x[:, 0], 'features': x**2}


def drawing(G=lambda z: jnp.tanh(z @ A), D=told, prior=True, **examples):
  net = lambda f: Net(lambda key: (), lambda p, *a, key=None: f(*a))
  nets = {'G': net(G), 'D': net(D)}
  game = Game(nets, {}, gan(None, pair=pairs.hinge()), {})
  make = sampling.make_sampler(
    game,
    priors.normal(3) if prior else None,
    transforms.scale(),
    inputs=(*(('z',) if prior else ()), *examples),
    examples=examples,
    batch=4,
  )
  return make(steps.init(game, KEY))


@pytest.mark.parametrize('features', [0.0, 0.1])
def test_fit_finds_the_z_that_made_an_image(features):
  sampler = drawing()
  z = np.asarray(sampler.prior(jax.random.key(7), 6))
  x = sampler.generate(z)
  found = fit(sampler, x, KEY, steps=300, restarts=4, features=features, chunk=4)
  assert found.error.shape == (6,)
  np.testing.assert_allclose(found.image, x, atol=0.02)
  np.testing.assert_allclose(found.z, z, atol=0.1)


def test_fit_returns_the_papers_error_of_its_image():
  sampler = drawing()
  x = np.random.default_rng(1).uniform(-1, 1, (5, 8)).astype(np.float32)
  found = fit(sampler, x, KEY, steps=20, restarts=2, features=0.1)
  apart = lambda a, b: np.abs(a - b).sum(1)
  wanted = 0.9 * apart(x, found.image) + 0.1 * apart(x**2, found.image**2)
  np.testing.assert_allclose(found.error, wanted, rtol=1e-4)
  np.testing.assert_allclose(found.image, sampler.generate(found.z), rtol=1e-5)


def test_fit_finds_no_worse_by_more_starts():
  sampler = drawing()
  x = np.random.default_rng(1).uniform(-1, 1, (8, 8)).astype(np.float32)
  start = np.zeros((8, 3), np.float32)
  one = fit(sampler, x, KEY, steps=100, restarts=1, start=start)
  many = fit(sampler, x, KEY, steps=100, restarts=5, start=start)
  assert (many.error <= one.error + 1e-4).all()


def test_fit_begins_where_it_is_told():
  sampler = drawing()
  z = np.asarray(sampler.prior(KEY, 4))
  found = fit(sampler, sampler.generate(z), KEY, start=z, restarts=1, steps=1, learning_rate=1e-9)
  np.testing.assert_allclose(found.z, z, atol=1e-6)
  np.testing.assert_allclose(found.error, 0, atol=1e-5)


def test_fit_gives_what_else_the_networks_take_image_by_image():
  y = np.float32([[1], [2], [3]])
  sampler = drawing(lambda z, y: jnp.tanh(z @ A) + y, lambda x, y: {'features': x * y}, y=y)
  z = np.asarray(sampler.prior(jax.random.key(7), 3))
  x = np.asarray(jnp.tanh(z @ A) + y)
  found = fit(sampler, x, KEY, given=(y,), steps=300, restarts=4)
  np.testing.assert_allclose(found.image, x, atol=0.03)


def test_fit_refuses_what_has_no_z_or_no_features():
  with refused(' z '):
    fit(drawing(lambda: 0, prior=False), np.zeros((2, 8)), KEY)
  with refused('nets.D.heads', 'features=0'):
    fit(drawing(D=lambda x: x[:, 0]), np.zeros((2, 8)), KEY)


def test_main_of_fit_writes_what_was_found(tmp_path):
  config = perceptrons(rounds=2, checkpoint=dict(every=2, keep=1), nets__D__heads={})
  train.run(config, tmp_path / 'run')
  words = [f'--workdir={tmp_path}/run', '--split=test', '--n=5', '--steps=3', '--restarts=1']
  done = commands.run('gan_jax.fit', *words, f'--out={tmp_path}/fit.npz')
  assert done.status == 0, done.err
  says(done.out, '5 images', tmp_path / 'fit.npz')
  with np.load(tmp_path / 'fit.npz') as found:
    assert found['z'].shape == (5, 4)
    assert found['image'].shape == (5, 8, 8, 1)
    assert found['error'].shape == (5,)
  done = commands.run('gan_jax.fit', *words, f'--out={tmp_path}/x.png', f'--images={tmp_path}/no')
  assert done.status == 1
  says(done.err, 'gan_jax: ', tmp_path / 'no')
  assert not (tmp_path / 'x.png').exists()
