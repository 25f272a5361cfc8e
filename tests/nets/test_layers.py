"""The shared layers against NumPy, and what their failures say.

Covers: nets/initializers.py, nets/mlp.py, nets/plain.py, nets/pyramid.py, nets/tfd.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.nets import dcgan, initializers, layers, mlp, plain, tfd, wgan_gp
from gan_jax.nets.pyramid import ceil_halvings, halvings
from tests.messages import refused
from tests.nets.drawn import normal, spec, weights

KEY = jax.random.key(0)


def test_batch_norm_is_numpys():
  x = 30 + 5 * normal(4, 3, 2, 5)
  net = layers.net(layers.BatchNorm(1e-8), spec(x.shape))
  params = net.init(jax.random.key(1))
  assert 0 < np.abs(np.asarray(params['scale']) - 1).mean() < 0.1
  a = np.asarray(x, np.float64).reshape(-1, 5)
  expected = (a - a.mean(0)) / np.sqrt(a.var(0) + 1e-8) * np.asarray(params['scale'])
  found = jax.jit(net.apply)(params, x)
  np.testing.assert_allclose(found.reshape(-1, 5), expected, atol=2e-5)


def test_batch_norm_of_a_nearly_constant_channel():
  """An epsilon of 1e-8 needs the two-pass variance: E[x²] - E[x]² is off by 6e-8 x²."""
  x = 100 + 1e-3 * normal(512, 3)
  net = layers.net(layers.BatchNorm(1e-8, affine=False), spec(x.shape))
  assert net.init(KEY) == {}
  np.testing.assert_allclose(np.std(jax.jit(net.apply)({}, x), 0), np.ones(3), rtol=0.02)


def test_layer_norm_is_numpys():
  x = 3 + 2 * normal(4, 3, 2, 5)
  net = layers.net(layers.LayerNorm(), spec(x.shape))
  a = np.asarray(x, np.float64).reshape(4, -1)
  expected = (a - a.mean(1, keepdims=True)) / np.sqrt(a.var(1, keepdims=True) + 1e-5)
  y = jax.jit(net.apply)(net.init(KEY), x)
  np.testing.assert_allclose(y.reshape(4, -1), expected, atol=1e-5)


def test_dropout_falls_only_with_a_key_and_keeps_the_mean():
  x = np.ones((200, 100), np.float32)
  net = layers.net(layers.Dropout(0.8), spec(x.shape))
  np.testing.assert_array_equal(net.apply({}, x), x)
  drop = jax.jit(net.apply)
  y = np.asarray(drop({}, x, key=KEY))
  np.testing.assert_allclose(np.unique(y), [0, 1.25])
  assert abs(y.mean() - 1) < 0.02
  assert np.any(y != drop({}, x, key=jax.random.key(1)))


def test_discriminator_drops_the_input_of_each_layer():
  """With one unit of weight 1 per layer the logit is a product of what dropout let through."""
  net = layers.net(mlp.Discriminator(hidden=(1,), pieces=1), spec((4000, 1)))
  params = {
    name: {'kernel': np.ones_like(p['kernel']), 'bias': np.zeros_like(p['bias'])}
    for name, p in weights(net).items()
  }
  logits = np.asarray(jax.jit(net.apply)(params, np.ones((4000, 1), np.float32), key=KEY))
  np.testing.assert_allclose(np.unique(logits), [0, 2.5])  # 1/.8 · 1/.5
  assert abs((logits > 0).mean() - 0.4) < 0.03  # .8 · .5


def test_maxout_takes_consecutive_groups():
  x = jnp.array([[1.0, 5.0, 2.0, 0.0, -1.0, -7.0]])
  np.testing.assert_array_equal(mlp.maxout(x, 3), [[5, 0]])
  np.testing.assert_array_equal(mlp.maxout(x, 2), [[5, 2, -1]])


BF16 = {
  'DCGAN': (dcgan.Generator((16, 16, 3), width=32), (32, 8)),
  'MLP': (mlp.Generator((4, 4, 1), hidden=(64, 64), activations='tanh'), (32, 8)),
  'WGAN-GP': (wgan_gp.Discriminator(width=32, norm='layer'), (32, 16, 16, 3)),
}


@pytest.mark.parametrize('case', ['DCGAN', 'MLP', pytest.param('WGAN-GP', marks=pytest.mark.slow)])
def test_net_in_bfloat16_multiplies_narrow_and_returns_float32(case):
  """Outputs and gradients are float32 and near the float32 ones; big products are narrow."""
  module, shape = BF16[case]
  x = normal(*shape, seed=1)
  wide, narrow = (layers.net(module, spec(shape), precision=p) for p in ('float32', 'bfloat16'))
  params = wide.init(KEY)

  def value(net):
    of = lambda p: jnp.mean(jnp.sin(net.apply(p, x)))
    return jax.jit(jax.value_and_grad(of)).lower(params)

  program = value(narrow)
  products = [line for line in program.as_text().splitlines() if 'dot_general' in line]
  wide_ones = [line for line in products if 'xbf16>' not in line]
  assert len(products) > 5
  assert all('x48x' in line or 'x75x' in line for line in wide_ones)  # RGB patches: ops/matrix.py
  (a, da), (b, db) = value(wide).compile()(params), program.compile()(params)
  assert b.dtype == jnp.float32
  assert abs(a - b) < 0.02
  for g, h in zip(jax.tree.leaves(da), jax.tree.leaves(db), strict=True):
    assert h.dtype == jnp.float32
    g, h = np.ravel(g), np.ravel(h)
    # One in 200 ReLUs falls on the other side, which turns a gradient by the root of that.
    assert np.vdot(g, h) > 0.99 * np.linalg.norm(g) * np.linalg.norm(h)


def test_net_refuses_another_precision():
  with refused("precision='float16'", "'float32'", "'bfloat16'"):
    layers.net(mlp.Discriminator(), spec((2, 4)), precision='float16')


def test_marginal_generator_starts_at_the_mean_image():
  mean = np.linspace(0, 1, 12).reshape(2, 2, 3)
  module = mlp.marginal_generator((2, 2, 3), mean, hidden=(4,), iranges=(0.05, 0.0))
  net = layers.net(module, spec((2, 5)))
  image = jax.jit(net.apply)(net.init(KEY), np.ones((2, 5), np.float32))
  np.testing.assert_allclose(image[0], np.clip(mean, 1e-7, 1 - 1e-7), atol=1e-6)


def test_sparse_keeps_so_many_weights_of_each_unit():
  made = jax.jit(lambda key: [initializers.sparse(10)(key, s) for s in ((50, 400), (4, 3))])
  w, small = map(np.asarray, made(KEY))
  np.testing.assert_array_equal((w != 0).sum(0), np.full(400, 10))
  assert abs(w[w != 0].std() - 1) < 0.05
  assert (small != 0).sum() == 12


def test_irange_and_wgan_gp_have_the_variance_of_their_papers():
  transposed = initializers.wgan_gp(stride=2, transposed=True)
  a, b, c = map(np.asarray, jax.jit(lambda key: (
    initializers.irange(0.05)(key, (100, 100)),
    initializers.wgan_gp(stride=2)(key, (5, 5, 16, 32)),
    transposed(key, (5, 5, 32, 16)),
  ))(KEY))  # fmt: skip
  assert 0.049 < np.abs(a).max() <= 0.05
  assert abs(b.var() / (4 / (25 * 16 + 25 * 32 / 4)) - 1) < 0.05
  assert abs(c.var() / (4 / (25 * 32 / 4 + 25 * 16)) - 1) < 0.05


def test_generator_of_tfd_holds_the_pretrained_one():
  mean, z = np.full((4, 4, 1), 0.3), np.ones((2, 5), np.float32)
  first = layers.net(tfd.pretrain_generator((4, 4, 1), mean, 6, 3), spec((2, 4)))
  final = layers.net(tfd.generator((4, 4, 1), mean, 6, 4, 3), spec((2, 5)))
  pretrained, fresh = weights(first), final.init(jax.random.key(1))
  assert jax.tree.map(jnp.shape, fresh['tail']) == jax.tree.map(jnp.shape, pretrained)
  np.testing.assert_allclose(fresh['tail']['Dense_1']['bias'], np.full(6, -2.0))
  np.testing.assert_allclose(first.init(KEY)['Dense_1']['bias'], np.full(6, -2.0))
  np.testing.assert_allclose(fresh['front']['Dense_1']['bias'], np.full(4, -2.0))
  front = mlp.Generator((4,), hidden=(6,), output_bias=-2.0)
  both = jax.jit(lambda front_params, tail: first.apply(tail, front.apply(front_params, z)))
  np.testing.assert_allclose(
    jax.jit(final.apply)({**fresh, 'tail': pretrained}, z),
    both({'params': fresh['front']}, pretrained), rtol=1e-5,
  )  # fmt: skip


def test_halvings_end_where_the_papers_networks_begin():
  sizes = {8: 4, 10: 5, 28: 7, 32: 4, 48: 3, 64: 4, 96: 3, 128: 4}
  for side, base in sizes.items():
    (h, w), stages = halvings((side, side, 3))
    assert h == w == base
    assert base << stages == side
  assert halvings((64, 128, 3)) == ((4, 8), 4)
  assert halvings((96, 96, 3), 4) == ((6, 6), 4)
  assert ceil_halvings((28, 28, 1)) == [(4, 4), (7, 7), (14, 14), (28, 28)]


@pytest.mark.parametrize(('shape', 'facts'), [
  ((31, 31, 3), ('31x31',)), ((30, 30, 3), ('30x30', '28', '32')), ((5, 5, 1), ('5x5',)),
  ((2,), ('(2,)',)), ((50, 64, 3), ('50x64',)),
])  # fmt: skip
def test_halvings_refuse_sizes_that_cannot_be(shape, facts):
  with refused(*facts):
    halvings(shape)


@pytest.mark.parametrize(('module', 'told', 'facts'), [
  (dcgan.Generator((8, 8, 1)), True, ('classes=0', "'label'")),
  (dcgan.Generator((8, 8, 1), norm='bacth'), False, ("'bacth'", "'batch'")),
  (dcgan.Generator((8, 8, 1), output='tahn'), False, ("'tahn'", 'jax.nn')),
  (mlp.Generator((8,), iranges=(0.1, 0.1)), False, ('iranges=(0.1, 0.1)', '2', '3')),
])  # fmt: skip
def test_net_refuses_what_its_module_cannot_be(module, told, facts):
  label = [spec((2,), np.int32)] if told else []
  with refused(*facts):
    layers.net(module, spec((2, 5)), *label)


def test_discriminator_with_heads_says_more_and_the_same_logit():
  x = normal(3, 8)
  alone, more = plain.Discriminator((4, 5)), plain.Discriminator((4, 5), heads={'classes': 2})
  params = weights(layers.net(more, spec(x.shape)))
  out = jax.jit(more.apply)({'params': params}, x)
  own = {name: p for name, p in params.items() if name != 'classes'}
  np.testing.assert_array_equal(jax.jit(alone.apply)({'params': own}, x), out['logit'])
  assert {name: out[name].shape for name in ('logit', 'features', 'classes')} == {
    'logit': (3,), 'features': (3, 5), 'classes': (3, 2),
  }  # fmt: skip
  assert [h.shape for h in out['hidden']] == [(3, 8), (3, 4), (3, 5)]
  classes = params['classes']
  expected = out['features'] @ classes['kernel'] + classes['bias'][None]
  np.testing.assert_allclose(out['classes'], expected, rtol=1e-6)
