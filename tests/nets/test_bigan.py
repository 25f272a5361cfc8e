"""The networks of BiGAN and ALI: their sizes layer by layer, and what is particular to them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import InputError
from gan_jax.nets import ali, bigan, encoders, joint, layers, plain

CIFAR = (32, 32, 3)
KEY = jax.random.key(0)


def built(module, *shapes, n=4):
  net = layers.net(module, *[jax.ShapeDtypeStruct((n, *shape), jnp.float32) for shape in shapes])
  return net, net.init(KEY)


def size(module, *shapes):
  net = layers.net(module, *[jax.ShapeDtypeStruct((2, *shape), jnp.float32) for shape in shapes])
  return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(net.init, KEY)))


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
def test_the_networks_are_of_the_codes_sizes(name):
  module, shapes, sizes = SIZES[name]
  assert size(module, *shapes) == sum(sizes)


def test_bigans_d_does_not_know_at_first_and_its_e_gives_codes_in_the_range_of_the_prior():
  x, z = 3 * jax.random.normal(KEY, (4, 8, 8, 1)), jax.random.normal(KEY, (4, 5))
  net, params = built(bigan.Discriminator(width=7), x.shape[1:], z.shape[1:])
  np.testing.assert_array_equal(net.apply(params, x, z), np.zeros(4))
  net, params = built(bigan.Encoder(dim=5, width=7), x.shape[1:])
  params = jax.tree.map(lambda w: 50 * w, params)
  out = net.apply(params, x)
  assert out['mean'].shape == (4, 5)
  assert out['features'].shape == (4, 7)
  last = next(w for w in jax.tree.leaves(params) if w.shape == (7, 5))
  expected = 2 / (1 + np.exp(-np.float64(out['features']) @ np.float64(last))) - 1
  np.testing.assert_allclose(out['mean'], expected, rtol=1e-4, atol=1e-5)


def test_a_pair_is_judged_by_both_its_parts():
  x, z = jax.random.normal(KEY, (4, *CIFAR)), jax.random.normal(KEY, (4, 5))
  for module in (
    bigan.Discriminator(width=6, logit_init=layers.DCGAN_INIT),
    ali.Discriminator(width=2),
    joint.Discriminator(hidden=(6,), slope=0.2),
  ):
    net, params = built(module, CIFAR, (5,))
    r = net.apply(params, x, z)
    assert np.any(r != net.apply(params, x + 1, z))
    assert np.any(r != net.apply(params, x, z + 1))


def test_the_plain_one_is_the_plain_discriminator_of_both_side_by_side():
  x, z = jax.random.normal(KEY, (4, 3, 2, 1)), jax.random.normal(KEY, (4, 5))
  pairs, params = built(joint.Discriminator(hidden=(6, 4)), (3, 2, 1), (5,))
  alone, _ = built(plain.Discriminator(hidden=(6, 4)), (11,))
  both = jnp.concatenate([x.reshape(4, 6), z], axis=1)
  np.testing.assert_array_equal(pairs.apply(params, x, z), alone.apply(params, both))


def test_alis_images_start_at_the_mean_of_the_data():
  mean = np.random.default_rng(0).uniform(0.1, 0.9, CIFAR)
  net, params = built(ali.marginal_generator(CIFAR, mean, width=2), (5,))
  image = net.apply(params, jax.random.normal(KEY, (4, 5)))
  np.testing.assert_allclose(image, np.broadcast_to(mean, image.shape), atol=0.02)


def test_alis_dropout_falls_only_with_a_key():
  x, z = jax.random.normal(KEY, (4, *CIFAR)), jax.random.normal(KEY, (4, 5))
  net, params = built(ali.Discriminator(width=2), CIFAR, (5,))
  plainly = net.apply(params, x, z)
  np.testing.assert_array_equal(plainly, net.apply(params, x, z))
  assert np.any(plainly != net.apply(params, x, z, key=jax.random.key(1)))


def test_images_of_another_size_are_refused_by_ali():
  with pytest.raises(InputError, match='32x32'):
    size(ali.Trunk(), (28, 28, 1))
  with pytest.raises(InputError, match='32x32'):
    size(ali.Generator((16, 16, 3)), (64,))
