"""U-Net, PatchGAN, the generators of CycleGAN and DiscoGAN, and CoGAN's coupled networks.

Covers: nets/cogan.py, nets/cyclegan.py, nets/discogan.py, nets/patch.py, nets/unet.py.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.nets import cogan, cyclegan, discogan, layers, patch, unet
from tests.messages import refused
from tests.nets.drawn import normal, shapes, size, spec, weights

pytestmark = pytest.mark.usefixtures('native_convolutions')
KEY = jax.random.key(0)


def built(module, *inputs):
  """The network, weights of its shapes, and an example of each of its inputs."""
  net = layers.net(module, *map(spec, inputs))
  return net, weights(net), [normal(*s, seed=i) for i, s in enumerate(inputs)]


def count(module, *inputs):
  return size(shapes(module, *map(spec, inputs)))


BIG = (1, 256, 256, 3)


def test_generator_of_pix2pix_has_the_released_codes_weights():
  """papers.md, section 24; BatchNorm and instance norm have the same weights."""
  for norm in ('batch', 'instance'):
    assert count(unet.Generator((256, 256, 3), norm=norm), BIG) == 54_413_952
    assert count(patch.Discriminator(norm=norm), BIG, BIG) == 2_768_640


@pytest.mark.parametrize('blocks', [6, 9])
def test_generator_of_cyclegan_has_the_kernels_of_its_table_no_bias(blocks):
  kernels = 2 * (49 * 3 * 64 + 9 * 64 * 128 + 9 * 128 * 256) + blocks * 2 * 9 * 256 * 256
  norms = 2 * (64 + 128 + 256 + blocks * 2 * 256 + 128 + 64)
  assert count(cyclegan.Generator((256, 256, 3), blocks=blocks), BIG) == kernels + norms


@pytest.mark.parametrize('make', [
  unet.Generator, partial(cyclegan.Generator, blocks=1), discogan.Generator,
], ids=['unet', 'cyclegan', 'discogan'])  # fmt: skip
def test_generator_makes_images_of_its_domain_and_its_sources_size(make):
  for shape in ((16, 16, 3), (24, 16, 1)):
    net = layers.net(make(shape, width=2), spec((2, *shape[:2], 3)))
    params = jax.eval_shape(net.init, KEY)
    assert jax.eval_shape(net.apply, params, spec((2, *shape[:2], 3))).shape == (2, *shape)
  net, params, (x,) = built(make((16, 16, 3), width=2), (2, 16, 16, 3))
  assert np.all(np.abs(jax.jit(net.apply)(params, 10 * x)) <= 1)
  with refused((32, 32, 3), (16, 16, 3)):
    layers.net(make((16, 16, 3), width=2), spec((2, 32, 32, 3)))


@pytest.mark.parametrize(('shape', 'levels', 'rest'), [
  ((256, 256, 3), None, 8), ((64, 64, 3), None, 6), ((28, 28, 1), None, 2), ((64, 64, 3), 3, 3),
])  # fmt: skip
def test_halved_is_as_often_as_the_image_allows(shape, levels, rest):
  assert unet.halved(shape, levels) == rest


@pytest.mark.parametrize(('shape', 'levels', 'facts'), [
  ((30, 30, 3), None, ('30x30', '1 times', 'multiples of 4')),
  ((64, 64, 3), 7, ('64x64', '6 times', '7', 'multiples of 128')),
  ((28, 28, 1), 3, ('28x28', '2 times', '3', 'multiples of 8')),
])  # fmt: skip
def test_halved_refuses_a_size_that_cannot_be_halved_so_often(shape, levels, facts):
  with refused(*facts):
    unet.halved(shape, levels)


def test_generator_of_unet_drops_out_only_with_a_key():
  net, params, (x,) = built(unet.Generator((8, 8, 3), width=2, norm='instance'), (2, 8, 8, 3))
  apply = jax.jit(net.apply)
  still = apply(params, x)
  np.testing.assert_array_equal(apply(params, x), still)
  noisy = [apply(params, x, key=jax.random.key(i)) for i in (1, 2)]
  assert np.any(noisy[0] != still)
  assert np.any(noisy[0] != noisy[1])
  steady = unet.Generator((8, 8, 3), width=2, norm='instance', dropped=0)
  still_so = jax.jit(layers.net(steady, spec(x.shape)).apply)(params, x, key=KEY)
  np.testing.assert_array_equal(still_so, still)


def test_generator_of_unet_passes_on_what_its_middle_does_not_know():
  """With all weights into and out of the middle at 0, the image still depends on the source."""
  net, params, (x,) = built(unet.Generator((16, 16, 3), width=2, norm='instance'), (1, 16, 16, 3))
  dead = {**params, 'Conv_3': jax.tree.map(np.zeros_like, params['Conv_3'])}
  apply = jax.jit(net.apply)
  assert np.any(apply(dead, x) != apply(dead, x + 1))


def seen_by(module, size):
  """How many pixels a side the logit in the middle of the map depends on."""
  net, params, (x,) = built(module, (1, size, size, 1))
  middle = lambda x: (lambda out: out[0, out.shape[1] // 2, out.shape[2] // 2])(
    net.apply(params, x)
  )
  reached = np.abs(np.asarray(jax.jit(jax.grad(middle))(x)))[0, :, :, 0] > 0
  rows = np.flatnonzero(reached.any(1))
  return rows[-1] - rows[0] + 1


@pytest.mark.parametrize(('deep', 'pixels'), [(1, 16), (2, 34), (3, 70)])
def test_discriminator_of_patches_sees_so_many_pixels(deep, pixels):
  assert seen_by(patch.Discriminator(width=2, layers=deep, norm='none'), 2 * pixels) == pixels


def test_discriminator_of_patches_maps_256_pixels_to_30_logits():
  module = patch.Discriminator(width=2)
  assert jax.eval_shape(module.init_with_output, KEY, spec(BIG))[0].shape == (1, 30, 30)


def test_discriminator_of_patches_sees_what_it_is_given_besides():
  net, params, (x, source) = built(patch.Discriminator(width=2, layers=1), *[(2, 16, 16, 3)] * 2)
  apply = jax.jit(net.apply)
  assert np.any(apply(params, x, source) != apply(params, x, -source))


def test_reflected_has_the_edges_of_numpy():
  x = np.random.default_rng(0).normal(size=(2, 5, 6, 1)).astype(np.float32)
  wide = cyclegan.reflected(jnp.asarray(x), 3)
  np.testing.assert_array_equal(wide[:, 3:-3, 3:-3], x)
  np.testing.assert_array_equal(wide[:, 2, 3:-3], x[:, 1])
  np.testing.assert_array_equal(wide[:, 3:-3, -1], x[:, :, -4])


# --- instance norm --------------------------------------------------------------------------------


def test_instance_norm_is_batch_norm_of_each_image_alone():
  net, params, (x,) = built(layers.InstanceNorm(), (3, 4, 5, 2))
  batch = layers.net(layers.BatchNorm(), spec(x.shape))
  assert jax.tree.map(jnp.shape, jax.eval_shape(batch.init, KEY)) == jax.tree.map(jnp.shape, params)
  apply = jax.jit(batch.apply)
  alone = np.concatenate([apply(params, x[i : i + 1]) for i in range(3)])
  np.testing.assert_allclose(jax.jit(net.apply)(params, x), alone, rtol=1e-5, atol=1e-6)
  assert net.statistics is None


def test_normalise_goes_by_names():
  with refused("'group'", "'batch'", "'layer'", "'instance'", "'none'"):
    layers.normalise('group', np.ones((2, 4, 4, 3), np.float32))


# --- coupled networks -----------------------------------------------------------------------------


def coupled(module, seen=(28, 28, 1)):
  """Images or verdicts of the same four inputs for domains, and weights."""
  net = layers.net(module, spec((4, *seen)), spec((4,), np.int32))
  x, apply = normal(4, *seen), jax.jit(net.apply)
  return lambda params, *of: np.asarray(apply(params, x, np.int32(of))), weights(net)


def test_generator_of_cogan_shares_all_but_its_last_layer():
  draw, params = coupled(cogan.Generator((28, 28, 1), width=2), seen=(5,))
  a, b = draw(params, 0, 0, 0, 0), draw(params, 1, 1, 1, 1)
  assert np.any(a != b)
  mixed = np.stack([a[0], b[1], a[2], b[3]])
  np.testing.assert_allclose(draw(params, 0, 1, 0, 1), mixed)
  one = {**params, 'ConvTranspose_4': params['ConvTranspose_3']}  # the same head for both
  np.testing.assert_array_equal(draw(one, 0, 0, 0, 0), draw(one, 1, 1, 1, 1))


def test_discriminator_of_cogan_shares_all_but_its_first_layer():
  judge, params = coupled(cogan.Discriminator((2, 3), 5))
  assert np.any(judge(params, 0, 0, 0, 0) != judge(params, 1, 1, 1, 1))
  one = {**params, 'Conv_1': params['Conv_0']}
  same = judge(one, 0, 0, 0, 0), judge(one, 1, 1, 1, 1)
  assert same[0].shape == (4,)
  np.testing.assert_array_equal(*same)


def test_generator_of_cogan_is_for_28_pixels():
  with refused('28x28', '32x32'):
    coupled(cogan.Generator((32, 32, 1), width=2), seen=(5,))


def test_prelu_passes_a_learnt_share_of_what_is_negative():
  net = layers.net(cogan.PReLU(), spec((1, 3)))
  params = net.init(KEY)
  np.testing.assert_allclose(net.apply(params, jnp.array([[-4.0, 0.0, 3.0]])), [[-1.0, 0.0, 3.0]])
