"""The networks of BiGAN and ALI: their sizes layer by layer, and what is particular to them.

Covers: nets/ali.py, nets/joint.py.
"""

import jax
import numpy as np
import pytest

from gan_jax.nets import ali, bigan, encoders, joint, layers, plain
from tests.messages import refused
from tests.nets import drawn
from tests.nets.drawn import normal, spec, weights

pytestmark = pytest.mark.usefixtures('native_convolutions')

CIFAR = (32, 32, 3)
KEY = jax.random.key(0)


def net_of(module, *shapes, n=4):
  return layers.net(module, *[spec((n, *shape)) for shape in shapes])


def size(module, *shapes):
  return drawn.size(drawn.shapes(module, *[spec((2, *shape)) for shape in shapes]))


W = 1024
SIZES = {
  # jeffdonahue/bigan, net.py: mnist_mlp and deconvnet_mnist_mlp
  'bigan G': (bigan.Generator((28, 28, 1)), [(50,)], [50 * W, (W + 50) * W, W * 784]),
  'bigan E': (bigan.Encoder(), [(28, 28, 1)], [784 * W, W * W, W * 50]),
  'bigan D': (bigan.Discriminator(), [(28, 28, 1), (50,)], [784 * W, (W + 50) * W, W]),
  # IshmaelBelghazi/ALI, experiments/ali_cifar10.py; a norm has two numbers per map
  'ali G': (ali.Generator(CIFAR), [(64,)], [
    16 * 64 * 256 + 512, 16 * 256 * 128 + 256, 16 * 128 * 64 + 128, 16 * 64 * 32 + 64,
    25 * 32 * 32 + 64, 32 * 32 + 64, 32 * 3 + 32 * 32 * 3,
  ]),
  'ali E': (encoders.Gaussian(dim=64, trunk=ali.Trunk()), [CIFAR], [
    25 * 3 * 32 + 64, 16 * 32 * 64 + 128, 16 * 64 * 128 + 256, 16 * 128 * 256 + 512,
    16 * 256 * 512 + 1024, 512 * 512 + 1024, 512 * 128 + 128,
  ]),
  'ali D': (ali.Discriminator(), [CIFAR, (64,)], [
    25 * 3 * 32 + 32, 16 * 16 * 64, 16 * 32 * 128, 16 * 64 * 256, 16 * 128 * 512,
    64 * 512, 256 * 512, 512 * 1024 + 1024, 512 * 1024 + 1024, 512 + 1,
  ]),
}  # fmt: skip


@pytest.mark.parametrize('name', SIZES)
def test_net_has_as_many_weights_as_in_the_authors_code(name):
  module, shapes, sizes = SIZES[name]
  assert size(module, *shapes) == sum(sizes)


def test_discriminator_does_not_know_at_first():
  net = net_of(bigan.Discriminator(width=7), (8, 8, 1), (5,))
  logit = jax.jit(net.apply)(net.init(KEY), 3 * normal(4, 8, 8, 1), normal(4, 5))
  np.testing.assert_array_equal(logit, np.zeros(4))


def test_encoder_gives_codes_in_the_range_of_the_prior():
  net = net_of(bigan.Encoder(dim=5, width=7), (8, 8, 1))
  params = jax.tree.map(lambda w: 3 * w, weights(net))
  out = jax.jit(net.apply)(params, 3 * normal(4, 8, 8, 1))
  assert out['mean'].shape == (4, 5)
  assert out['features'].shape == (4, 7)
  last = next(w for w in jax.tree.leaves(params) if w.shape == (7, 5))
  expected = 2 / (1 + np.exp(-np.float64(out['features']) @ np.float64(last))) - 1
  assert np.abs(expected).max() > 0.9
  np.testing.assert_allclose(out['mean'], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('module', [
  bigan.Discriminator(width=6), ali.Discriminator(width=2),
  joint.Discriminator(hidden=(6,), slope=0.2),
], ids=['bigan', 'ali', 'joint'])  # fmt: skip
def test_discriminator_judges_a_pair_by_both_its_parts(module):
  x, z = normal(4, *CIFAR), normal(4, 5)
  net = net_of(module, CIFAR, (5,))
  params, judge = weights(net), jax.jit(net.apply)
  r = judge(params, x, z)
  assert np.any(r != judge(params, x + 1, z))
  assert np.any(r != judge(params, x, z + 1))


def test_discriminator_of_joint_is_the_plain_one_of_both_together():
  x, z = normal(4, 3, 2, 1), normal(4, 5)
  pairs = net_of(joint.Discriminator(hidden=(6, 4)), (3, 2, 1), (5,))
  alone = net_of(plain.Discriminator(hidden=(6, 4)), (11,))
  params, both = weights(pairs), np.concatenate([x.reshape(4, 6), z], axis=1)
  np.testing.assert_array_equal(
    jax.jit(pairs.apply)(params, x, z), jax.jit(alone.apply)(params, both)
  )


def test_marginal_generator_of_ali_starts_at_the_mean_of_the_data():
  mean = np.random.default_rng(0).uniform(0.1, 0.9, CIFAR)
  net = net_of(ali.marginal_generator(CIFAR, mean, width=2), (5,))
  image = jax.jit(net.apply)(net.init(KEY), normal(4, 5))
  np.testing.assert_allclose(image, np.broadcast_to(mean, image.shape), atol=0.02)


def test_discriminator_of_ali_drops_out_only_with_a_key():
  x, z = normal(4, *CIFAR), normal(4, 5)
  net = net_of(ali.Discriminator(width=2), CIFAR, (5,))
  params, judge = weights(net), jax.jit(net.apply)
  plainly = judge(params, x, z)
  np.testing.assert_array_equal(plainly, judge(params, x, z))
  assert np.any(plainly != judge(params, x, z, key=jax.random.key(1)))


def test_trunk_and_generator_of_ali_refuse_images_of_another_size():
  with refused('32x32', (28, 28, 1)):
    size(ali.Trunk(), (28, 28, 1))
  with refused('32x32', (16, 16, 3)):
    size(ali.Generator((16, 16, 3)), (64,))
