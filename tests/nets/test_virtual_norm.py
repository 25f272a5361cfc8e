"""Virtual batch normalisation against NumPy: images that depend on no others of their batch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import assemble
from gan_jax.nets import dcgan, layers, plain
from gan_jax.nets.virtual_norm import virtual_norm
from gan_jax.ops import norm
from tests.messages import refused
from tests.nets.drawn import normal, spec, weights

pytestmark = pytest.mark.usefixtures('native_convolutions')

ROWS = 8
PRIOR = lambda key, n: jax.random.normal(key, (n, 5))


def authors(x, reference, eps):
  """mean and mean of squares, mixed as n to 1 (imagenet/model.py, VBN): x, reference [B,H,W,C]."""
  x, reference = np.float64(x), np.float64(reference)
  new = 1 / (len(reference) + 1)
  mixed = lambda f: (
    (1 - new) * f(reference).mean((0, 1, 2)) + new * f(x).mean((1, 2), keepdims=True)
  )
  mean, square = mixed(lambda v: v), mixed(np.square)
  return (x - mean) / np.sqrt(eps + square - mean**2)


@pytest.mark.parametrize('shape', [(4, 4, 3), (6,)])
def test_batch_norm_with_a_share_is_the_authors(shape):
  x = 2 + 3 * np.random.default_rng(0).normal(size=(5, *shape)).astype(np.float32)
  reference = 1 + np.random.default_rng(1).normal(size=(ROWS, *shape)).astype(np.float32)
  net = layers.net(layers.BatchNorm(1e-5, affine=False), spec(x.shape))

  @jax.jit
  def normalised(x, reference):
    mean, var = norm.moments(reference)
    return net.apply({'mean': mean, 'var': var, 'share': jnp.float32(1 / (ROWS + 1))}, x)

  found = normalised(x, reference)
  image = lambda a: a.reshape(len(a), *shape) if len(shape) == 3 else a[:, None, None]
  expected = authors(image(x), image(reference), 1e-5).reshape(x.shape)
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.fixture(scope='module')
def virtual():
  """The network with and without a reference, its weights, and the reference."""
  bare = layers.net(dcgan.Generator((8, 8, 1), width=4), spec((2, 5)))
  net = bare._replace(**virtual_norm(bare, PRIOR, ('z',), rows=ROWS))
  params = weights(net)
  return bare, net, params, jax.jit(net.reparam_init)(jax.random.key(1), params)


def test_virtual_norm_ties_no_image_to_another_of_its_minibatch(virtual):
  bare, net, params, reference = virtual
  z = normal(4, 5)

  @jax.jit
  def drawn(params, z):
    effective, _ = net.reparam(params, reference)
    return net.apply(effective, z), jax.lax.map(lambda one: net.apply(effective, one[None])[0], z)

  together, alone = drawn(params, z)
  np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)
  apart = jax.jit(lambda params: bare.apply(params, z[:3]) - bare.apply(params, z)[:3])
  assert np.abs(apart(params)).max() > 1e-2


def test_virtual_norm_keeps_its_reference_and_follows_the_weights(virtual):
  _, net, params, reference = virtual
  np.testing.assert_array_equal(reference, PRIOR(jax.random.key(1), ROWS))
  effective = jax.jit(net.reparam)
  first, kept = effective(params, reference)
  np.testing.assert_array_equal(kept, reference)
  other, _ = effective(jax.tree.map(lambda p: 2 * p, params), reference)
  np.testing.assert_allclose(
    other['BatchNorm_0']['mean'], 2 * first['BatchNorm_0']['mean'], rtol=1e-4, atol=1e-6
  )
  assert net.statistics is None  # nothing is left to calibrate


def test_virtual_norm_passes_gradients_through_the_reference(virtual):
  _, net, params, reference = virtual
  z = normal(3, 5)
  cost = lambda params, at: jnp.sum(net.apply(net.reparam(params, at)[0], z) ** 2)
  slopes, through = jax.jit(jax.grad(cost, (0, 1)))(params, reference)
  assert jax.tree.structure(slopes) == jax.tree.structure(params)
  assert np.any(through)


def test_virtual_norm_of_a_config_needs_batch_norm():
  nets = dict(
    G=dict(
      name='dcgan.Generator', inputs=['z'], width=2, reparam=dict(name='virtual_norm', rows=3)
    ),
    D=dict(name='dcgan.Discriminator', inputs=['image'], width=2, norm='none'),
  )
  sgd = dict(tx=dict(name='sgd', learning_rate=0.1))
  config = dict(
    prior=dict(name='normal', dim=4), nets=nets, objective=dict(name='gan', pair='hinge'),
    wrappers=[], players=dict(D=sgd, G=sgd), ema={},
  )  # fmt: skip
  known = assemble.Facts((8, 8, 1), {'image': ((8, 8, 1), 'float32')}, 0, None, {})
  net = assemble.game(config, known, lambda: None).nets['G']
  params = jax.eval_shape(net.init, jax.random.key(0))
  assert jax.eval_shape(net.reparam_init, jax.random.key(0), params).shape == (3, 4)
  without = layers.net(plain.Generator((2,)), spec((2, 5)))
  with refused('virtual_norm', 'BatchNorm'):
    virtual_norm(without, PRIOR, ('z',))
