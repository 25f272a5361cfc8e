"""Encoders and autoencoders: what they return, and that their parts are put together."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import config
from gan_jax.nets import autoencoder, began, dcgan, layers
from gan_jax.nets.encoders import Gaussian, Perceptron, Point, Pyramid

TRUNKS = {
  'perceptron': (Perceptron((6, 5)), (8, 8, 1)),
  'softplus': (Perceptron((6,), activation='softplus'), (2,)),
  'pyramid': (Pyramid(width=2), (16, 16, 3)),
  'pyramid, layer': (Pyramid(width=2, stages=1, norm='layer'), (8, 8, 1)),
  'pyramid, none': (Pyramid(width=2, norm='none'), (8, 16, 1)),
}
each_trunk = pytest.mark.parametrize('name', TRUNKS)


def made(module, shape, n=6):
  x = jax.random.normal(jax.random.key(0), (n, *shape))
  net = layers.net(module, x)
  return net, net.init(jax.random.key(1)), x


def count(params):
  return sum(leaf.size for leaf in jax.tree.leaves(params))


@each_trunk
def test_either_end_suits_every_trunk(name):
  trunk, shape = TRUNKS[name]
  net, params, x = made(Point(3, trunk), shape)
  assert net.apply(params, x).shape == (6, 3)
  net, params, x = made(Gaussian(3, trunk), shape)
  q = net.apply(params, x)
  assert {n: a.shape for n, a in q.items()} == {'mean': (6, 3), 'log_variance': (6, 3)}
  assert set(params) == {'trunk', 'mean', 'log_variance'}
  assert (net.statistics is not None) == (name == 'pyramid')


def test_a_gaussian_begins_with_the_variance_of_the_prior_and_means_that_differ():
  net, params, x = made(Gaussian(3, Perceptron((6,))), (8, 8, 1))
  q = net.apply(params, x)
  np.testing.assert_array_equal(q['log_variance'], 0)
  assert np.std(q['mean'], axis=0).min() > 0


def test_a_pyramid_is_what_dcgans_discriminator_does_before_its_logit():
  net, params, x = made(dcgan.Discriminator(width=2, heads={}), (16, 16, 3))
  features = net.apply(params, x)['features']
  trunk = layers.net(Pyramid(width=2), x)
  own = {name: p for name, p in params.items() if name != 'Dense_0'}
  np.testing.assert_array_equal(trunk.apply(own, x), features)


def test_an_encoder_can_be_told_the_class():
  x, label = jnp.ones((4, 8, 8, 1)), jnp.array([0, 1, 2, 0])
  for trunk in (Perceptron((6,)), Pyramid(width=2, norm='none')):
    net = layers.net(Point(3, trunk, classes=3), x, label)
    z = net.apply(net.init(jax.random.key(0)), x, label)
    np.testing.assert_allclose(z[0], z[3], rtol=1e-5)
    assert not np.allclose(z[0], z[1])


def test_a_config_puts_trunk_and_end_together():
  spec = dict(
    name='encoders.Gaussian', dim=3,
    trunk=dict(
      name='encoders.Perceptron', hidden=(6,),
      kernel_init=dict(name='jax.nn.initializers.normal', stddev=1e-3),
    ),
  )  # fmt: skip
  _, params, _ = made(config.build(spec, 'nets', shape=(8, 8, 1)), (8, 8, 1))
  assert np.abs(params['trunk']['Dense_0']['kernel']).max() < 6e-3


AUTOENCODERS = {
  'perceptron': (dict(name='autoencoder.perceptron', hidden=(6,), dim=3), (8, 8, 1)),
  'pyramid': (dict(name='autoencoder.pyramid', width=2, dim=3), (16, 16, 3)),
  'began': (dict(name='began.autoencoder', width=2, dim=3), (16, 16, 3)),
  'began, not square': (dict(name='began.autoencoder', width=2, dim=3), (28, 14, 1)),
}


@pytest.mark.parametrize('name', AUTOENCODERS)
def test_an_autoencoder_returns_images_of_the_datas_shape_and_its_code(name):
  spec, shape = AUTOENCODERS[name]
  module = config.build(spec, 'nets', shape=shape)
  assert isinstance(module, autoencoder.Autoencoder)
  net, params, x = made(module, shape)
  out = net.apply(params, x)
  assert {n: a.shape for n, a in out.items()} == {'image': (6, *shape), 'code': (6, 3)}
  assert set(params) == {'encoder', 'decoder'}
  if net.statistics is None:  # else the images of a batch are tied together
    alone = net.apply(params, x[:1])
    np.testing.assert_allclose(alone['image'], out['image'][:1], rtol=1e-4, atol=1e-5)


def test_began_has_exactly_the_weights_of_the_code_at_64_pixels():
  """papers.md, section 24."""
  shape = (64, 64, 3)
  g = layers.net(began.Generator(shape), jax.ShapeDtypeStruct((2, 64), jnp.float32))
  d = layers.net(began.autoencoder(shape), jax.ShapeDtypeStruct((2, *shape), jnp.float32))
  counts = [count(jax.eval_shape(net.init, jax.random.key(0))) for net in (g, d)]
  assert counts == [1_716_611, 13_405_379]


@pytest.mark.parametrize(
  ('side', 'smallest', 'halved'), [(64, 8, 3), (32, 8, 2), (28, 7, 2), (128, 8, 4), (48, 12, 2)]
)
def test_began_ends_at_about_8_pixels(side, smallest, halved):
  assert began.sizes((side, side, 3)) == ((smallest, smallest), halved)
