"""Filters: the guided gradient by hand, the strongest images by brute force, a whole figure."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import inside, pairs, priors, sampling
from gan_jax import step as steps
from gan_jax.data import transforms
from gan_jax.exposed import columns, exposed, last_maps
from gan_jax.figures import filters
from gan_jax.game import Net
from gan_jax.nets import dcgan, plain
from gan_jax.nets.layers import net
from gan_jax.objectives.gan import gan
from gan_jax.step import Game, Player
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 1), np.uint8)


def run(D, G=None):
  """A sampler of a game that was not played yet."""
  prior = priors.normal(4)
  nets = {'G': G or net(dcgan.Generator((16, 16, 1), width=2), jnp.zeros((2, 4))), 'D': D}
  players = {n: Player((n,), optax.sgd(0.1)) for n in 'DG'}
  game = Game(nets, players, gan(prior, pair=pairs.hinge()), {})
  make = sampling.make_sampler(game, prior, transforms.scale(), batch=16, calibration=2)
  return make(steps.init(game, KEY))


# Where D alone is looked into: a G without weights, of which nothing is compiled.
NO_G = Net(lambda key: {}, lambda params, z, key=None: jnp.zeros((len(z), 16, 16, 1)))


@pytest.fixture(scope='module')
def sampler():
  return run(net(dcgan.Discriminator(width=3), jnp.zeros((2, 16, 16, 1))), NO_G)


@pytest.fixture(scope='module')
def opened(sampler):
  """D laid open, with the images as it sees them."""
  return exposed(sampler, 'D', columns(source_of(IMAGES), 'train'))


@pytest.fixture(scope='module')
def looked(opened):
  """x -> (responses, maps) of D's last maps."""
  layer = last_maps(opened.layers, 'D')
  maps = lambda x: inside.seen(opened.function, [layer])(x)[0].before
  return jax.jit(lambda x: (filters.responses(opened.function, layer)(x), maps(x)))


@pytest.mark.parametrize('slope', [0.0, 0.25])
def test_gradients_of_two_layers_are_those_by_hand(slope):
  """x -> h = W1 x -> (leaky) ReLU -> y = W2 a: back through W2, positive and h > 0 only, and W1."""
  w1 = np.array([[1.0, -1, 2], [3, 1, -1]], np.float32)  # x f32[2] -> h f32[3]
  w2 = np.array([[2.0, -1], [1, 1], [-3, 2]], np.float32)  # -> y f32[2]

  class Two(nn.Module):
    @nn.compact
    def __call__(self, x):
      x = nn.leaky_relu(nn.Dense(3, use_bias=False)(x), slope)
      return nn.relu(nn.Dense(2, use_bias=False)(x))

  params = {'params': {'Dense_0': {'kernel': w1}, 'Dense_1': {'kernel': w2}}}
  function = lambda x: Two().apply(params, x)
  x = np.array([[2.0, 1], [1, -1], [-1, 1], [2.0, 1], [1, -1], [-1, 1]], np.float32)
  feature = np.array([0, 0, 0, 1, 1, 1])
  h = np.array([[5.0, -1, 3], [-2, -2, 3], [2, 2, -3]])
  np.testing.assert_allclose(x[:3] @ w1, h)
  layers = inside.find(function, x + 0.5)
  found = jax.jit(filters.gradients(function, layers, layers[-1]))(feature, x)
  expected = []
  for i, j in zip([0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 1], strict=True):
    top = np.maximum(np.asarray(w2)[:, j], 0)  # what comes back to a, positive
    expected.append(np.asarray(w1) @ (top * np.where(h[i] > 0, 1, slope)))
  np.testing.assert_allclose(found, expected, atol=1e-6)
  plain_ = jax.jit(filters.gradients(function, (), layers[-1]))(feature, x)
  expected = [
    np.asarray(w1) @ (np.asarray(w2)[:, j] * np.where(h[i] > 0, 1, slope))
    for i, j in zip([0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 1], strict=True)
  ]
  np.testing.assert_allclose(plain_, expected, atol=1e-6)


def test_responses_are_the_maxima_over_positions(opened, looked):
  found, maps = looked(opened.given[0])
  np.testing.assert_allclose(found, np.asarray(maps).max((1, 2)), rtol=1e-6)
  assert last_maps(opened.layers, 'D').kind == 'BatchNorm'


def test_gradients_unguided_are_of_the_strongest_position(opened, looked):
  """By finite differences."""
  layer, x = last_maps(opened.layers, 'D'), opened.given[0]
  feature = np.arange(len(x), dtype=np.int32) % 3
  slope = np.asarray(jax.jit(filters.gradients(opened.function, (), layer))(feature, x))
  look = lambda x: np.asarray(looked(x)[0])[np.arange(len(x)), feature]
  step = 1e-2 * np.random.default_rng(0).normal(size=x.shape).astype(np.float32)
  rise = (look(x + step) - look(x - step)) / 2
  np.testing.assert_allclose(rise[:3], np.sum(step * slope, (1, 2, 3))[:3], rtol=0.05, atol=1e-3)


def test_strongest_are_those_of_brute_force(opened, looked):
  best = filters.strongest(opened, last_maps(opened.layers, 'D'), features=4, most=3)
  top = np.asarray(looked(opened.given[0])[1]).max((1, 2))
  padded = np.resize(best.given[0], opened.given[0].shape)  # so that it is compiled once
  values = np.asarray(looked(padded)[0])[: len(best.feature)]
  for i, j in enumerate(best.feature):
    assert values[i, j] == pytest.approx(np.sort(top[:, j])[::-1][i % 3], rel=1e-5)
  assert best.feature.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_filters_differ_by_key_only_where_weights_are_fresh(sampler):
  source = source_of(IMAGES)
  found = filters.filters(sampler, source, KEY, features=3, columns=4)['filters']
  assert found.dtype == np.uint8
  assert found.ndim == 3
  third = found.shape[1] // 3
  assert (found[30:, :third] != found[30:, third : 2 * third]).any(), 'fresh weights, trained ones'
  other = filters.filters(sampler, source, jax.random.key(1), features=3, columns=4)['filters']
  assert (other[30:, : third - 20] != found[30:, : third - 20]).any()
  np.testing.assert_array_equal(other[:, -third:], found[:, -third:])
  first = filters.maximal(sampler, source, KEY, features=3, columns=4, layer='Conv_0')['maximal']
  assert first.shape[-1] == 1
  # A unit of the first layer sees 4x4 pixels of 16x16; the others are greyed.
  assert 0.02 < np.mean((first < 96) | ((first > 160) & (first < 255))) < 0.1


def test_shown_has_gradients_about_grey():
  slopes = np.zeros((2, 2, 2, 1))
  slopes[0, 0, 0], slopes[0, 1, 1] = 4, -2
  found = filters.shown(slopes)
  assert found[0, ..., 0].tolist() == [[255, 128], [128, 64]]
  assert (found[1] == 128).all()
  wide = np.zeros((1, 5, 5, 2))
  wide[0, 1, 3, 0] = wide[0, 2, 1, 1] = -1
  expected = np.zeros((5, 5), bool)
  expected[1:3, 1:4] = True
  np.testing.assert_array_equal(filters.within(wide)[0], expected)


def test_cut_leaves_the_largest_box_that_is_seen():
  images = np.arange(2 * 6 * 7).reshape(2, 6, 7, 1)
  boxes = np.zeros((2, 6, 7), bool)
  boxes[0, 1:3, 2:6] = boxes[1, 5:, 6:] = True
  found = filters.cut(images, boxes)
  np.testing.assert_array_equal(found[0], images[0, 1:3, 2:6])
  np.testing.assert_array_equal(found[1], images[1, 4:, 3:])
  np.testing.assert_array_equal(filters.cut(images, np.ones_like(boxes)), images)


class Pairs(nn.Module):
  """A D of images and their z."""

  @nn.compact
  def __call__(self, x, z):
    return nn.Dense(1)(jnp.concatenate([x.reshape(len(x), -1), z], axis=1))[:, 0]


def test_filters_refuse_what_cannot_be_had(sampler):
  source = source_of(IMAGES)
  with refused("'E'"):
    filters.filters(sampler, source, KEY, network='E')
  with refused("'Conv_9'", 'Conv_0'):
    filters.filters(sampler, source, KEY, layer='Conv_9')
  with refused('label'):
    filters.filters(sampler, source, KEY, inputs=('image', 'label'))
  of_pairs = run(net(Pairs(), jnp.zeros((2, 16, 16, 1)), jnp.zeros((2, 4))), NO_G)
  with refused('D ', 'inputs', 'image'):
    filters.filters(of_pairs, source, KEY)
  with refused('images'):
    filters.filters(sampler_of(IMAGES), source, KEY)
  with refused('D ', 'convolutions'):
    filters.filters(run(net(plain.Discriminator(), jnp.zeros((2, 16, 16, 1))), NO_G), source, KEY)
  with refused('images', '(2,)'):
    filters.filters(sampler, source_of(np.zeros((9, 2), np.float32)), KEY)
