"""R3GAN's networks against the authors' preset, and a reference of their own blocks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from gan_jax.nets import layers, r3gan
from tests.messages import refused
from tests.nets import drawn
from tests.nets.drawn import normal, size, spec, weights

KEY = jax.random.key(0)
native = pytest.mark.usefixtures('native_convolutions')
LAYOUT = ('NHWC', 'HWIO', 'NHWC')


def shapes(module, *inputs):
  return drawn.shapes(module, *[spec((2, *s), d) for s, d in inputs])


Z, LABEL, IMAGE = ((64,), jnp.float32), ((), jnp.int32), ((32, 32, 3), jnp.float32)
BLOCK = 2 * 768 * 1536 + 9 * 16 * 1536 + 2 * 1536  # A and C, B in 96 groups of 16, two biases


def test_generator_of_the_preset_has_96_groups_and_the_weights_of_8():
  G = shapes(r3gan.Generator((32, 32, 3), classes=10), Z, LABEL)
  assert G['Block_0']['Grouped_0']['kernel'].shape == (3, 3, 1536 // 96, 1536)
  assert size(G['Block_0']) == BLOCK
  assert [n for n in G if n.startswith('Block')] == [f'Block_{i}' for i in range(8)]
  # the class's embedding, the basis and its map, eight blocks, and the map to colours
  assert size(G) == 10 * 64 + 16 * 768 + 128 * 768 + 8 * BLOCK + 768 * 3
  D = shapes(r3gan.Discriminator(classes=10), IMAGE, LABEL)
  assert size(D) == 3 * 768 + 8 * BLOCK + 16 * 768 + 768 * 768 + 10 * 768


def test_generator_joins_stages_of_different_widths_by_1x1():
  G = shapes(r3gan.Generator((16, 16, 3), width=(16, 16, 8)), Z)
  assert 'Dense_1' in G  # from 16 to 8
  assert G['Dense_1']['kernel'].shape == (16, 8)
  D = shapes(r3gan.Discriminator(width=(16, 16, 8)), ((16, 16, 3), jnp.float32))
  assert D['Dense_0']['kernel'].shape == (3, 8)
  assert D['Dense_1']['kernel'].shape == (8, 16)
  with refused('width=(16, 8)', 2, 3):
    shapes(r3gan.Generator((16, 16, 3), width=(16, 8)), Z)
  with refused(12, 16):
    shapes(r3gan.Generator((16, 16, 3), width=6), Z)


def test_generator_starts_with_the_authors_deviations():
  G = layers.net(r3gan.Generator((8, 8, 3), width=64), spec((2, 64))).init(KEY)
  blocks, gain = 4, (2 / 1.04) ** 0.5
  deviation = lambda fan_in: gain * blocks**-0.25 / fan_in**0.5
  block = G['Block_2']
  for name, fan_in in (('Dense_0', 64), ('Grouped_0', 9 * 16)):
    assert np.std(block[name]['kernel']) == pytest.approx(deviation(fan_in), rel=0.05)
  assert not np.any(block['Dense_1']['kernel'])
  assert np.std(G['basis']) == pytest.approx(1, rel=0.1)
  assert np.std(G['Dense_0']['kernel']) == pytest.approx(64**-0.5, rel=0.1)


def at_first(params):
  """Weights of these shapes, of which the last kernel of each block is 0, as they begin."""
  last = lambda path: path[0].key.startswith('Block') and path[1].key == 'Dense_1'
  return jax.tree_util.tree_map_with_path(
    lambda path, a: np.zeros_like(a) if last(path) else a, params
  )


def test_block_starts_as_the_identity():
  x = normal(2, 4, 4, 8)
  block = r3gan.Block(4, 2, 1)
  params = jax.jit(block.init)(KEY, x)
  assert not np.any(params['params']['Dense_1']['kernel'])
  np.testing.assert_array_equal(jax.jit(block.apply)(params, x), x)


@native
@pytest.mark.parametrize(('module', 'shape'), [
  (r3gan.Generator((8, 8, 3), width=16, blocks=1), (8,)),
  (r3gan.Discriminator(width=16, blocks=1), (8, 8, 3)),
], ids=['G', 'D'])  # fmt: skip
def test_net_whose_blocks_are_identities_is_linear(module, shape):
  net, x = layers.net(module, spec((3, *shape))), normal(3, *shape)
  params, apply = at_first(weights(net)), jax.jit(net.apply)
  np.testing.assert_allclose(apply(params, 2 * x), 2 * apply(params, x), rtol=1e-4, atol=1e-5)


def test_block_is_the_papers():
  rng = np.random.default_rng(0)
  x = rng.normal(size=(2, 4, 4, 8)).astype(np.float32)
  block = r3gan.Block(4, 2, 1)
  params = jax.eval_shape(block.init, KEY, x)['params']
  params = jax.tree.map(lambda p: np.float32(rng.normal(size=p.shape)), params)
  leaky = lambda v: np.where(v > 0, v, 0.2 * v)
  y = leaky(x @ params['Dense_0']['kernel'] + params['Activation_0']['bias'])
  y = lax.conv_general_dilated(
    np.float32(y), params['Grouped_0']['kernel'], (1, 1), 'SAME', dimension_numbers=LAYOUT,
    feature_group_count=4,
  )  # fmt: skip
  y = leaky(np.asarray(y) + params['Activation_1']['bias'])
  expected = x + y @ params['Dense_1']['kernel']
  found = jax.jit(block.apply)({'params': params}, x)
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@native
def test_discriminator_judges_by_the_product_with_a_classs_embedding():
  x, label = normal(4, 8, 8, 1), np.int32([0, 1, 2, 1])
  module = r3gan.Discriminator(width=8, blocks=1, classes=3, embedding=5)
  net = layers.net(module, spec(x.shape), spec(label.shape, np.int32))
  params = weights(net)
  alone = layers.net(r3gan.Discriminator(width=8, blocks=1, heads={}), spec(x.shape))
  own = {k: v for k, v in params.items() if k not in ('Dense_1', 'Projection_0')}
  own['Dense_1'] = {'kernel': np.zeros((8, 1), np.float32)}
  features = np.asarray(jax.jit(alone.apply)(own, x)['features'])
  code = params['Projection_0']['Dense_0']['kernel'][label]
  expected = np.sum((features @ params['Dense_1']['kernel']) * code, axis=1)
  found = jax.jit(net.apply)(params, x, label)
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_discriminator_told_the_class_has_no_heads():
  with refused('heads', 'class'):
    shapes(r3gan.Discriminator(width=8, classes=3, heads={}), IMAGE, LABEL)


@native
def test_discriminator_multiplies_its_narrow_stages_in_bfloat16():
  x = normal(2, 8, 8, 3)
  judge = lambda n: layers.net(r3gan.Discriminator(width=8, blocks=1, narrow=n), spec(x.shape))
  params = weights(judge(0))
  exact, rounded = (jax.jit(judge(n).apply).lower(params, x) for n in (0, 1))
  assert 'bf16' not in exact.as_text()
  assert 'bf16' in rounded.as_text()
  exact, rounded = (np.asarray(program.compile()(params, x)) for program in (exact, rounded))
  assert rounded.dtype == np.float32
  assert np.any(exact != rounded)
  np.testing.assert_allclose(rounded, exact, rtol=0.1, atol=0.1)
