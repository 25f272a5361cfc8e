"""R3GAN's networks against the authors' preset, and a reference of their own blocks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from gan_jax.errors import InputError
from gan_jax.nets import layers, r3gan

KEY = jax.random.key(0)
LAYOUT = ('NHWC', 'HWIO', 'NHWC')


def shapes(module, *inputs):
  net = layers.net(module, *[jax.ShapeDtypeStruct((2, *s), d) for s, d in inputs])
  return jax.eval_shape(net.init, KEY)


def size(tree):
  return sum(leaf.size for leaf in jax.tree.leaves(tree))


Z, LABEL, IMAGE = ((64,), jnp.float32), ((), jnp.int32), ((32, 32, 3), jnp.float32)
BLOCK = 2 * 768 * 1536 + 9 * 16 * 1536 + 2 * 1536  # A and C, B in 96 groups of 16, two biases


def test_the_preset_has_96_groups_and_the_weights_that_its_blocks_have():
  G = shapes(r3gan.Generator((32, 32, 3), classes=10), Z, LABEL)
  assert G['Block_0']['Grouped_0']['kernel'].shape == (3, 3, 1536 // 96, 1536)
  assert size(G['Block_0']) == BLOCK
  assert [n for n in G if n.startswith('Block')] == [f'Block_{i}' for i in range(8)]
  # the class's embedding, the basis and its map, eight blocks, and the map to colours
  assert size(G) == 10 * 64 + 16 * 768 + 128 * 768 + 8 * BLOCK + 768 * 3
  D = shapes(r3gan.Discriminator(classes=10), IMAGE, LABEL)
  assert size(D) == 3 * 768 + 8 * BLOCK + 16 * 768 + 768 * 768 + 10 * 768


def test_widths_may_differ_and_a_1x1_convolution_then_joins_the_stages():
  G = shapes(r3gan.Generator((16, 16, 3), width=(16, 16, 8)), Z)
  assert 'Dense_1' in G  # from 16 to 8
  assert G['Dense_1']['kernel'].shape == (16, 8)
  D = shapes(r3gan.Discriminator(width=(16, 16, 8)), ((16, 16, 3), jnp.float32))
  assert D['Dense_0']['kernel'].shape == (3, 8)
  assert D['Dense_1']['kernel'].shape == (8, 16)
  with pytest.raises(InputError, match='2 entries for 3 layers'):
    shapes(r3gan.Generator((16, 16, 3), width=(16, 8)), Z)
  with pytest.raises(InputError, match='12 channels do not part into groups of 16'):
    shapes(r3gan.Generator((16, 16, 3), width=6), Z)


def test_initial_kernels_have_the_authors_deviations():
  G = layers.net(r3gan.Generator((16, 16, 3), width=64), jnp.zeros((2, 64))).init(KEY)
  blocks, gain = 6, (2 / 1.04) ** 0.5
  deviation = lambda fan_in: gain * blocks**-0.25 / fan_in**0.5
  block = G['Block_2']
  for name, fan_in in (('Dense_0', 64), ('Grouped_0', 9 * 16)):
    assert np.std(block[name]['kernel']) == pytest.approx(deviation(fan_in), rel=0.05)
  assert not np.any(block['Dense_1']['kernel'])
  assert np.std(G['basis']) == pytest.approx(1, rel=0.1)
  assert np.std(G['Dense_0']['kernel']) == pytest.approx(64**-0.5, rel=0.1)


def test_at_first_both_are_linear_and_g_draws_low_frequencies():
  z = jax.random.normal(KEY, (3, 8))
  net = layers.net(r3gan.Generator((16, 16, 3), width=16), z)
  params = net.init(KEY)
  draw = jax.jit(net.apply)
  np.testing.assert_allclose(draw(params, 2 * z), 2 * draw(params, z), rtol=1e-4, atol=1e-5)
  x = jax.random.normal(KEY, (3, 16, 16, 3))
  net = layers.net(r3gan.Discriminator(width=16), x)
  params = net.init(KEY)
  judge = jax.jit(net.apply)
  np.testing.assert_allclose(judge(params, 2 * x), 2 * judge(params, x), rtol=1e-4, atol=1e-5)


def test_a_block_is_the_papers():
  rng = np.random.default_rng(0)
  x = rng.normal(size=(2, 4, 4, 8)).astype(np.float32)
  block = r3gan.Block(4, 2, 1)
  params = block.init(KEY, x)['params']
  params = jax.tree.map(lambda p: np.float32(rng.normal(size=p.shape)), params)
  leaky = lambda v: np.where(v > 0, v, 0.2 * v)
  y = leaky(x @ params['Dense_0']['kernel'] + params['Activation_0']['bias'])
  y = lax.conv_general_dilated(
    np.float32(y), params['Grouped_0']['kernel'], (1, 1), 'SAME', dimension_numbers=LAYOUT,
    feature_group_count=4,
  )  # fmt: skip
  y = leaky(np.asarray(y) + params['Activation_1']['bias'])
  expected = x + y @ params['Dense_1']['kernel']
  np.testing.assert_allclose(block.apply({'params': params}, x), expected, rtol=1e-4, atol=1e-4)


def test_a_class_is_judged_by_the_product_with_its_embedding():
  x, label = jax.random.normal(KEY, (4, 8, 8, 1)), jnp.array([0, 1, 2, 1])
  net = layers.net(r3gan.Discriminator(width=8, classes=3, embedding=5), x, label)
  params = net.init(KEY)
  alone = layers.net(r3gan.Discriminator(width=8, heads={}), x)
  features = alone.apply(
    {k: v for k, v in params.items() if k not in ('Dense_1', 'Projection_0')}
    | {'Dense_1': {'kernel': jnp.zeros((8, 1))}}, x,
  )['features']  # fmt: skip
  code = params['Projection_0']['Dense_0']['kernel'][label]
  expected = jnp.sum((features @ params['Dense_1']['kernel']) * code, axis=1)
  np.testing.assert_allclose(net.apply(params, x, label), expected, rtol=1e-4, atol=1e-5)


def test_told_the_class_it_has_no_heads():
  with pytest.raises(InputError, match='no heads'):
    shapes(r3gan.Discriminator(width=8, classes=3, heads={}), IMAGE, LABEL)


def test_narrow_stages_multiply_in_bfloat16_and_the_others_do_not():
  x = jax.random.normal(KEY, (2, 16, 16, 3))
  judge = lambda n: layers.net(r3gan.Discriminator(width=8, narrow=n), x)
  params = judge(0).init(KEY)
  noise = lambda p: p + 0.1 * jax.random.normal(KEY, p.shape)
  params = jax.tree.map(noise, params)
  exact, rounded = (np.asarray(jax.jit(judge(n).apply)(params, x)) for n in (0, 2))
  assert rounded.dtype == np.float32
  assert np.any(exact != rounded)
  np.testing.assert_allclose(rounded, exact, rtol=0.1, atol=0.1)
  text = jax.jit(judge(1).apply).lower(params, x).as_text()
  assert 'bf16' in text
  assert 'bf16' not in jax.jit(judge(0).apply).lower(params, x).as_text()
