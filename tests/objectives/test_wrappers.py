"""What D is shown in place of images: noise, augmentations, and how much of them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import config, pairs, penalties
from gan_jax.game import Bound, Net, Objective
from gan_jax.objectives.gan import gan
from gan_jax.objectives.wrappers import adaptive, augmented, instance_noise
from tests.messages import refused
from tests.objectives.playing import paid

KEY = jax.random.key(0)
X = np.full((64, 8, 8, 1), 0.25, np.float32)


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


def looks(objective):
  """(carry, key) -> D's scalars, from one program for all rounds."""
  return jax.jit(lambda c, key=KEY: objective.losses['D'](bound(), {'image': X}, key, c)[1])


def look(objective, carry):
  return jax.device_get(looks(objective)(carry))


@pytest.mark.parametrize('sigma', [0.1, 1.5])
def test_instance_noise_shows_every_image_with_that_deviation(sigma):
  objective = instance_noise(what_d_sees(), sigma=sigma)
  noise = np.asarray(look(objective, objective.init())['first'] - X)
  n = noise.size
  assert abs(noise.mean()) < 4 * sigma / np.sqrt(n)
  assert abs(noise.std() / sigma - 1) < 4 / np.sqrt(2 * n)
  images = noise.reshape(64, 64)  # each image and pixel has noise of its own
  assert np.max(np.abs(np.corrcoef(images) - np.eye(64))) < 0.6


def test_instance_noise_is_of_each_look_and_of_each_key():
  objective = instance_noise(what_d_sees(), sigma=1.0)
  of = looks(objective)
  seen, other = of(objective.init()), of(objective.init(), jax.random.key(1))
  for a, b in ((seen['first'], seen['second']), (seen['first'], other['first'])):
    assert abs(np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]) < 0.07


def test_instance_noise_hands_d_another_key_than_its_own():
  keys = []
  nets = bound(D=lambda x, key: (keys.append(jax.random.key_data(key)), x)[1])
  objective = instance_noise(what_d_sees(), sigma=1.0)
  args = {'image': X}, (np.float32(0), 0), KEY
  of_d = paid(objective, nets, *args, seen=keys, players='D')['D'][1]
  handed = jax.random.wrap_key_data(keys[0])
  given = jax.random.split(KEY)[0]
  assert not np.array_equal(keys[0], jax.random.key_data(given))
  again = np.asarray(jax.jit(lambda key: jax.random.normal(key, X.shape))(handed))
  assert abs(np.corrcoef((of_d['first'] - X).ravel(), again.ravel())[0, 1]) < 0.07


def test_instance_noise_follows_its_schedule_round_by_round():
  objective = instance_noise(what_d_sees(), sigma=optax.linear_schedule(1.0, 0.0, 4))
  losses = looks(objective)
  carry, spread = objective.init(), []
  for _ in range(6):
    spread.append(float(np.std(losses(carry)['first'])))
    carry = objective.advance(carry, {'D/loss': 1.0})
  np.testing.assert_allclose(spread, [1, 0.75, 0.5, 0.25, 0, 0], atol=0.03)
  assert carry[0] == 7 + 6  # the base's own moved on with it
  assert carry[1] == 6


def test_instance_noise_hands_the_base_its_carry():
  objective = instance_noise(what_d_sees(), sigma=1.0)
  assert look(objective, objective.init())['inner'] == 7


def test_instance_noise_is_seen_by_both_players_and_the_penalty():
  base = gan(lambda key, n: jnp.zeros((n, 8, 8, 1)), pair=pairs.wasserstein(),
             penalties=[penalties.r1(weight=1.0)])  # fmt: skip
  D = lambda x, key=None: jnp.sum(x**2, axis=(1, 2, 3)) / 2  # slope x, so r1 is |x + noise|^2 / 2
  nets = bound(D=D)
  noisy = instance_noise(base, sigma=2.0)
  costs = paid(noisy, nets, {'image': np.zeros((256, 8, 8, 1), np.float32)})
  (_, scalars), (g, _) = costs['D'], costs['G']
  for value in (scalars['real'], scalars['fake'], scalars['r1'], -g):
    np.testing.assert_allclose(value, 64 * 4 / 2, rtol=0.05)


def test_instance_noise_passes_labels_to_d():
  seen = []
  nets = bound(D=lambda x, *given, key: (seen.append(given), x)[1])
  loss = lambda nets, batch, key, carry: (
    0.0,
    {'x': nets.D(batch['image'], jnp.arange(3), key=key)},
  )
  objective = instance_noise(Objective({'D': loss}), sigma=1.0)
  paid(objective, nets, {'image': X}, seen=seen)
  np.testing.assert_array_equal(seen[0][0], [0, 1, 2])


def test_instance_noise_may_have_another_network_for_critic():
  loss = lambda nets, b, k, c: (
    0.0,
    {'G': nets.G(b['image'], key=k), 'D': nets.D(b['image'], key=k)},
  )
  objective = instance_noise(Objective({'D': loss}), sigma=1.0, critic='G')
  seen = look(objective, objective.init())
  np.testing.assert_array_equal(seen['D'], X)
  assert np.std(seen['G']) > 0.9


def test_build_wraps_an_objective_with_a_schedule_by_name():
  sigma = dict(name='linear_schedule', init_value=0.5, end_value=0.0, transition_steps=2)
  spec = dict(name='instance_noise', base=what_d_sees(), sigma=sigma)
  objective = config.build(spec, 'objectives.wrappers')
  of = looks(objective)
  assert abs(float(np.std(of((jnp.float32(7), 0))['first'])) - 0.5) < 0.02
  np.testing.assert_array_equal(of((jnp.float32(7), 2))['first'], X)


# --- augmentation ---------------------------------------------------------------------------------


def plus_one(key, x, p):
  """Adds 1 to each image with probability p."""
  return x + jax.random.bernoulli(key, p, (len(x), 1, 1, 1))


@jax.jit
def many_looks(p):
  """What is added to each image, f32[64], in two looks at it."""
  objective = augmented(what_d_sees(), augmentations=[plus_one], p=p)
  seen = objective.losses['D'](bound(), {'image': X}, KEY, objective.init())[1]
  return [(seen[name] - X)[:, 0, 0, 0] for name in ('first', 'second')]


def test_augmented_shows_d_images_drawn_anew_in_each_look():
  np.testing.assert_array_equal(many_looks(0.0)[0], 0)
  np.testing.assert_array_equal(many_looks(1.0)[0], 1)
  first, second = many_looks(0.5)
  assert set(np.asarray(first).tolist()) == {0.0, 1.0}
  assert abs(np.corrcoef(first, second)[0, 1]) < 0.5


def test_augmented_has_steps_in_order_with_keys_of_their_own():
  double = lambda key, x, p: 2 * x + jax.random.uniform(key, (1, 1, 1, 1))
  keys = []
  spy = lambda key, x, p: (keys.append(jax.random.key_data(key)), x)[1]
  objective = augmented(what_d_sees(), augmentations=[plus_one, spy, double, spy], p=1.0)
  seen = paid(objective, bound(), {'image': X}, seen=keys)['D'][1]['first']
  assert np.all((seen >= 2.5) & (seen < 3.5))  # doubled after 1 was added
  assert np.any(keys[0] != keys[1])


def test_augmented_probability_follows_its_schedule():
  objective = augmented(
    what_d_sees(), augmentations=[plus_one], p=optax.linear_schedule(0.0, 1.0, 2)
  )
  losses = looks(objective)
  carry, shares = objective.init(), []
  for _ in range(4):
    shares.append(float(np.mean(losses(carry)['first'] - X)))
    carry = objective.advance(carry, {'D/loss': 1.0})
  np.testing.assert_allclose(shares, [0, 0.5, 1, 1], atol=0.2)


def test_augmented_is_seen_through_by_g_and_the_penalty():
  base = gan(lambda key, n: jnp.ones((n, 1, 1, 1)), pair=pairs.wasserstein(),
             penalties=[penalties.r1(weight=1.0)])  # fmt: skip
  triple = lambda key, x, p: 3 * x
  objective = augmented(base, augmentations=[triple])
  batch = {'image': np.full((4, 1, 1, 1), 2, np.float32)}
  carry = objective.init()

  @jax.jit
  def g_cost(w):
    nets = bound(D=lambda x, key: x[:, 0, 0, 0] ** 2, G=lambda z, key: w * z)
    return objective.losses['G'](nets, batch, objective.draw(batch, KEY), carry)[0]

  np.testing.assert_allclose(jax.grad(g_cost)(1.0), -2 * 3 * 3, rtol=1e-5)  # of -(3 w)^2
  nets = bound(D=lambda x, key: x[:, 0, 0, 0] ** 2)
  _, scalars = paid(objective, nets, batch, players='D')['D']
  np.testing.assert_allclose(scalars['real'], (3 * 2.0) ** 2)
  np.testing.assert_allclose(scalars['r1'], (2 * 3 * 3 * 2.0) ** 2 / 2)  # d (3x)^2 / dx at x = 2


def test_augmented_refuses_what_is_no_image():
  objective = augmented(what_d_sees(), augmentations=[plus_one])
  points = {'image': np.zeros((4, 2), np.float32)}
  with refused('[4, 2]'):
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
def test_adaptive_p_follows_the_rule_of_the_paper(target, every, climb):
  signs = np.concatenate([np.ones(9), -np.ones(6), np.random.default_rng(0).uniform(-1, 1, 40)])
  found = adapt(signs, target=target, every=every, climb=climb)
  np.testing.assert_allclose(found, by_the_paper(signs, target, every, climb), atol=1e-6)
  assert max(found) > 0


def test_adaptive_p_would_rise_from_0_to_1_in_climb_rounds():
  assert adapt(np.ones(40), climb=40.0)[-1] == pytest.approx(1)


def test_adaptive_shows_d_images_with_the_p_of_the_carry_and_logs_it():
  objective = adaptive(what_d_sees(), augmentations=[plus_one], climb=1.0, every=1)
  carry, of = objective.init(), looks(objective)
  for p in (0.0, 1.0):
    seen = of(carry)
    np.testing.assert_array_equal(seen['first'], X + p)
    assert seen['p'] == p
    carry = objective.advance(carry, {'D/loss': 1.0, 'D/sign': jnp.float32(1)})


def test_adaptive_follows_what_gans_log():
  base = gan(lambda key, n: jnp.zeros((n, 8, 8, 1)), pair=pairs.nonsaturating())
  objective = adaptive(base, augmentations=[plus_one], climb=10.0, every=1)
  nets = bound(D=lambda x, key: x[:, 0, 0, 0] - 0.5)
  batch = {'image': np.float32([0, 1, 1, 1]).reshape(4, 1, 1, 1) * np.ones((8, 8, 1), np.float32)}
  carry = objective.init()
  _, scalars = paid(objective, nets, batch, players='D')['D']
  assert scalars['sign'] == 0.5  # three of four are taken for real
  told = {f'D/{name}': value for name, value in scalars.items()}
  assert float(objective.advance(carry, told)[1].p) == 0.0  # below the target, and not below 0
  assert float(objective.advance(carry, {**told, 'D/sign': 1.0})[1].p) == pytest.approx(0.1)


def test_adaptive_refuses_an_objective_that_does_not_log_signs():
  objective = adaptive(what_d_sees(), augmentations=[plus_one], climb=10.0)
  with refused("'D/sign'"):
    objective.advance(objective.init(), {'D/loss': 1.0})


def test_instance_noise_wraps_augmented():
  inner = augmented(what_d_sees(), augmentations=[plus_one], p=1.0)
  objective = instance_noise(inner, sigma=0.0)
  carry = objective.init()
  np.testing.assert_array_equal(look(objective, carry)['first'], X + 1)
  carry = objective.advance(carry, {'D/loss': 1.0})
  assert (float(carry[0][0]), int(carry[0][1]), int(carry[1])) == (8, 1, 1)


def test_build_wraps_an_objective_with_augmentations_by_name():
  ramp = dict(name='cosine_ramp', start=0.0, end=0.5, rounds=10)
  steps = ('translation', dict(name='colour', strength=0.5))
  spec = dict(name='augmented', base=what_d_sees(), augmentations=steps, p=ramp)
  objective = config.build(spec, 'objectives.wrappers')
  of = looks(objective)
  np.testing.assert_array_equal(of((jnp.float32(7), 0))['first'], X)
  assert np.any(of((jnp.float32(7), 10))['first'] != X)
