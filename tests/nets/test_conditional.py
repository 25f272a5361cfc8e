"""What networks make of a class: gains of its own, a projection, a code at every layer.

Covers: nets/cgan.py, nets/dcgan_conditional.py, nets/infogan.py, nets/resnet.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.nets import cgan, dcgan_conditional, infogan, layers, resnet
from gan_jax.nets.conditional import ConditionalBatchNorm, Projection, batch_norm
from gan_jax.nets.spectral_norm import spectral_norm
from tests.messages import refused
from tests.nets.drawn import normal, shapes, size, spec, weights

pytestmark = pytest.mark.usefixtures('native_convolutions')

KEY = jax.random.key(0)
LABEL = np.int32([2, 0, 1, 2, 2, 0])
TOLD = spec((6,), np.int32)


def example(shape, key=1):
  return normal(6, *shape, seed=key)


@pytest.mark.parametrize('shape', [(4,), (3, 2, 4)])
def test_conditional_batch_norm_is_numpys(shape):
  x = example(shape)
  module = ConditionalBatchNorm(3, epsilon=0.1)
  params = jax.jit(module.init)(KEY, x, LABEL)['params']
  start = jax.tree.map(lambda leaf: set(np.unique(leaf)), params)
  assert start == {'scale': {1.0}, 'bias': {0.0}}
  scale, bias = example((3, 4), 2)[0], example((3, 4), 3)[0]
  found = jax.jit(module.apply)({'params': {'scale': scale, 'bias': bias}}, x, LABEL)
  axes = tuple(range(len(shape)))
  x = np.asarray(x)
  mean, var = np.mean(x, axes), np.var(x, axes)
  own = lambda table: np.asarray(table)[LABEL].reshape(6, *(1,) * (len(shape) - 1), 4)
  expected = (x - mean) / np.sqrt(var + 0.1) * own(scale) + own(bias)
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_conditional_batch_norm_has_statistics_for_all_classes():
  x = example((3, 2, 4))
  net = layers.net(ConditionalBatchNorm(3), spec(x.shape), TOLD)
  params, apply = weights(net), jax.jit(net.apply)
  calibrated = {**params, **jax.jit(net.statistics)(params, x, LABEL)}
  plainly = apply(params, x, LABEL)
  np.testing.assert_allclose(apply(calibrated, x, LABEL), plainly, rtol=1e-4, atol=1e-5)
  alone = apply(calibrated, x[:1], LABEL[:1])
  np.testing.assert_allclose(alone[0], plainly[0], rtol=1e-4, atol=1e-5)


def test_conditional_batch_norm_computes_in_the_inputs_precision():
  x, module = spec((6, 4), jnp.bfloat16), ConditionalBatchNorm(3)
  params = jax.eval_shape(module.init, KEY, x, TOLD)
  assert jax.eval_shape(module.apply, params, x, TOLD).dtype == jnp.bfloat16


def test_projection_is_numpys_and_its_v_has_spectral_norm_one():
  phi = example((5,))
  net = layers.net(Projection(3), spec(phi.shape), TOLD, **spectral_norm())
  params = weights(net)
  V = params['Dense_0']['kernel']
  assert V.shape == (3, 5)
  found = jax.jit(net.apply)(params, phi, LABEL)
  np.testing.assert_allclose(found, np.sum(V[LABEL] * phi, axis=1), rtol=1e-4, atol=1e-5)
  state, step = net.reparam_init(KEY, params), jax.jit(net.reparam)
  for _ in range(100):
    effective, state = step(params, state)
  sigma = np.linalg.svd(effective['Dense_0']['kernel'], compute_uv=False)[0]
  np.testing.assert_allclose(sigma, 1, rtol=1e-3)


@pytest.mark.parametrize(('label', 'classes'), [(None, 3), (LABEL, 0)], ids=['no label', 'label'])
def test_batch_norm_half_told_of_classes_is_refused(label, classes):
  with refused(f'classes={classes}', "'label'"):
    batch_norm(example((4,)), label, classes)


def test_discriminator_of_resnet_adds_the_projection_to_its_verdict():
  """D(x, y) - D(x, y') is linear in phi(x): three classes' verdicts differ by <V y - V y', phi>."""
  x = example((8, 8, 3))
  net = layers.net(resnet.Discriminator(width=4, kept=1, classes=3, heads={}), spec(x.shape), TOLD)
  params, judge = weights(net), jax.jit(net.apply)
  out = {k: judge(params, x, np.full(6, k, np.int32)) for k in range(3)}
  phi, V = np.asarray(out[0]['features']), params['Projection_0']['Dense_0']['kernel']
  assert phi.shape == (6, 4)
  found = np.asarray(out[1]['logit']) - np.asarray(out[2]['logit'])
  np.testing.assert_allclose(found, phi @ (V[1] - V[2]), rtol=1e-3, atol=1e-5)
  bare = layers.net(resnet.Discriminator(width=4, kept=1, classes=3), spec(x.shape), TOLD)
  np.testing.assert_allclose(jax.jit(bare.apply)(params, x, LABEL * 0), out[0]['logit'], rtol=1e-5)


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
def test_net_told_the_class_has_as_many_weights_as_the_papers(name):
  module, shape, count = COUNTS[name]
  assert size(shapes(module, spec((2, *shape)), spec((2,), np.int32))) == count


def test_discriminator_and_generator_of_infogan_count_by_their_parts():
  """Papers.md, 24: the trunk, D's head, Q's head."""
  image = spec((2, *MNIST))
  d = shapes(infogan.Discriminator(heads=dict(q=14)), image)
  q = {name: d.pop(name) for name in ('q', 'q_hidden', 'BatchNorm_2')}
  assert size(q) == 133_262
  assert size(d.pop('Dense_1')) == 1_025
  assert size(d) == 6_558_144
  assert size(shapes(infogan.Generator(MNIST), spec((2, 74)))) == 6_652_481


def test_dcgan_conditional_is_told_the_class_at_every_layer():
  """The kernels are as much taller as the code is long: 10 more inputs at each layer."""
  image, label = spec((2, *MNIST)), spec((2,), np.int32)
  for module, x in (
    (dcgan_conditional.Generator(MNIST, classes=10), spec((2, 100))),
    (dcgan_conditional.Discriminator(classes=10), image),
  ):
    told, bare = shapes(module, x, label), shapes(module.clone(classes=0), x)
    more = jax.tree.map(lambda a, b: a.shape[-2] - b.shape[-2], told, bare)
    assert set(jax.tree.leaves(more)) == {10}
    assert len(jax.tree.leaves(more)) == 4
