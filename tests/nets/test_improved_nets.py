"""The networks of Improved GAN: their sizes, what they return, their noise.

Covers: nets/improved.py, nets/noise.py.
"""

import itertools

import jax
import numpy as np
import pytest

from gan_jax.nets import improved, layers
from gan_jax.nets.noise import Noise
from tests.nets.drawn import normal, shapes, size, spec, weights

HEADS = {'classes': 10}

pytestmark = pytest.mark.usefixtures('native_convolutions')


def sizes(module, *shape):
  return size(shapes(module, spec((2, *shape))))


def normalised(*layers_):
  """Weights of normalised layers, each (inputs, units): v, g and b."""
  return sum((inputs + 2) * units for inputs, units in layers_)


def test_dense_networks_have_the_authors_weights():
  hidden = [784, 1000, 500, 250, 250, 250, 10]
  d = normalised(*itertools.pairwise(hidden))
  assert sizes(improved.DenseDiscriminator(heads=HEADS), 28, 28, 1) == d
  g = 101 * 500 + 501 * 500 + normalised((500, 784))  # BatchNorm has a bias and no gain
  assert sizes(improved.DenseGenerator((28, 28, 1)), 100) == g


def test_convolutional_networks_have_the_authors_weights():
  g = 101 * 8192 + (25 * 512 + 1) * 256 + (25 * 256 + 1) * 128 + normalised((25 * 128, 3))
  assert sizes(improved.Generator((32, 32, 3)), 100) == g
  convolutions = [(27, 96), *[(9 * 96, 96)] * 2, (9 * 96, 192), *[(9 * 192, 192)] * 3]
  d = normalised(*convolutions, (192, 192), (192, 192))
  assert sizes(improved.Discriminator(heads=HEADS), 32, 32, 3) == d + normalised((192, 10))
  compared = 192 * 500 + 500 + 100  # T, its lengths, a bias for each kernel
  module = improved.Discriminator(heads=HEADS, kernels=100)
  assert sizes(module, 32, 32, 3) == d + compared + normalised((292, 10))


@pytest.mark.parametrize(
  ('module', 'shape', 'features'),
  [
    (improved.DenseDiscriminator((5, 4), heads=HEADS), (6,), 4),
    (improved.Discriminator(width=2, heads=HEADS, kernels=3), (16, 16, 1), 4 + 3),
  ],
)
def test_verdict_of_a_classifier_is_lse_of_its_classes(module, shape, features):
  net = layers.net(module, spec((4, *shape)))
  out = jax.jit(net.apply)(weights(net), normal(4, *shape))
  assert out['classes'].shape == (4, 10)
  assert out['features'].shape == (4, features)
  np.testing.assert_array_equal(out['hidden'][-1], out['features'])
  classes = np.asarray(out['classes'], np.float64)
  np.testing.assert_allclose(out['logit'], np.log(np.exp(classes).sum(1)), rtol=1e-5)


def test_verdict_with_other_heads_has_a_logit_beside_them():
  net = layers.net(improved.DenseDiscriminator((5,), heads={'code': 3}), spec((4, 6)))
  out = jax.eval_shape(net.apply, weights(net), spec((4, 6)))
  assert (out['logit'].shape, out['code'].shape) == ((4,), (4, 3))


def test_discriminator_started_on_data_has_standardised_layers():
  x = 5 * np.random.default_rng(0).uniform(size=(200, 16, 16, 3)).astype(np.float32)
  module = improved.Discriminator(width=4, input_keep=1.0, keep=1.0, heads=HEADS)
  net = layers.net(module, x)
  out = jax.tree.map(np.asarray, jax.jit(net.apply)(net.init(jax.random.key(1)), x))
  np.testing.assert_allclose(out['classes'].mean(0), np.zeros(10), atol=1e-4)
  np.testing.assert_allclose(out['classes'].std(0), np.full(10, 0.1), rtol=1e-3)
  before = np.where(out['hidden'][3] < 0, out['hidden'][3] / 0.2, out['hidden'][3])
  np.testing.assert_allclose(before.std((0, 1, 2)), np.ones(8), rtol=1e-3)


def test_noise_has_its_deviation_and_is_absent_without_a_key():
  x = np.ones((200, 100), np.float32)
  net = layers.net(Noise(0.5), spec(x.shape))
  np.testing.assert_array_equal(net.apply({}, x), x)
  add = jax.jit(net.apply)
  noise, again = (np.asarray(add({}, x, key=jax.random.key(i))) - 1 for i in (0, 1))
  assert abs(noise.std() - 0.5) < 0.01
  assert abs(noise.mean()) < 0.01
  assert abs(np.corrcoef(noise.ravel(), again.ravel())[0, 1]) < 0.03


def test_dense_discriminator_is_matched_before_its_noise():
  module = improved.DenseDiscriminator((5,), input_noise=0.0, noise=1.0, heads=HEADS)
  net, x = layers.net(module, spec((50, 6))), normal(50, 6)
  params, apply = weights(net), jax.jit(net.apply)
  still, noisy = apply(params, x), apply(params, x, key=jax.random.key(2))
  np.testing.assert_array_equal(still['features'], noisy['features'])
  assert np.abs(still['classes'] - noisy['classes']).max() > 0.1
