"""U-Net, PatchGAN, the generators of CycleGAN and DiscoGAN, and CoGAN's coupled networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import InputError
from gan_jax.nets import cogan, cyclegan, discogan, layers, patch, unet

KEY = jax.random.key(0)


def built(module, *shapes):
  """The network, its weights, and an example of each of its inputs."""
  examples = [jax.random.normal(jax.random.fold_in(KEY, i), s) for i, s in enumerate(shapes)]
  net = layers.net(module, *examples)
  return net, net.init(KEY), examples


def count(module, *shapes):
  net = layers.net(module, *(jax.ShapeDtypeStruct(s, jnp.float32) for s in shapes))
  return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(net.init, KEY)))


BIG = (1, 256, 256, 3)


def test_counts_are_those_of_the_released_code():
  """papers.md, section 24; BatchNorm and instance norm have the same weights."""
  for norm in ('batch', 'instance'):
    assert count(unet.Generator((256, 256, 3), norm=norm), BIG) == 54_413_952
    assert count(patch.Discriminator(norm=norm), BIG, BIG) == 2_768_640


@pytest.mark.parametrize('blocks', [6, 9])
def test_cyclegans_generator_has_the_kernels_of_its_table_and_no_bias(blocks):
  kernels = 2 * (49 * 3 * 64 + 9 * 64 * 128 + 9 * 128 * 256) + blocks * 2 * 9 * 256 * 256
  norms = 2 * (64 + 128 + 256 + blocks * 2 * 256 + 128 + 64)
  assert count(cyclegan.Generator((256, 256, 3), blocks=blocks), BIG) == kernels + norms


@pytest.mark.parametrize('make', [unet.Generator, cyclegan.Generator, discogan.Generator])
@pytest.mark.parametrize('shape', [(16, 16, 3), (24, 16, 1)])
def test_an_image_has_the_shape_of_its_domain_and_the_size_of_its_source(make, shape):
  module = make(shape, width=2)
  net, params, (x,) = built(module, (2, *shape[:2], 3))
  out = net.apply(params, x)
  assert out.shape == (2, *shape)
  assert np.all(np.abs(out) <= 1)
  with pytest.raises(InputError, match='one size'):
    built(module, (2, 32, 32, 3))


@pytest.mark.parametrize(('shape', 'levels', 'rest'), [
  ((256, 256, 3), None, 8), ((64, 64, 3), None, 6), ((28, 28, 1), None, 2), ((64, 64, 3), 3, 3),
])  # fmt: skip
def test_a_u_net_is_as_deep_as_its_image_allows(shape, levels, rest):
  assert unet.halved(shape, levels) == rest


@pytest.mark.parametrize(
  ('shape', 'levels'), [((30, 30, 3), None), ((64, 64, 3), 7), ((28, 28, 1), 3)]
)
def test_a_size_that_cannot_be_halved_so_often_is_refused(shape, levels):
  with pytest.raises(InputError, match='multiples of'):
    unet.halved(shape, levels)


def test_a_u_net_drops_out_only_with_a_key_and_only_near_its_middle():
  net, params, (x,) = built(unet.Generator((16, 16, 3), width=2, norm='instance'), (2, 16, 16, 3))
  still = net.apply(params, x)
  np.testing.assert_array_equal(net.apply(params, x), still)
  noisy = [net.apply(params, x, key=jax.random.key(i)) for i in (1, 2)]
  assert np.any(noisy[0] != still)
  assert np.any(noisy[0] != noisy[1])
  steady = unet.Generator((16, 16, 3), width=2, norm='instance', dropped=0)
  np.testing.assert_array_equal(layers.net(steady, x).apply(params, x, key=KEY), still)


def test_what_the_innermost_layer_does_not_know_the_skips_still_carry():
  """With all weights into and out of the middle at 0, the image still depends on the source."""
  net, params, (x,) = built(unet.Generator((16, 16, 3), width=2, norm='instance'), (1, 16, 16, 3))
  dead = {**params, 'Conv_3': jax.tree.map(jnp.zeros_like, params['Conv_3'])}
  assert np.any(net.apply(dead, x) != net.apply(dead, x + 1))


def seen_by(module, size):
  """How many pixels a side the logit in the middle of the map depends on."""
  net, params, (x,) = built(module, (1, size, size, 1))
  middle = lambda x: (lambda out: out[0, out.shape[1] // 2, out.shape[2] // 2])(
    net.apply(params, x)
  )
  reached = np.abs(np.asarray(jax.grad(middle)(x)))[0, :, :, 0] > 0
  rows = np.flatnonzero(reached.any(1))
  return rows[-1] - rows[0] + 1


@pytest.mark.parametrize(('deep', 'pixels'), [(1, 16), (2, 34), (3, 70)])
def test_a_logit_of_patchgan_sees_so_many_pixels(deep, pixels):
  assert seen_by(patch.Discriminator(width=2, layers=deep, norm='none'), 2 * pixels) == pixels


def test_patchgan_maps_256_pixels_to_30_logits_and_sees_what_it_is_given_besides():
  module = patch.Discriminator(width=2)
  assert jax.eval_shape(module.init_with_output, KEY, jnp.zeros(BIG))[0].shape == (1, 30, 30)
  net, params, (x, source) = built(patch.Discriminator(width=2, layers=1), *[(2, 16, 16, 3)] * 2)
  assert np.any(net.apply(params, x, source) != net.apply(params, x, -source))


def test_a_reflected_edge_is_numpys():
  x = np.random.default_rng(0).normal(size=(2, 5, 6, 1)).astype(np.float32)
  wide = cyclegan.reflected(jnp.asarray(x), 3)
  np.testing.assert_array_equal(wide[:, 3:-3, 3:-3], x)
  np.testing.assert_array_equal(wide[:, 2, 3:-3], x[:, 1])
  np.testing.assert_array_equal(wide[:, 3:-3, -1], x[:, :, -4])


# --- instance norm --------------------------------------------------------------------------------


def test_instance_norm_is_batch_norm_of_each_image_alone():
  net, params, (x,) = built(layers.InstanceNorm(), (3, 4, 5, 2))
  batch = layers.net(layers.BatchNorm(), x)
  assert jax.tree.map(jnp.shape, batch.init(KEY)) == jax.tree.map(jnp.shape, params)
  alone = [batch.apply(params, x[i : i + 1]) for i in range(3)]
  np.testing.assert_allclose(net.apply(params, x), jnp.concatenate(alone), rtol=1e-5, atol=1e-6)
  assert net.statistics is None


def test_norms_go_by_their_names():
  x = jnp.ones((2, 4, 4, 3))
  with pytest.raises(InputError, match="'batch', 'layer', 'instance', 'none'"):
    layers.normalise('group', x)


# --- coupled networks -----------------------------------------------------------------------------


def coupled(module, n=4, seen=(28, 28, 1)):
  label = jnp.arange(n) % 2
  net = layers.net(module, jax.ShapeDtypeStruct((n, *seen), jnp.float32), label)
  return net, net.init(KEY)


def test_coupled_generators_share_all_but_their_last_layer():
  net, params = coupled(cogan.Generator((28, 28, 1), width=2), seen=(5,))
  z = jax.random.normal(KEY, (4, 5))
  a, b = (net.apply(params, z, jnp.full(4, k)) for k in (0, 1))
  assert np.any(a != b)
  mixed = net.apply(params, z, jnp.array([0, 1, 0, 1]))
  np.testing.assert_allclose(
    mixed, jnp.where(jnp.array([1, 0, 1, 0])[:, None, None, None] > 0, a, b)
  )
  one = {**params, 'ConvTranspose_4': params['ConvTranspose_3']}  # the same head for both
  np.testing.assert_array_equal(*(net.apply(one, z, jnp.full(4, k)) for k in (0, 1)))


def test_coupled_discriminators_share_all_but_their_first_layer():
  net, params = coupled(cogan.Discriminator((2, 3), 5))
  x = jax.random.normal(KEY, (4, 28, 28, 1))
  assert np.any(net.apply(params, x, jnp.zeros(4, int)) != net.apply(params, x, jnp.ones(4, int)))
  one = {**params, 'Conv_1': params['Conv_0']}
  same = [net.apply(one, x, jnp.full(4, k)) for k in (0, 1)]
  assert same[0].shape == (4,)
  np.testing.assert_array_equal(*same)


def test_coupled_networks_are_for_28_pixels():
  with pytest.raises(InputError, match='28x28, not 32x32'):
    coupled(cogan.Generator((32, 32, 1), width=2), seen=(5,))


def test_a_prelu_passes_a_learnt_share_of_what_is_negative():
  net, params, _ = built(cogan.PReLU(), (1, 3))
  np.testing.assert_allclose(net.apply(params, jnp.array([[-4.0, 0.0, 3.0]])), [[-1.0, 0.0, 3.0]])
