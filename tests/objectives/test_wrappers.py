import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import config, pairs, penalties
from gan_jax.errors import InputError
from gan_jax.game import Bound, Net, Objective
from gan_jax.objectives.gan import gan
from gan_jax.objectives.wrappers import adaptive, augmented, instance_noise

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


# --- augmentation ---------------------------------------------------------------------------------


def plus_one(key, x, p):
  """Adds 1 to each image with probability p."""
  return x + jax.random.bernoulli(key, p, (len(x), 1, 1, 1))


def many_looks(p, **options):
  objective = augmented(what_d_sees(), augmentations=[plus_one], p=p, **options)
  seen = look(objective, objective.init())
  return [np.asarray(seen[name] - X)[:, 0, 0, 0] for name in ('first', 'second')]


def test_d_sees_images_augmented_and_each_look_draws_for_itself():
  np.testing.assert_array_equal(many_looks(0.0)[0], 0)
  np.testing.assert_array_equal(many_looks(1.0)[0], 1)
  first, second = many_looks(0.5)
  assert set(first) == {0.0, 1.0}
  assert abs(np.corrcoef(first, second)[0, 1]) < 0.5


def test_augmentations_follow_one_another_with_keys_of_their_own():
  double = lambda key, x, p: 2 * x + jax.random.uniform(key, (1, 1, 1, 1))
  keys = []
  spy = lambda key, x, p: (keys.append(np.asarray(jax.random.key_data(key))), x)[1]
  objective = augmented(what_d_sees(), augmentations=[plus_one, spy, double, spy], p=1.0)
  seen = np.asarray(look(objective, objective.init())['first'])
  assert np.all((seen >= 2.5) & (seen < 3.5))  # doubled after 1 was added
  assert np.any(keys[0] != keys[1])


def test_the_probability_follows_its_schedule():
  objective = augmented(
    what_d_sees(), augmentations=[plus_one], p=optax.linear_schedule(0.0, 1.0, 2)
  )
  carry, shares = objective.init(), []
  for _ in range(4):
    shares.append(float(jnp.mean(look(objective, carry)['first'] - X)))
    carry = objective.advance(carry, {'D/loss': 1.0})
  np.testing.assert_allclose(shares, [0, 0.5, 1, 1], atol=0.2)


def test_g_learns_through_the_augmentation_and_the_penalty_looks_through_it():
  base = gan(lambda key, n: jnp.ones((n, 1, 1, 1)), pair=pairs.wasserstein(),
             penalties=[penalties.r1(weight=1.0)])  # fmt: skip
  triple = lambda key, x, p: 3 * x
  objective = augmented(base, augmentations=[triple])
  batch = {'image': jnp.full((4, 1, 1, 1), 2.0)}
  drawn, carry = objective.draw(batch, KEY), objective.init()

  def g_cost(w):
    nets = bound(D=lambda x, key: x[:, 0, 0, 0] ** 2, G=lambda z, key: w * z)
    return objective.losses['G'](nets, batch, drawn, carry)[0]

  np.testing.assert_allclose(jax.grad(g_cost)(1.0), -2 * 3 * 3, rtol=1e-5)  # of -(3 w)^2
  nets = bound(D=lambda x, key: x[:, 0, 0, 0] ** 2)
  _, scalars = objective.losses['D'](nets, batch, drawn, carry)
  np.testing.assert_allclose(scalars['real'], (3 * 2.0) ** 2)
  np.testing.assert_allclose(scalars['r1'], (2 * 3 * 3 * 2.0) ** 2 / 2)  # d (3x)^2 / dx at x = 2


def test_what_is_no_image_is_refused():
  objective = augmented(what_d_sees(), augmentations=[plus_one])
  points = {'image': jnp.zeros((4, 2))}
  with pytest.raises(InputError, match=r'only images .* D judges \[4, 2\]'):
    objective.losses['D'](bound(), points, KEY, objective.init())


# --- adaptive augmentation ------------------------------------------------------------------------


def adapt(signs, **options):
  """p after each round of an adaptive objective, given D/sign of each."""
  objective = adaptive(what_d_sees(), augmentations=[plus_one], **options)
  carry, found = objective.init(), []
  for sign in signs:
    carry = objective.advance(carry, {'D/loss': 1.0, 'D/sign': jnp.float32(sign)})
    found.append(float(carry[1].p))
  return found


def by_the_paper(signs, target, every, climb):
  """Every `every` rounds p moves by every/climb towards where E[sign] is on target; p >= 0."""
  p, out = 0.0, []
  for i in range(len(signs)):
    if (i + 1) % every == 0:
      r = np.mean(signs[i + 1 - every : i + 1])
      p = max(0.0, p + np.sign(r - target) * every / climb)
    out.append(p)
  return out


@pytest.mark.parametrize(('target', 'every', 'climb'), [(0.6, 4, 100), (0.5, 1, 8), (0.6, 2, 10)])
def test_p_follows_the_papers_rule(target, every, climb):
  signs = np.concatenate([np.ones(9), -np.ones(6), np.random.default_rng(0).uniform(-1, 1, 40)])
  found = adapt(signs, target=target, every=every, climb=climb)
  np.testing.assert_allclose(found, by_the_paper(signs, target, every, climb), atol=1e-6)
  assert max(found) > 0


def test_p_would_rise_from_0_to_1_in_climb_rounds():
  assert adapt(np.ones(40), climb=40.0)[-1] == pytest.approx(1)


def test_d_sees_images_with_the_p_of_the_carry_which_is_logged():
  objective = adaptive(what_d_sees(), augmentations=[plus_one], climb=1.0, every=1)
  carry = objective.init()
  for p in (0.0, 1.0):
    seen = look(objective, carry)
    np.testing.assert_array_equal(seen['first'], X + p)
    assert seen['p'] == p
    carry = objective.advance(carry, {'D/loss': 1.0, 'D/sign': jnp.float32(1)})


def test_gans_log_what_adaptive_augmentation_follows():
  base = gan(lambda key, n: jnp.zeros((n, 8, 8, 1)), pair=pairs.nonsaturating())
  objective = adaptive(base, augmentations=[plus_one], climb=10.0, every=1)
  nets = bound(D=lambda x, key: x[:, 0, 0, 0] - 0.5)
  batch = {'image': jnp.concatenate([jnp.zeros((1, 8, 8, 1)), jnp.ones((3, 8, 8, 1))])}
  carry = objective.init()
  _, scalars = objective.losses['D'](nets, batch, objective.draw(batch, KEY), carry)
  assert scalars['sign'] == 0.5  # three of four are taken for real
  told = {f'D/{name}': value for name, value in scalars.items()}
  assert float(objective.advance(carry, told)[1].p) == 0.0  # below the target, and not below 0
  assert float(objective.advance(carry, {**told, 'D/sign': 1.0})[1].p) == pytest.approx(0.1)


def test_an_objective_that_does_not_log_signs_is_refused():
  objective = adaptive(what_d_sees(), augmentations=[plus_one], climb=10.0)
  with pytest.raises(InputError, match="'D/sign', which this objective does not log"):
    objective.advance(objective.init(), {'D/loss': 1.0})


def test_wrappers_wrap_wrappers():
  inner = augmented(what_d_sees(), augmentations=[plus_one], p=1.0)
  objective = instance_noise(inner, sigma=0.0)
  carry = objective.init()
  np.testing.assert_array_equal(look(objective, carry)['first'], X + 1)
  carry = objective.advance(carry, {'D/loss': 1.0})
  assert (float(carry[0][0]), int(carry[0][1]), int(carry[1])) == (8, 1, 1)


def test_a_config_wraps_an_objective_with_augmentations_by_name():
  ramp = dict(name='cosine_ramp', start=0.0, end=0.5, rounds=10)
  steps = ('translation', dict(name='colour', strength=0.5))
  spec = dict(name='augmented', base=what_d_sees(), augmentations=steps, p=ramp)
  objective = config.build(spec, 'objectives.wrappers')
  np.testing.assert_array_equal(look(objective, (jnp.float32(7), 0))['first'], X)
  assert np.any(look(objective, (jnp.float32(7), 10))['first'] != X)
