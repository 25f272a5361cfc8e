"""Normalised weights and their start from data, against NumPy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import assemble
from gan_jax.nets import layers, weight_norm
from gan_jax.nets.dcgan_authors import UP
from tests.nets.drawn import normal, spec

pytestmark = pytest.mark.usefixtures('native_convolutions')

X = 3 + 2 * normal(50, 6, seed=5)
IMAGES = 1 + normal(20, 8, 8, 3, seed=6)

LAYERS = {
  'dense': (weight_norm.Dense(4, spread=0.7), X),
  'conv': (weight_norm.Conv(4, 3, 2, ((1, 1), (1, 1)), spread=0.7), IMAGES),
  'transposed': (weight_norm.ConvTranspose(4, 5, 2, UP, spread=0.7), IMAGES),
}
each = pytest.mark.parametrize('name', LAYERS)


@functools.cache
def made(name):
  """What the layer does, compiled once, its weights fitted to x, and x."""
  module, x = LAYERS[name]
  net = layers.net(module, x)
  return jax.jit(net.apply), net.init(jax.random.key(1)), x


@each
def test_layer_starts_with_mean_0_and_the_deviation_asked_for(name):
  apply, params, x = made(name)
  y = np.asarray(apply(params, x)).reshape(-1, 4)
  np.testing.assert_allclose(y.mean(0), np.zeros(4), atol=1e-5)
  np.testing.assert_allclose(y.std(0), np.full(4, 0.7), rtol=1e-4)


def test_dense_is_g_v_x_over_the_length_of_v_plus_b():
  apply, params, x = made('dense')
  params = {**params, 'scale': np.arange(1, 5, dtype=np.float32), 'bias': np.float32(np.arange(4))}
  v = np.asarray(params['kernel'], np.float64)
  expected = np.asarray(x) @ (v / np.sqrt((v**2).sum(0) + 1e-6)) * np.arange(1, 5) + np.arange(4)
  np.testing.assert_allclose(apply(params, x), expected, rtol=1e-5, atol=1e-5)


@each
def test_layer_heeds_only_the_direction_of_a_channels_kernel(name):
  apply, params, x = made(name)
  longer = {**params, 'kernel': np.asarray(params['kernel']) * np.float32([1, 2, 3, 40])}
  np.testing.assert_allclose(apply(longer, x), apply(params, x), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize('trained', [False, True])
def test_dense_trains_g_where_it_is_to_be(trained):
  net = layers.net(weight_norm.Dense(4, trained=trained), X)
  cost = lambda params: jnp.sum(net.apply(params, X) ** 3)
  slopes = jax.jit(jax.grad(cost))(made('dense')[1])
  assert np.any(slopes['scale']) == trained
  assert np.all(slopes['kernel'])
  assert np.all(slopes['bias'])


def test_dense_without_examples_or_a_spread_is_fitted_to_nothing():
  shape = spec((2, 6))
  for net in (
    layers.net(weight_norm.Dense(4), shape),
    layers.net(weight_norm.Dense(4, spread=None), X),
  ):
    params = net.init(jax.random.key(0))
    np.testing.assert_array_equal(params['scale'], jnp.ones(4))
    np.testing.assert_array_equal(params['bias'], jnp.zeros(4))


def test_dense_in_bfloat16_keeps_g_wide():
  net = layers.net(weight_norm.Dense(4), X, precision='bfloat16')
  params = made('dense')[1]
  wide = jax.jit(layers.net(weight_norm.Dense(4), X).apply)(params, X)
  narrow = jax.jit(net.apply)(params, X)
  assert narrow.dtype == jnp.float32
  np.testing.assert_allclose(narrow, wide, atol=0.1)
  assert np.abs(narrow - wide).max() > 0


def config(**d):
  """A game whose D and G are of these layers; `fit` is what is tried."""
  plain = dict(name='plain.Generator', inputs=['z'], hidden=[4], output='linear')
  net = dict(name='improved.DenseDiscriminator', inputs=['image'], hidden=[5], **d)
  sgd = dict(tx=dict(name='sgd', learning_rate=0.1))
  return dict(
    data='digits', transform=[dict(name='scale')], prior=dict(name='normal', dim=3),
    nets=dict(G=plain, D=net), objective=dict(name='gan', pair='hinge'), wrappers=[],
    players=dict(D=sgd, G=sgd), ema={},
  )  # fmt: skip


def test_net_of_a_config_is_fitted_to_the_data_as_networks_see_it():
  with_fit = config(fit=300, input_noise=0.0, noise=0.0)
  source, seen = assemble.open_source(with_fit), assemble.transform(with_fit)
  known = assemble.facts(source, seen)
  show = lambda n: assemble.shown(source, seen, n)
  net = assemble.game(with_fit, known, lambda: None, show).nets['D']
  logit = np.asarray(jax.jit(net.apply)(net.init(jax.random.key(0)), show(300)['image']))
  assert abs(logit.mean()) < 1e-5
  assert abs(logit.std() - 1) < 1e-4
  # A trained game is put together without data: the same weights by shape.
  without = assemble.game(with_fit, known, lambda: None).nets['D']
  shapes = lambda net: jax.eval_shape(net.init, jax.random.key(0))
  assert shapes(without) == shapes(net)


def test_shown_is_spread_over_the_data():
  source, seen = assemble.open_source(config()), assemble.transform(config())
  shown = assemble.shown(source, seen, 3)
  np.testing.assert_array_equal(shown['label'], source.arrays['label'][[0, 749, 1499]])
  expected = source.arrays['image'][[0, 749, 1499]] / 127.5 - 1
  np.testing.assert_allclose(shown['image'], expected, atol=1e-6)
