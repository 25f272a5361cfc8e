"""Inside a network: what is a layer, that it is seen as it is, and that a change is that change."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import inside
from gan_jax.nets import conv2014, dcgan, layers, resnet
from tests.messages import refused

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 16, 16, 2)).astype(np.float32)
Z = RNG.normal(size=(3, 5)).astype(np.float32)
WIDE = RNG.normal(size=(2, 32, 32, 1)).astype(np.float32)


def of(module, *examples):
  """(the function of the inputs, the weights)."""
  net = layers.net(module, *examples)
  params = jax.jit(net.init)(KEY)
  return (lambda *inputs, **options: net.apply(params, *inputs, **options)), params


@pytest.fixture(scope='module')
def discriminator():
  return of(dcgan.Discriminator(width=4), X)


@pytest.fixture(scope='module')
def generator():
  return of(dcgan.Generator((16, 16, 2), width=3), Z)[0]


def names(function, *inputs):
  return [(layer.name, layer.shape, layer.onward) for layer in inside.find(function, *inputs)]


def test_find_counts_a_layer_once_with_its_norm_and_where_it_goes(discriminator, generator):
  assert names(discriminator[0], X) == [
    ('Conv_0', (8, 8, 4), ('Conv_1',)),
    ('BatchNorm_0', (4, 4, 8), ('Dense_0',)),
    ('Dense_0', (1,), ()),
  ]
  assert names(generator, Z) == [
    ('BatchNorm_0', (4, 4, 6), ('ConvTranspose_0',)),
    ('BatchNorm_1', (8, 8, 3), ('ConvTranspose_1',)),
    ('ConvTranspose_1', (16, 16, 2), ()),
  ]


def test_find_goes_into_layers_and_past_what_only_passes_on():
  tower, _ = of(conv2014.Discriminator((4, 4, 4), hidden=6), WIDE)
  found = inside.find(tower, WIDE)
  assert [layer.kind for layer in found] == ['Conv', 'Conv', 'Conv', 'Dense', 'Dense']
  assert [layer.shape[-1] for layer in found] == [8, 8, 8, 30, 1]
  deep, _ = of(resnet.Discriminator(width=4, halved=1, kept=1), X)
  found = inside.find(deep, X)
  assert [layer.name for layer in found if 'First' in layer.name] == [
    f'First_0/Conv_{i}' for i in range(3)
  ]
  assert inside.named(found, 'Same_0/Conv_0').onward == ('Same_0/Conv_1',)


class Shared(nn.Module):
  """One layer used twice, whose second output goes two ways."""

  @nn.compact
  def __call__(self, x):
    dense = nn.Dense(5)
    x = nn.tanh(dense(nn.tanh(dense(x))))
    return nn.Dense(2)(x) + nn.Dense(2)(x)


def test_find_takes_a_module_called_twice_for_two_layers():
  function, _ = of(Shared(), Z)
  found = names(function, Z)
  assert found[0] == ('Dense_0', (5,), ('Dense_0:1',))
  assert found[1] == ('Dense_0:1', (5,), ('Dense_1', 'Dense_2'))
  twice = inside.changed(function, inside.find(function, Z)[1:2], lambda x: 2 * x, after=True)
  np.testing.assert_allclose(twice(Z), 2 * function(Z), rtol=1e-5)


def test_seen_is_what_the_layers_compute(discriminator):
  D, params = discriminator
  conv, norm, dense = jax.jit(inside.seen(D, inside.find(D, X)))(X)
  kernel = params['Conv_0']['kernel']
  y = jax.lax.conv_general_dilated(X, kernel, (2, 2), 'SAME',
                                   dimension_numbers=('NHWC', 'HWIO', 'NHWC'))  # fmt: skip
  np.testing.assert_allclose(conv.before, y, atol=1e-5)
  np.testing.assert_allclose(conv.after, nn.leaky_relu(y, 0.2), atol=1e-5)
  np.testing.assert_allclose(norm.after, nn.leaky_relu(norm.before, 0.2), atol=1e-6)
  logit = norm.after.reshape(3, -1) @ params['Dense_0']['kernel']
  np.testing.assert_allclose(dense.before, logit, atol=1e-5)
  np.testing.assert_allclose(D(X), logit[:, 0], atol=1e-5)


def test_changed_by_nothing_is_the_same_and_other_calls_do_not_know(generator):
  G = generator
  found = inside.find(G, Z)
  plain = np.asarray(G(Z))
  for after in (False, True):
    np.testing.assert_array_equal(inside.changed(G, found, lambda x: x, after=after)(Z), plain)
    np.testing.assert_array_equal(inside.changed(G, (), jnp.zeros_like, after=after)(Z), plain)
  np.testing.assert_array_equal(inside.changed(G, found[-1:], jnp.zeros_like)(Z), 0 * plain)
  np.testing.assert_array_equal(G(Z), plain)


def test_changed_after_is_a_change_of_the_activation(discriminator):
  """Zero maps are as if the next kernel had zeros there; before a leaky ReLU likewise."""
  D, params = discriminator
  first = inside.find(D, X)[:1]
  kept = jnp.array([1.0, 0, 1, 1])[None, None, None]
  found = jax.jit(inside.changed(D, first, lambda x: x * kept, after=True))(X)
  kernel = params['Conv_1']['kernel'].at[:, :, 1].set(0)
  net = layers.net(dcgan.Discriminator(width=4), X)
  expected = net.apply({**params, 'Conv_1': {'kernel': kernel}}, X)
  np.testing.assert_allclose(found, expected, atol=1e-5)


def test_seen_of_a_changed_function_is_changed(discriminator):
  D, _ = discriminator
  found = inside.find(D, X)
  half = inside.changed(D, found[:1], lambda x: x / 2)
  whole = inside.seen(D, found)(X)[0]
  seen = inside.seen(half, found)(X)[0]
  np.testing.assert_allclose(seen.before, whole.before / 2, rtol=1e-5)
  np.testing.assert_allclose(seen.after, whole.after / 2, rtol=1e-5)


def test_named_is_a_layer_by_its_name_and_maps_are_those_of_images(discriminator):
  D, _ = discriminator
  found = inside.find(D, X)
  assert [layer.name for layer in inside.maps(found)] == ['Conv_0', 'BatchNorm_0']
  with refused("'Conv_7'", 'Conv_0 (8, 8, 4)'):
    inside.named(found, 'Conv_7')
  with refused('Linen'):
    inside.find(lambda x: x, X)
