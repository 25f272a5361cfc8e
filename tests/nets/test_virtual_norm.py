"""Virtual batch normalisation against NumPy: images that depend on no others of their batch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import assemble
from gan_jax.errors import InputError
from gan_jax.nets import dcgan, layers, plain
from gan_jax.nets.virtual_norm import virtual_norm
from gan_jax.ops import norm

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
def test_the_layer_is_the_authors(shape):
  x = 2 + 3 * np.random.default_rng(0).normal(size=(5, *shape)).astype(np.float32)
  reference = 1 + np.random.default_rng(1).normal(size=(ROWS, *shape)).astype(np.float32)
  net = layers.net(layers.BatchNorm(1e-5, affine=False), jnp.asarray(x))
  mean, var = norm.moments(jnp.asarray(reference))
  share = jnp.float32(1 / (ROWS + 1))
  found = net.apply({'mean': mean, 'var': var, 'share': share}, jnp.asarray(x))
  image = lambda a: a.reshape(len(a), *shape) if len(shape) == 3 else a[:, None, None]
  expected = authors(image(x), image(reference), 1e-5).reshape(x.shape)
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def virtual():
  net = layers.net(dcgan.Generator((8, 8, 1), width=4), jax.ShapeDtypeStruct((2, 5), jnp.float32))
  net = net._replace(**virtual_norm(net, PRIOR, ('z',), rows=ROWS))
  params = net.init(jax.random.key(0))
  return net, params, net.reparam_init(jax.random.key(1), params)


def test_an_image_depends_on_no_other_of_its_minibatch():
  net, params, reference = virtual()
  effective, _ = net.reparam(params, reference)
  z = PRIOR(jax.random.key(2), 6)
  together = net.apply(effective, z)
  alone = jnp.concatenate([net.apply(effective, one[None]) for one in z])
  np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)
  plain_net = layers.net(dcgan.Generator((8, 8, 1), width=4), z)
  assert np.abs(plain_net.apply(params, z[:3]) - plain_net.apply(params, z)[:3]).max() > 1e-2


def test_the_reference_is_drawn_once_and_kept_and_its_statistics_move_with_the_weights():
  net, params, reference = virtual()
  np.testing.assert_array_equal(reference, PRIOR(jax.random.key(1), ROWS))
  first, kept = net.reparam(params, reference)
  np.testing.assert_array_equal(kept, reference)
  other, _ = net.reparam(jax.tree.map(lambda p: 2 * p, params), reference)
  np.testing.assert_allclose(
    other['BatchNorm_0']['mean'], 2 * first['BatchNorm_0']['mean'], rtol=1e-4, atol=1e-6
  )
  assert net.statistics is None  # nothing is left to calibrate


def test_gradients_flow_through_the_references_statistics():
  net, params, reference = virtual()
  z = PRIOR(jax.random.key(2), 3)
  cost = lambda params, at: jnp.sum(net.apply(net.reparam(params, at)[0], z) ** 2)
  slopes = jax.grad(cost)(params, reference)
  assert jax.tree.structure(slopes) == jax.tree.structure(params)
  through = jax.grad(cost, argnums=1)(params, reference)
  assert bool(jnp.any(through != 0))


def test_a_config_names_it_and_a_network_that_it_does_not_suit_is_refused():
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
  without = layers.net(plain.Generator((2,)), jax.ShapeDtypeStruct((2, 5), jnp.float32))
  with pytest.raises(InputError, match='BatchNorm'):
    virtual_norm(without, PRIOR, ('z',))
