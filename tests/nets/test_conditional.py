"""What networks make of a class: gains of its own, a projection, a code at every layer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import InputError
from gan_jax.nets import cgan, dcgan_conditional, infogan, layers, resnet
from gan_jax.nets.conditional import ConditionalBatchNorm, Projection, batch_norm
from gan_jax.nets.spectral_norm import spectral_norm

KEY = jax.random.key(0)
LABEL = jnp.int32([2, 0, 1, 2, 2, 0])


def example(shape, key=1):
  return jax.random.normal(jax.random.key(key), (6, *shape))


@pytest.mark.parametrize('shape', [(4,), (3, 2, 4)])
def test_conditional_batch_norm_is_numpys(shape):
  x = example(shape)
  module = ConditionalBatchNorm(3, epsilon=0.1)
  params = module.init(KEY, x, LABEL)['params']
  start = jax.tree.map(lambda leaf: set(np.unique(leaf)), params)
  assert start == {'scale': {1.0}, 'bias': {0.0}}
  scale, bias = example((3, 4), 2)[0], example((3, 4), 3)[0]
  found = module.apply({'params': {'scale': scale, 'bias': bias}}, x, LABEL)
  axes = tuple(range(len(shape)))
  x = np.asarray(x)
  mean, var = np.mean(x, axes), np.var(x, axes)
  own = lambda table: np.asarray(table)[LABEL].reshape(6, *(1,) * (len(shape) - 1), 4)
  expected = (x - mean) / np.sqrt(var + 0.1) * own(scale) + own(bias)
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_statistics_that_were_found_are_used_whatever_the_classes_are():
  x = example((3, 2, 4))
  net = layers.net(ConditionalBatchNorm(3), x, LABEL)
  params = net.init(KEY)
  found = net.statistics(params, x, LABEL)
  calibrated = {**params, **found}
  np.testing.assert_allclose(
    net.apply(calibrated, x, LABEL), net.apply(params, x, LABEL), rtol=1e-4, atol=1e-5
  )
  alone = net.apply(calibrated, x[:1], LABEL[:1])
  np.testing.assert_allclose(alone[0], net.apply(params, x, LABEL)[0], rtol=1e-4, atol=1e-5)


def test_it_computes_in_the_inputs_precision():
  x = example((4,)).astype(jnp.bfloat16)
  module = ConditionalBatchNorm(3)
  params = module.init(KEY, x, LABEL)
  assert module.apply(params, x, LABEL).dtype == jnp.bfloat16


def test_the_projection_is_numpys_and_its_v_has_spectral_norm_one():
  phi = example((5,))
  net = layers.net(Projection(3), phi, LABEL, **spectral_norm())
  params = net.init(KEY)
  V = np.asarray(params['Dense_0']['kernel'])
  assert V.shape == (3, 5)
  found = net.apply(params, phi, LABEL)
  np.testing.assert_allclose(found, np.sum(V[LABEL] * phi, axis=1), rtol=1e-4, atol=1e-5)
  state = net.reparam_init(KEY, params)
  for _ in range(100):
    effective, state = net.reparam(params, state)
  sigma = np.linalg.svd(effective['Dense_0']['kernel'], compute_uv=False)[0]
  np.testing.assert_allclose(sigma, 1, rtol=1e-3)


def test_without_classes_it_is_batch_norm_and_half_told_is_refused():
  for label, classes in ((None, 3), (LABEL, 0)):
    with pytest.raises(InputError, match='neither'):
      batch_norm(example((4,)), label, classes)


def test_the_projection_adds_to_the_verdict_of_a_resnet():
  """D(x, y) - D(x, y') is linear in phi(x): three classes' verdicts differ by <V y - V y', phi>."""
  x = example((16, 16, 3))
  net = layers.net(resnet.Discriminator(width=4, classes=3, heads={}), x, LABEL)
  params = net.init(KEY)
  out = {k: net.apply(params, x, jnp.full(6, k)) for k in range(3)}
  phi, V = out[0]['features'], np.asarray(params['Projection_0']['Dense_0']['kernel'])
  assert phi.shape == (6, 4)
  expected = np.asarray(phi) @ (V[1] - V[2])
  np.testing.assert_allclose(out[1]['logit'] - out[2]['logit'], expected, rtol=1e-3, atol=1e-5)
  bare = layers.net(resnet.Discriminator(width=4, classes=3), x, LABEL)
  np.testing.assert_allclose(bare.apply(params, x, LABEL * 0), out[0]['logit'], rtol=1e-5)


MNIST, CIFAR = (28, 28, 1), (32, 32, 3)
COUNTS = {
  # shared/reference/papers.md, 24
  'dcgan G': (dcgan_conditional.Generator(MNIST, classes=10), (100,), 6_820_538),
  'dcgan D': (dcgan_conditional.Discriminator(classes=10), MNIST, 6_688_202),
  # 100·200 + 200, 10·1000 + 1000, 1200·1200 + 1200, 1200·784 + 784
  'cgan G': (cgan.Generator(MNIST, classes=10), (100,), 2_413_984),
  # 784·1200 + 1200, 10·250 + 250, 290·960 + 960, 240 + 1
  'cgan D': (cgan.Discriminator(classes=10), MNIST, 1_224_351),
  # the unconditional counts, and 9 more scales and biases of 256 in six norms; a V of 10·128
  'projection G': (resnet.Generator(CIFAR, classes=10), (128,), 4_276_739 + 9 * 6 * 2 * 256),
  'projection D': (resnet.Discriminator(classes=10), CIFAR, 1_053_824 + 10 * 128),
}


@pytest.mark.parametrize('name', COUNTS)
def test_count(name):
  module, shape, count = COUNTS[name]
  label = jax.ShapeDtypeStruct((2,), jnp.int32)
  net = layers.net(module, jax.ShapeDtypeStruct((2, *shape), jnp.float32), label)
  assert size(jax.eval_shape(net.init, KEY)) == count


def test_counts_of_infogan_by_its_parts():
  """Papers.md, 24: the trunk, D's head, Q's head."""
  image = jax.ShapeDtypeStruct((2, *MNIST), jnp.float32)
  d = jax.eval_shape(layers.net(infogan.Discriminator(heads=dict(q=14)), image).init, KEY)
  q = {name: d.pop(name) for name in ('q', 'q_hidden', 'BatchNorm_2')}
  assert size(q) == 133_262
  assert size(d.pop('Dense_1')) == 1_025
  assert size(d) == 6_558_144
  g = layers.net(infogan.Generator(MNIST), jax.ShapeDtypeStruct((2, 74), jnp.float32))
  assert size(jax.eval_shape(g.init, KEY)) == 6_652_481


def size(params):
  return sum(leaf.size for leaf in jax.tree.leaves(params))


def test_every_layer_of_the_authors_conditional_nets_is_told_the_class():
  """The kernels are as much taller as the code is long: 10 more inputs at each layer."""
  image, label = jnp.zeros((2, *MNIST)), jnp.zeros(2, jnp.int32)
  for module, x in (
    (dcgan_conditional.Generator(MNIST, classes=10), jnp.zeros((2, 100))),
    (dcgan_conditional.Discriminator(classes=10), image),
  ):
    told = jax.eval_shape(layers.net(module, x, label).init, KEY)
    bare = jax.eval_shape(layers.net(module.clone(classes=0), x).init, KEY)
    more = jax.tree.map(lambda a, b: a.shape[-2] - b.shape[-2], told, bare)
    assert set(jax.tree.leaves(more)) == {10}
    assert len(jax.tree.leaves(more)) == 4
