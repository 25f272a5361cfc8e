"""Samples: the same z is the same image, whatever surrounds it, and however many are asked for."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import pairs, priors, sampling
from gan_jax import step as steps
from gan_jax.data import transforms
from gan_jax.game import Net
from gan_jax.nets import dcgan, plain
from gan_jax.nets.layers import net
from gan_jax.objectives.gan import gan
from gan_jax.step import Game, Player
from tests.messages import refused

KEY = jax.random.key(0)
PRIOR = priors.normal(4)
AS_IT_IS = transforms.chain([])
NOISE = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
OTHERS = 50 * np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)


def started(game):
  """Its first state, in one compiled piece."""
  return jax.jit(lambda key: steps.init(game, key))(KEY)


@functools.cache
def drawn(average=0.5):
  """(the game, its state with averaged weights of their own, its sampler)."""
  nets = {
    'G': net(dcgan.Generator((8, 8, 1), width=2, stages=2), jnp.zeros((2, 4))),
    'D': net(plain.Discriminator(hidden=(8,)), jnp.zeros((2, 8, 8, 1))),
  }
  players = {n: Player((n,), optax.sgd(0.1)) for n in 'DG'}
  game = Game(nets, players, gan(PRIOR, pair=pairs.hinge()), {'G': average})
  state = started(game)
  state = state.replace(ema={'G': jax.tree.map(lambda w: w + 0.3, state.params['G'])})
  make = sampling.make_sampler(game, PRIOR, transforms.scale(), batch=16, calibration=4)
  return game, state, make(state)


def test_generate_of_one_at_a_time_is_that_of_the_batch():
  sampler = drawn()[2]
  whole = sampler.generate(NOISE)
  alone = np.concatenate([sampler.generate(NOISE[i : i + 1]) for i in range(12)])
  np.testing.assert_allclose(alone, whole, atol=1e-5)


def test_generate_makes_of_z_one_image_whatever_surrounds_it():
  sampler = drawn()[2]
  z = NOISE[:3]
  found = sampler.generate(np.concatenate([OTHERS[:5], z, OTHERS[5:]]))[5:8]
  np.testing.assert_allclose(found, sampler.generate(z), atol=1e-5)


def test_calibrate_is_why_surroundings_do_not_matter():
  """What the two tests above would not notice in a network without BatchNorm."""
  game, state, _ = drawn()
  apply = jax.jit(lambda z: game.nets['G'].apply(state.ema['G'], z))
  z = NOISE[:3]
  together = apply(np.concatenate([z, OTHERS]))[:3]
  # Four times the same three have the statistics of the three.
  assert np.max(np.abs(together - apply(np.tile(z, (4, 1)))[:3])) > 1e-2


@pytest.mark.parametrize('n', [1, 15, 16, 17, 40])
def test_draw_gives_any_number_of_images(n):
  sampler = drawn()[2]
  images = sampler.draw(KEY, n)
  assert images.shape == (n, 8, 8, 1)
  z = jax.jit(sampler.prior, static_argnums=1)(KEY, n)
  np.testing.assert_allclose(images, sampler.generate(z), atol=1e-6)
  shown = sampler.display(images)
  assert shown.dtype == np.uint8
  assert shown.shape == images.shape
  assert sampler.critic(images).shape == (n,)


def test_make_sampler_draws_by_averages_and_scores_by_weights():
  game, state, sampler = drawn()
  z = NOISE[:4]
  raw = sampling.make_sampler(game, PRIOR, AS_IT_IS, batch=16, calibration=4)(
    state.replace(ema={'G': state.params['G']})
  )
  assert np.max(np.abs(raw.generate(z) - sampler.generate(z))) > 1e-2
  x = sampler.generate(z)
  expected = jax.jit(game.nets['D'].apply)(state.params['D'], x)
  np.testing.assert_allclose(sampler.critic(x), expected, rtol=1e-5, atol=1e-6)


def toy():
  """G(z) = (z - mean) with the batch's mean, unless its weights hold one."""

  def apply(params, z, key=None):
    mean = params['norm'].get('mean', jnp.mean(z, axis=0))
    return params['norm']['scale'] * (z - mean[None])

  statistics = lambda params, z: {'norm': {'mean': jnp.mean(z, axis=0)}}
  return Net(lambda key: {'norm': {'scale': jnp.float32(2)}}, apply, statistics)


def test_calibrate_puts_mean_statistics_in_and_keeps_the_weights():
  z = jnp.float32(np.random.default_rng(0).normal(size=(5, 7, 3)))
  params = {'norm': {'scale': jnp.float32(2)}}
  found = sampling.calibrate(toy(), params, z)
  np.testing.assert_allclose(found['norm']['mean'], np.mean(z, axis=(0, 1)), atol=1e-6)
  assert found['norm']['scale'] == 2
  assert params == {'norm': {'scale': jnp.float32(2)}}, 'the weights themselves are as before'


def test_calibrate_starts_from_the_batches_when_done_again():
  z = jnp.float32(np.random.default_rng(0).normal(size=(5, 7, 3)))
  once = sampling.calibrate(toy(), {'norm': {'scale': jnp.float32(2)}}, z + 10)
  twice = sampling.calibrate(toy(), once, z)
  np.testing.assert_allclose(twice['norm']['mean'], np.mean(z, axis=(0, 1)), atol=1e-6)


def test_calibrate_leaves_a_network_without_statistics():
  params = {'a': jnp.ones(2)}
  assert sampling.calibrate(Net(lambda key: params, lambda p, z: z), params, KEY) is params


def test_merge_keeps_both_trees_and_the_second_wins():
  a = {'x': {'scale': 1, 'mean': 2}, 'y': 3}
  b = {'x': {'mean': 20, 'var': 30}, 'z': {'w': 4}}
  assert sampling.merge(a, b) == {'x': {'scale': 1, 'mean': 20, 'var': 30}, 'y': 3, 'z': {'w': 4}}
  assert a == {'x': {'scale': 1, 'mean': 2}, 'y': 3}
  assert sampling.merge({}, b) == b
  assert sampling.merge(a, {}) == a


def test_fill_takes_labels_in_turn():
  G = Net(lambda key: (), lambda p, z, y, key=None: z + 10.0 * y[:, None])
  game = Game({'G': G}, {}, gan(PRIOR, pair=pairs.hinge()), {})
  state = started(game)
  make = sampling.make_sampler(
    game, lambda key, n: jnp.zeros((n, 1)), AS_IT_IS, inputs=('z', 'label'), classes=3, batch=4
  )
  sampler = make(state)
  np.testing.assert_array_equal(sampler.draw(KEY, 7)[:, 0], [0, 10, 20, 0, 10, 20, 0])
  assert sampler.critic is None


def test_make_sampler_refuses_inputs_that_cannot_be_made_up():
  with refused('image'):
    sampling.make_sampler(drawn()[0], PRIOR, AS_IT_IS, inputs=('z', 'image'))


def test_in_chunks_of_any_size_is_the_whole():
  x, y = np.arange(10.0), np.arange(10.0) * 3
  for size in (1, 3, 5, 10, 64):
    np.testing.assert_array_equal(sampling.in_chunks(lambda a, b: a + b, size, x, y), x + y)


# Mended: none asked for is an error of NumPy's ('need at least one array to concatenate').
def test_draw_of_no_images_is_no_images():
  assert drawn()[2].draw(KEY, 0).shape == (0, 8, 8, 1)


# With BatchNorm a score would depend on the rest of the chunk, and on what fills it up.
def test_critic_is_none_if_it_has_batch_norm():
  nets = {
    'G': net(plain.Generator((8, 8, 1), hidden=(8,)), jnp.zeros((2, 4))),
    'D': net(dcgan.Discriminator(width=2, stages=2, norm='batch'), jnp.zeros((2, 8, 8, 1))),
  }
  game = Game(nets, {}, gan(PRIOR, pair=pairs.hinge()), {})
  sampler = sampling.make_sampler(game, PRIOR, AS_IT_IS, batch=8, calibration=2)(started(game))
  assert sampler.critic is None


# --- more than z and labels -----------------------------------------------------------------------


def test_fill_takes_examples_in_turn_as_the_networks_see_them():
  G = Net(lambda key: (), lambda p, x, key=None: -x)
  game = Game({'G': G}, {}, gan(PRIOR, pair=pairs.hinge()), {})
  given = {'source': np.arange(3 * 4, dtype=np.uint8).reshape(3, 2, 2, 1)}
  make = sampling.make_sampler(
    game, None, transforms.scale(), inputs=('source',), examples=given, batch=4
  )
  sampler = make(started(game))
  (seen,) = sampler.fill(KEY, 4)
  np.testing.assert_allclose(seen, given['source'][[0, 1, 2, 0]] / 127.5 - 1, atol=1e-6)
  np.testing.assert_allclose(sampler.draw(KEY, 4), -seen, atol=1e-6)
  np.testing.assert_allclose(sampler.see(given['source']), seen[:3], atol=1e-6)
  assert sampler.prior is None


def test_apply_is_of_any_network_and_of_one_entry_of_its_outputs():
  G = Net(lambda key: (), lambda p, z, key=None: z)
  E = Net(lambda key: (), lambda p, x, key=None: {'logit': x[:, 0], 'twice': 2 * x})
  game = Game({'G': G, 'D': E}, {}, gan(PRIOR, pair=pairs.hinge()), {})
  sampler = sampling.make_sampler(game, PRIOR, AS_IT_IS, batch=4)(started(game))
  x = np.arange(14, dtype=np.float32).reshape(7, 2)
  np.testing.assert_array_equal(sampler.apply('D', x, output='twice'), 2 * x)
  np.testing.assert_array_equal(sampler.critic(x), x[:, 0])


def test_apply_takes_the_statistics_of_its_inputs():
  game = Game({'G': toy()}, {}, gan(PRIOR, pair=pairs.hinge()), {})
  sampler = sampling.make_sampler(game, PRIOR, AS_IT_IS, batch=4)(started(game))
  z = np.float32(np.random.default_rng(0).normal(size=(8, 3)))
  np.testing.assert_allclose(sampler.apply('G', z), 2 * (z - z.mean(0)), atol=1e-5)


def test_label_at_finds_the_label_among_inputs():
  z, y, source = np.zeros((3, 2), np.float32), np.zeros(3, np.int32), np.zeros((3, 2, 2, 1))
  assert sampling.label_at((z, y)) == 1
  assert sampling.label_at((source, jnp.asarray(y), z)) == 1
  with refused('label'):
    sampling.label_at((z, source))


def test_function_with_a_key_has_not_learnt_yet():
  game, _, sampler = drawn()
  x = np.random.default_rng(0).normal(size=(5, 8, 8, 1)).astype(np.float32)
  key = jax.random.key(7)
  expected = game.nets['D'].apply(game.nets['D'].init(key), x)
  np.testing.assert_array_equal(sampler.function('D', key=key)(x), expected)
  assert np.abs(expected - sampler.function('D')(x)).max() > 1e-3
  with refused("'E'", 'G, D'):
    sampler.function('E')
