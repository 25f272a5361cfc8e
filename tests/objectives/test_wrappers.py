import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import config, pairs, penalties
from gan_jax.game import Bound, Net, Objective
from gan_jax.objectives.gan import gan
from gan_jax.objectives.wrappers import instance_noise

KEY = jax.random.key(0)
X = jnp.full((64, 8, 8, 1), 0.25)


def what_d_sees():
  """An objective that logs the image which D is shown, and another look at the same image."""

  def loss(nets, batch, key, carry):
    k_first, k_second = jax.random.split(key)
    first, second = nets.D(batch['image'], key=k_first), nets.D(batch['image'], key=k_second)
    return jnp.zeros(()), {'first': first, 'second': second, 'inner': carry}

  return Objective({'D': loss}, lambda: jnp.float32(7), lambda c, s: c + s['D/loss'])


def bound(**functions):
  identity = Net(lambda key: (), lambda w, x, key=None: x)
  return Bound({'D': identity, 'G': identity}, {'D': (), 'G': ()}).let(**functions)


def look(objective, carry, key=KEY, nets=None):
  return objective.losses['D'](nets or bound(), {'image': X}, key, carry)[1]


@pytest.mark.parametrize('sigma', [0.1, 1.5])
def test_d_sees_every_image_with_noise_of_that_deviation(sigma):
  objective = instance_noise(what_d_sees(), sigma=sigma)
  noise = np.asarray(look(objective, objective.init())['first'] - X)
  n = noise.size
  assert abs(noise.mean()) < 4 * sigma / np.sqrt(n)
  assert abs(noise.std() / sigma - 1) < 4 / np.sqrt(2 * n)
  images = noise.reshape(64, 64)  # each image and pixel has noise of its own
  assert np.max(np.abs(np.corrcoef(images) - np.eye(64))) < 0.6


def test_each_look_has_noise_of_its_own_and_each_key_too():
  objective = instance_noise(what_d_sees(), sigma=1.0)
  seen = look(objective, objective.init())
  other = look(objective, objective.init(), jax.random.key(1))
  for a, b in ((seen['first'], seen['second']), (seen['first'], other['first'])):
    assert abs(np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]) < 0.07


def test_d_is_handed_another_key_than_the_noise_was_drawn_from():
  keys = []
  nets = bound(D=lambda x, key: (keys.append(key), x)[1])
  look(instance_noise(what_d_sees(), sigma=1.0), (0, 0), nets=nets)
  given = jax.random.split(KEY)[0]
  assert not np.array_equal(jax.random.key_data(keys[0]), jax.random.key_data(given))
  seen = np.asarray(look(instance_noise(what_d_sees(), sigma=1.0), (0, 0))['first'] - X)
  again = np.asarray(jax.random.normal(keys[0], X.shape))
  assert abs(np.corrcoef(seen.ravel(), again.ravel())[0, 1]) < 0.07


def test_the_deviation_follows_its_schedule_round_by_round():
  objective = instance_noise(what_d_sees(), sigma=optax.linear_schedule(1.0, 0.0, 4))
  carry, spread = objective.init(), []
  for _ in range(6):
    spread.append(float(jnp.std(look(objective, carry)['first'])))
    carry = objective.advance(carry, {'D/loss': 1.0})
  np.testing.assert_allclose(spread, [1, 0.75, 0.5, 0.25, 0, 0], atol=0.03)
  assert carry[0] == 7 + 6  # the base's own moved on with it
  assert carry[1] == 6


def test_the_bases_carry_reaches_the_base():
  objective = instance_noise(what_d_sees(), sigma=1.0)
  assert look(objective, objective.init())['inner'] == 7


def test_both_players_of_a_gan_see_noise_and_the_penalty_looks_through_it():
  base = gan(lambda key, n: jnp.zeros((n, 8, 8, 1)), pair=pairs.wasserstein(),
             penalties=[penalties.r1(weight=1.0)])  # fmt: skip
  D = lambda x, key=None: jnp.sum(x**2, axis=(1, 2, 3)) / 2  # slope x, so r1 is |x + noise|^2 / 2
  nets = bound(D=D)
  noisy = instance_noise(base, sigma=2.0)
  batch = {'image': jnp.zeros((256, 8, 8, 1))}
  _, scalars = noisy.losses['D'](nets, batch, noisy.draw(batch, KEY), noisy.init())
  g, _ = noisy.losses['G'](nets, batch, noisy.draw(batch, KEY), noisy.init())
  for value in (scalars['real'], scalars['fake'], scalars['r1'], -g):
    np.testing.assert_allclose(value, 64 * 4 / 2, rtol=0.05)


def test_labels_pass_through_to_d():
  seen = []
  nets = bound(D=lambda x, *given, key: (seen.append(given), x)[1])
  loss = lambda nets, batch, key, carry: (
    0.0,
    {'x': nets.D(batch['image'], jnp.arange(3), key=key)},
  )
  objective = instance_noise(Objective({'D': loss}), sigma=1.0)
  look(objective, objective.init(), nets=nets)
  np.testing.assert_array_equal(seen[0][0], [0, 1, 2])


def test_another_network_may_be_the_critic():
  loss = lambda nets, b, k, c: (
    0.0,
    {'G': nets.G(b['image'], key=k), 'D': nets.D(b['image'], key=k)},
  )
  objective = instance_noise(Objective({'D': loss}), sigma=1.0, critic='G')
  seen = look(objective, objective.init())
  np.testing.assert_array_equal(seen['D'], X)
  assert jnp.std(seen['G']) > 0.9


def test_a_config_wraps_an_objective_with_a_schedule_by_name():
  sigma = dict(name='linear_schedule', init_value=0.5, end_value=0.0, transition_steps=2)
  spec = dict(name='instance_noise', base=what_d_sees(), sigma=sigma)
  objective = config.build(spec, 'objectives.wrappers')
  assert abs(float(jnp.std(look(objective, objective.init())['first'])) - 0.5) < 0.02
  np.testing.assert_array_equal(look(objective, (jnp.float32(7), 2))['first'], X)
