"""Encoders and autoencoders: what they return, and that their parts are put together.

Covers: nets/autoencoder.py, nets/began.py.
"""

import jax
import numpy as np
import pytest

from gan_jax import config
from gan_jax.nets import autoencoder, began, dcgan, layers
from gan_jax.nets.encoders import Gaussian, Perceptron, Point, Pyramid
from tests.nets.drawn import normal, spec, weights

pytestmark = pytest.mark.usefixtures('native_convolutions')

TRUNKS = {
  'perceptron': (Perceptron((6, 5)), (8, 8, 1)),
  'softplus': (Perceptron((6,), activation='softplus'), (2,)),
  'pyramid': (Pyramid(width=2), (16, 16, 3)),
  'pyramid, layer': (Pyramid(width=2, stages=1, norm='layer'), (8, 8, 1)),
  'pyramid, none': (Pyramid(width=2, norm='none'), (8, 16, 1)),
}
each_trunk = pytest.mark.parametrize('name', TRUNKS)


def shapes(module, shape, n=6):
  """The network, its weights and what it returns for n examples, all as shapes."""
  net = layers.net(module, spec((n, *shape)))
  params = jax.eval_shape(net.init, jax.random.key(0))
  return net, params, jax.eval_shape(net.apply, params, spec((n, *shape)))


def count(params):
  return sum(leaf.size for leaf in jax.tree.leaves(params))


@each_trunk
def test_point_and_gaussian_suit_every_trunk(name):
  trunk, shape = TRUNKS[name]
  assert shapes(Point(3, trunk), shape)[2].shape == (6, 3)
  net, params, q = shapes(Gaussian(3, trunk), shape)
  assert {n: a.shape for n, a in q.items()} == {'mean': (6, 3), 'log_variance': (6, 3)}
  assert set(params) == {'trunk', 'mean', 'log_variance'}
  assert (net.statistics is not None) == (name == 'pyramid')


def test_gaussian_begins_with_the_priors_variance_and_other_means():
  net = layers.net(Gaussian(3, Perceptron((6,))), spec((6, 8, 8, 1)))
  q = jax.jit(net.apply)(net.init(jax.random.key(1)), normal(6, 8, 8, 1))
  np.testing.assert_array_equal(q['log_variance'], 0)
  assert np.std(q['mean'], axis=0).min() > 0


def test_pyramid_is_what_dcgans_discriminator_does_before_its_logit():
  x = normal(6, 16, 16, 3)
  net = layers.net(dcgan.Discriminator(width=2, heads={}), spec(x.shape))
  params = weights(net)
  features = jax.jit(net.apply)(params, x)['features']
  trunk = layers.net(Pyramid(width=2), spec(x.shape))
  own = {name: p for name, p in params.items() if name != 'Dense_0'}
  np.testing.assert_array_equal(jax.jit(trunk.apply)(own, x), features)


@pytest.mark.parametrize('trunk', [Perceptron((6,)), Pyramid(width=2, norm='none')], ids=str)
def test_point_can_be_told_the_class(trunk):
  x, label = np.ones((4, 8, 8, 1), np.float32), np.int32([0, 1, 2, 0])
  net = layers.net(Point(3, trunk, classes=3), spec(x.shape), spec(label.shape, np.int32))
  z = np.asarray(jax.jit(net.apply)(weights(net), x, label))
  np.testing.assert_allclose(z[0], z[3], rtol=1e-5)
  assert not np.allclose(z[0], z[1])


def test_gaussian_of_a_config_has_the_trunk_that_it_names():
  of = dict(
    name='encoders.Gaussian', dim=3,
    trunk=dict(
      name='encoders.Perceptron', hidden=(6,),
      kernel_init=dict(name='jax.nn.initializers.normal', stddev=1e-3),
    ),
  )  # fmt: skip
  net = layers.net(config.build(of, 'nets', shape=(8, 8, 1)), spec((6, 8, 8, 1)))
  params = net.init(jax.random.key(1))
  assert np.abs(params['trunk']['Dense_0']['kernel']).max() < 6e-3


AUTOENCODERS = {
  'perceptron': (dict(name='autoencoder.perceptron', hidden=(6,), dim=3), (8, 8, 1)),
  'pyramid': (dict(name='autoencoder.pyramid', width=2, dim=3), (16, 16, 3)),
  'began': (dict(name='began.autoencoder', width=2, dim=3), (16, 16, 3)),
  'began, not square': (dict(name='began.autoencoder', width=2, dim=3), (28, 14, 1)),
}


@pytest.mark.parametrize('name', AUTOENCODERS)
def test_autoencoder_returns_images_of_the_datas_shape_and_its_code(name):
  of, shape = AUTOENCODERS[name]
  module = config.build(of, 'nets', shape=shape)
  assert isinstance(module, autoencoder.Autoencoder)
  net, params, out = shapes(module, shape)
  assert {n: a.shape for n, a in out.items()} == {'image': (6, *shape), 'code': (6, 3)}
  assert set(params) == {'encoder', 'decoder'}
  assert (net.statistics is None) == (name != 'pyramid')


@pytest.mark.parametrize('name', ['perceptron', 'began'])
def test_autoencoder_does_with_one_image_what_it_does_in_a_batch(name):
  of, shape = AUTOENCODERS[name]
  net, x = layers.net(config.build(of, 'nets', shape=shape), spec((3, *shape))), normal(3, *shape)

  @jax.jit
  def both(params):
    return net.apply(params, x)['image'][:1], net.apply(params, x[:1])['image']

  np.testing.assert_allclose(*both(weights(net)), rtol=1e-4, atol=1e-5)


def test_generator_of_began_has_the_weights_of_the_code_at_64_pixels():
  """papers.md, section 24."""
  shape = (64, 64, 3)
  g = layers.net(began.Generator(shape), spec((2, 64)))
  d = layers.net(began.autoencoder(shape), spec((2, *shape)))
  counts = [count(jax.eval_shape(net.init, jax.random.key(0))) for net in (g, d)]
  assert counts == [1_716_611, 13_405_379]


@pytest.mark.parametrize(
  ('side', 'smallest', 'halved'), [(64, 8, 3), (32, 8, 2), (28, 7, 2), (128, 8, 4), (48, 12, 2)]
)
def test_sizes_of_began_end_at_about_8_pixels(side, smallest, halved):
  assert began.sizes((side, side, 3)) == ((smallest, smallest), halved)
