"""A network laid open: which rows it is shown, as what, and what it has in it."""

from types import SimpleNamespace

import flax.linen as nn
import jax
import numpy as np
import pytest

from gan_jax import exposed as module
from gan_jax.exposed import as_seen, columns, exposed, last_maps
from gan_jax.nets.layers import net
from tests.messages import refused
from tests.metrics.standing import source_of

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 1)).astype(np.uint8)
LABELS = np.arange(10)


class Two(nn.Module):
  """Maps, and a verdict."""

  @nn.compact
  def __call__(self, x):
    x = nn.relu(nn.Conv(3, (3, 3))(x))
    return nn.Dense(1)(x.reshape(len(x), -1))[:, 0]


@pytest.fixture(scope='module')
def sampler():
  """What `exposed` asks of one: `see`, and a network by its name, of its weights or of new ones."""
  network = net(Two(), jax.ShapeDtypeStruct((2, 4, 4, 1), np.float32))
  weights = {}

  def function(name, *given, key=None):
    of = str(key)
    weights.setdefault(of, network.init(jax.random.key(0) if key is None else key))
    weights['rows'] = len(given[0])
    return lambda *inputs: network.apply(weights[of], *inputs)

  return SimpleNamespace(see=lambda a: a / np.float32(255), function=function, weights=weights)


def test_columns_are_spread_evenly_over_the_split():
  source = source_of(IMAGES, LABELS, test=(IMAGES[:4], LABELS[:4]))
  found = columns(source, 'train', ('image', 'label'), 4)
  assert found['label'].tolist() == [0, 2, 5, 7]
  np.testing.assert_array_equal(found['image'], IMAGES[[0, 2, 5, 7]])
  assert len(columns(source, 'test')['image']) == len(columns(source, 'test', n=99)['image']) == 4


def test_columns_refuses_what_is_not_there_and_points():
  with refused('label'):
    columns(source_of(IMAGES), 'train', ('image', 'label'))
  with refused((2,)):
    columns(source_of(np.zeros((5, 2), np.float32)), 'train')


def test_as_seen_changes_images_alone(sampler):
  image, label = as_seen(sampler, {'image': IMAGES, 'label': LABELS})
  np.testing.assert_array_equal(image, IMAGES / np.float32(255))
  assert label is LABELS


def test_exposed_is_the_network_its_layers_and_its_inputs(sampler, monkeypatch):
  monkeypatch.setattr(module, 'MANY', 6)  # by which BatchNorm would get its statistics
  found = exposed(sampler, 'D', {'image': IMAGES})
  assert sampler.weights['rows'] == 6
  assert [(layer.name, layer.shape) for layer in found.layers] == [
    ('Conv_0', (4, 4, 3)), ('Dense_0', (1,))
  ]  # fmt: skip
  np.testing.assert_array_equal(found.given[0], IMAGES / np.float32(255))
  fresh = exposed(sampler, 'D', {'image': IMAGES}, jax.random.key(7))
  outs = [np.asarray(one.function(one.given[0])) for one in (found, fresh)]
  assert outs[0].shape == (10,)
  assert np.abs(outs[0] - outs[1]).max() > 1e-3


def test_exposed_refuses_other_inputs_than_the_network_takes(sampler):
  with refused('D', 'image, label'):
    exposed(sampler, 'D', {'image': IMAGES, 'label': LABELS})


def test_last_maps_is_the_layer_named_or_the_last_with_maps(sampler):
  layers = exposed(sampler, 'D', {'image': IMAGES}).layers
  assert last_maps(layers, 'D').name == 'Conv_0'
  assert last_maps(layers, 'D', 'Dense_0').name == 'Dense_0'
  with refused("'Conv_7'", 'Conv_0'):
    last_maps(layers, 'D', 'Conv_7')
  with refused('D', 'maps'):
    last_maps(layers[1:], 'D')
