"""The shared layers against NumPy, and what their failures say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import InputError
from gan_jax.nets import dcgan, initializers, layers, mlp, plain, tfd, wgan_gp
from gan_jax.nets.pyramid import ceil_halvings, halvings


def test_batch_norm():
  x = 30 + 5 * jax.random.normal(jax.random.key(0), (4, 3, 2, 5))
  net = layers.net(layers.BatchNorm(1e-8), x)
  params = net.init(jax.random.key(1))
  assert 0 < float(jnp.abs(params['scale'] - 1).mean()) < 0.1
  a = np.asarray(x, np.float64).reshape(-1, 5)
  expected = (a - a.mean(0)) / np.sqrt(a.var(0) + 1e-8) * np.asarray(params['scale'])
  np.testing.assert_allclose(net.apply(params, x).reshape(-1, 5), expected, atol=2e-5)


def test_batch_norm_of_a_nearly_constant_channel():
  """An epsilon of 1e-8 needs the two-pass variance: E[x²] - E[x]² is off by 6e-8 x²."""
  x = 100 + 1e-3 * jax.random.normal(jax.random.key(0), (512, 3))
  net = layers.net(layers.BatchNorm(1e-8, affine=False), x)
  assert net.init(jax.random.key(0)) == {}
  np.testing.assert_allclose(net.apply({}, x).std(0), np.ones(3), rtol=0.02)


def test_layer_norm():
  x = 3 + 2 * jax.random.normal(jax.random.key(0), (4, 3, 2, 5))
  net = layers.net(layers.LayerNorm(), x)
  a = np.asarray(x, np.float64).reshape(4, -1)
  expected = (a - a.mean(1, keepdims=True)) / np.sqrt(a.var(1, keepdims=True) + 1e-5)
  y = net.apply(net.init(jax.random.key(0)), x)
  np.testing.assert_allclose(y.reshape(4, -1), expected, atol=1e-5)


def test_dropout():
  x = jnp.ones((200, 100))
  net = layers.net(layers.Dropout(0.8), x)
  np.testing.assert_array_equal(net.apply({}, x), x)
  y = net.apply({}, x, key=jax.random.key(0))
  np.testing.assert_allclose(np.unique(y), [0, 1.25])
  assert abs(float(y.mean()) - 1) < 0.02
  assert bool((y != net.apply({}, x, key=jax.random.key(1))).any())


def test_discriminator_drops_the_input_of_each_layer():
  """With one unit of weight 1 per layer the logit is a product of what dropout let through."""
  x = jnp.ones((4000, 1))
  net = layers.net(mlp.Discriminator(hidden=(1,), pieces=1), x)
  params = jax.tree.map(jnp.ones_like, net.init(jax.random.key(0)))
  params = {n: {'kernel': p['kernel'], 'bias': 0 * p['bias']} for n, p in params.items()}
  logits = net.apply(params, x, key=jax.random.key(0))
  np.testing.assert_allclose(np.unique(logits), [0, 2.5])  # 1/.8 · 1/.5
  assert abs(float((logits > 0).mean()) - 0.4) < 0.03  # .8 · .5


def test_maxout_takes_consecutive_groups():
  x = jnp.array([[1.0, 5.0, 2.0, 0.0, -1.0, -7.0]])
  np.testing.assert_array_equal(mlp.maxout(x, 3), [[5, 0]])
  np.testing.assert_array_equal(mlp.maxout(x, 2), [[5, 2, -1]])


BF16 = {
  'DCGAN': (dcgan.Generator((16, 16, 3), width=32), (32, 8)),
  'MLP': (mlp.Generator((4, 4, 1), hidden=(64, 64), activations='tanh'), (32, 8)),
  'WGAN-GP': (wgan_gp.Discriminator(width=32, norm='layer'), (32, 16, 16, 3)),
}


@pytest.mark.parametrize('case', BF16)
def test_bfloat16_multiplies_narrow_and_returns_float32(case):
  """Outputs and gradients are float32 and near the float32 ones; big products are narrow."""
  module, shape = BF16[case]
  x = jax.random.normal(jax.random.key(1), shape)
  wide, narrow = (layers.net(module, x, precision=p) for p in ('float32', 'bfloat16'))
  params = wide.init(jax.random.key(0))

  def value(net):
    return jax.value_and_grad(lambda p: jnp.mean(jnp.sin(net.apply(p, x))))

  program = jax.jit(value(narrow)).lower(params).as_text()
  products = [line for line in program.splitlines() if 'dot_general' in line]
  wide_ones = [line for line in products if 'xbf16>' not in line]
  assert len(products) > 5
  assert all('x48x' in line or 'x75x' in line for line in wide_ones)  # RGB patches: ops/matrix.py
  (a, da), (b, db) = value(wide)(params), value(narrow)(params)
  assert b.dtype == jnp.float32
  assert abs(a - b) < 0.02
  for g, h in zip(jax.tree.leaves(da), jax.tree.leaves(db), strict=True):
    assert h.dtype == jnp.float32
    # One in 200 ReLUs falls on the other side, which turns a gradient by the root of that.
    assert jnp.vdot(g, h) > 0.99 * jnp.linalg.norm(g) * jnp.linalg.norm(h)


def test_another_precision_is_refused():
  with pytest.raises(InputError, match='float16'):
    layers.net(mlp.Discriminator(), jnp.zeros((2, 4)), precision='float16')


def test_marginal_generator_starts_at_the_mean_image():
  mean = np.linspace(0, 1, 12).reshape(2, 2, 3)
  module = mlp.marginal_generator((2, 2, 3), mean, hidden=(4,), iranges=(0.05, 0.0))
  net = layers.net(module, jnp.zeros((2, 5)))
  image = net.apply(net.init(jax.random.key(0)), jnp.ones((2, 5)))
  np.testing.assert_allclose(image[0], np.clip(mean, 1e-7, 1 - 1e-7), atol=1e-6)


def test_sparse_initialisation():
  w = initializers.sparse(10)(jax.random.key(0), (50, 400))
  np.testing.assert_array_equal((w != 0).sum(0), np.full(400, 10))
  assert abs(float(w[w != 0].std()) - 1) < 0.05
  assert int((initializers.sparse(10)(jax.random.key(0), (4, 3)) != 0).sum()) == 12


def test_irange_and_he_uniform():
  w = initializers.irange(0.05)(jax.random.key(0), (100, 100))
  assert 0.049 < float(jnp.abs(w).max()) <= 0.05
  w = initializers.wgan_gp(stride=2)(jax.random.key(0), (5, 5, 16, 32))
  assert abs(float(w.var()) / (4 / (25 * 16 + 25 * 32 / 4)) - 1) < 0.05
  w = initializers.wgan_gp(stride=2, transposed=True)(jax.random.key(0), (5, 5, 32, 16))
  assert abs(float(w.var()) / (4 / (25 * 32 / 4 + 25 * 16)) - 1) < 0.05


def test_final_tfd_generator_holds_the_pretrained_one():
  mean, z = np.full((4, 4, 1), 0.3), jnp.ones((2, 5))
  first = layers.net(tfd.pretrain_generator((4, 4, 1), mean, 6, 3), jnp.zeros((2, 4)))
  final = layers.net(tfd.generator((4, 4, 1), mean, 6, 4, 3), z)
  pretrained, fresh = first.init(jax.random.key(0)), final.init(jax.random.key(1))
  assert jax.tree.map(jnp.shape, fresh['tail']) == jax.tree.map(jnp.shape, pretrained)
  np.testing.assert_allclose(pretrained['Dense_1']['bias'], np.full(6, -2.0))
  np.testing.assert_allclose(fresh['front']['Dense_1']['bias'], np.full(4, -2.0))
  front = mlp.Generator((4,), hidden=(6,), output_bias=-2.0)
  code = front.apply({'params': fresh['front']}, z)
  np.testing.assert_allclose(
    final.apply({**fresh, 'tail': pretrained}, z), first.apply(pretrained, code), rtol=1e-5
  )


def test_pyramids():
  sizes = {8: 4, 10: 5, 28: 7, 32: 4, 48: 3, 64: 4, 96: 3, 128: 4}
  for side, base in sizes.items():
    (h, w), stages = halvings((side, side, 3))
    assert h == w == base
    assert base << stages == side
  assert halvings((64, 128, 3)) == ((4, 8), 4)
  assert halvings((96, 96, 3), 4) == ((6, 6), 4)
  assert ceil_halvings((28, 28, 1)) == [(4, 4), (7, 7), (14, 14), (28, 28)]


@pytest.mark.parametrize('shape', [(31, 31, 3), (30, 30, 3), (5, 5, 1), (2,), (50, 64, 3)])
def test_sizes_that_cannot_be(shape):
  with pytest.raises(InputError):
    halvings(shape)


def test_user_mistakes():
  with pytest.raises(InputError, match='28 or 32'):
    halvings((30, 30, 3))
  z = jnp.zeros((2, 5))
  with pytest.raises(InputError, match='classes'):
    layers.net(dcgan.Generator((8, 8, 1)), z, jnp.zeros(2, int))
  with pytest.raises(InputError, match='norm'):
    layers.net(dcgan.Generator((8, 8, 1), norm='bacth'), z)
  with pytest.raises(InputError, match='activation'):
    layers.net(dcgan.Generator((8, 8, 1), output='tahn'), z)
  with pytest.raises(InputError, match='iranges'):
    layers.net(mlp.Generator((8,), iranges=(0.1, 0.1)), z)


def test_a_discriminator_with_heads_says_more_and_its_logit_is_the_same():
  x = jax.random.normal(jax.random.key(0), (3, 8))
  alone, more = plain.Discriminator((4, 5)), plain.Discriminator((4, 5), heads={'classes': 2})
  params = more.init(jax.random.key(1), x)['params']
  out = more.apply({'params': params}, x)
  own = {name: leaf for name, leaf in params.items() if name != 'classes'}
  np.testing.assert_array_equal(alone.apply({'params': own}, x), out['logit'])
  assert {name: out[name].shape for name in ('logit', 'features', 'classes')} == {
    'logit': (3,), 'features': (3, 5), 'classes': (3, 2),
  }  # fmt: skip
  assert [h.shape for h in out['hidden']] == [(3, 8), (3, 4), (3, 5)]
  classes = params['classes']
  expected = out['features'] @ classes['kernel'] + classes['bias'][None]
  np.testing.assert_allclose(out['classes'], expected, rtol=1e-6)
