"""Penalties against closed forms on critics whose slopes are known, and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from gan_jax import config, penalties
from gan_jax.errors import InputError
from gan_jax.game import Bound, Net
from gan_jax.objectives.gan import gan
from gan_jax.pairs import wasserstein
from gan_jax.penalties import between

KEY = jax.random.key(3)
SHAPE = (6, 3, 4, 2)  # images: one slope per sample is over three axes
REAL, FAKE = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype(np.float32)
W = np.random.default_rng(1).normal(size=SHAPE[1:]).astype(np.float32)


def linear(w):
  return lambda x: jnp.sum(w * x, axis=(1, 2, 3)) + 5.0


def flat_linear(w):
  return linear(jnp.asarray(w)[None])


def norm(w):
  return np.sqrt(np.sum(np.float64(w) ** 2))


NAMES = ['wgan_gp', 'wgan_lp', 'zero_centred', 'r1', 'r2', 'dragan', 'drift']
each_penalty = pytest.mark.parametrize('name', NAMES)


def test_every_penalty_of_the_module_is_tested_here():
  assert {n for n, v in vars(penalties).items() if hasattr(v, '__wrapped__')} == set(NAMES)


@jax.jit
def on_linear(w):
  return {n: getattr(penalties, n)().value(flat_linear(w), REAL, FAKE, KEY) for n in NAMES}


@pytest.mark.parametrize('length', [0.25, 1.0, 7.0])
def test_on_a_linear_critic_a_penalty_is_its_closed_form(length):
  w = W * np.float32(length / norm(W))
  expected = {
    'wgan_gp': (length - 1) ** 2,
    'wgan_lp': max(0, length - 1) ** 2,
    'zero_centred': length**2,
    'r1': length**2 / 2,
    'r2': length**2 / 2,
    'dragan': (length - 1) ** 2,
    'drift': np.mean((np.sum(np.float64(w) * REAL, axis=(1, 2, 3)) + 5) ** 2),
  }
  found = on_linear(w)
  for name, value in expected.items():
    np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-6, err_msg=name)


def test_on_a_quadratic_critic_the_slope_is_taken_where_the_penalty_says():
  A = np.random.default_rng(2).normal(size=(24, 24))
  A = (A + A.T) / 8
  D = lambda x: 0.5 * jnp.einsum('bi,ij,bj->b', x.reshape(6, 24), jnp.float32(A), x.reshape(6, 24))
  at = lambda x: np.linalg.norm(np.float64(x).reshape(6, 24) @ A, axis=1)  # |grad D| = |A x|
  on = lambda name, real, fake: getattr(penalties, name)().value(D, real, fake, KEY)
  np.testing.assert_allclose(on('r1', REAL, FAKE), np.mean(at(REAL) ** 2) / 2, rtol=1e-5)
  np.testing.assert_allclose(on('r2', REAL, FAKE), np.mean(at(FAKE) ** 2) / 2, rtol=1e-5)
  # Where real and fake coincide there is one point between them.
  np.testing.assert_allclose(on('wgan_gp', REAL, REAL), np.mean((at(REAL) - 1) ** 2), rtol=1e-5)
  np.testing.assert_allclose(on('zero_centred', REAL, REAL), np.mean(at(REAL) ** 2), rtol=1e-5)
  lp = np.mean(np.maximum(at(REAL) - 1, 0) ** 2)
  np.testing.assert_allclose(on('wgan_lp', REAL, REAL), lp, rtol=1e-5)
  near = penalties.dragan(spread=0.0).value(D, REAL, FAKE, KEY)
  np.testing.assert_allclose(near, np.mean((at(REAL) - 1) ** 2), rtol=1e-5)


def test_between_real_and_fake_the_slope_is_averaged_uniformly_over_the_line():
  """With D = |x|^2 / 2: E_t |x + t d|^2 = |x|^2 + x.d + |d|^2 / 3."""
  D = lambda x: jnp.sum(x**2, axis=(1, 2, 3)) / 2
  value = lambda key: penalties.zero_centred().value(D, REAL, FAKE, key)
  found = np.asarray(jax.jit(jax.vmap(value))(jax.random.split(KEY, 4000)))
  x, d = np.float64(REAL).reshape(6, -1), np.float64(FAKE - REAL).reshape(6, -1)
  expected = np.mean(np.sum(x**2 + x * d + d**2 / 3, axis=1))
  assert abs(found.mean() - expected) < 4 * found.std() / np.sqrt(4000)


def test_the_slope_is_one_number_per_sample_over_all_other_axes():
  D = lambda x: jnp.sum(x**2, axis=(1, 2, 3)) / 2  # grad = x
  expected = np.mean((np.linalg.norm(np.float64(REAL).reshape(6, -1), axis=1) - 1) ** 2)
  found = penalties.wgan_gp().value(D, REAL, REAL, KEY)
  np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_critic_of_patches_is_penalised_for_the_slope_of_its_sum():
  D = lambda x: x[:, ::2, ::2, :] * 3.0  # patches f32[6,2,2,2], each the slope of its own pixel
  found = penalties.r1().value(D, REAL, FAKE, KEY)
  np.testing.assert_allclose(found, 9 * 2 * 2 * 2 / 2, rtol=1e-6)


def test_points_lie_between_real_and_fake_each_image_at_its_own_place():
  x = np.asarray(between(REAL, FAKE, KEY))
  assert np.all(x >= np.minimum(REAL, FAKE) - 1e-6)
  assert np.all(x <= np.maximum(REAL, FAKE) + 1e-6)
  t = (np.float64(x) - REAL) / (np.float64(FAKE) - REAL)
  middle = np.median(t.reshape(6, -1), axis=1)
  wide = np.abs(FAKE - REAL) > 0.1
  at = np.broadcast_to(middle[:, None, None, None], SHAPE)
  np.testing.assert_allclose(t[wide], at[wide], atol=1e-5)
  assert len(set(np.round(middle, 4))) == 6


def test_the_place_between_is_uniform():
  t = between(jnp.zeros((5000, 1)), jnp.ones((5000, 1)), KEY)[:, 0]
  assert stats.kstest(np.asarray(t), 'uniform').pvalue > 1e-3


def test_dragans_noise_is_one_sided_and_half_the_batchs_deviation():
  """Scalars 10 and 14 (std 2), D = x^2 / 2, so x^ = x + a u: E (x - 1 + a u)^2, a and u ~ U."""
  real = jnp.array([[10.0], [14.0]])
  D = lambda x: x[:, 0] ** 2 / 2
  value = lambda key: penalties.dragan().value(D, real, real, key)
  found = np.asarray(jax.jit(jax.vmap(value))(jax.random.split(KEY, 20_000)))
  expected = np.mean([(x - 1) ** 2 + 2 * (x - 1) / 4 + 1 / 9 for x in (10.0, 14.0)])
  assert abs(found.mean() - expected) < 4 * found.std() / np.sqrt(20_000)
  wide = penalties.dragan(spread=1.0).value(D, real, real, KEY)
  assert wide > penalties.dragan(spread=0.5).value(D, real, real, KEY)


@each_penalty
def test_the_gradient_is_finite_where_the_critics_slope_is_zero(name):
  term = getattr(penalties, name)()
  cost = lambda w: term.value(flat_linear(w), REAL, FAKE, KEY)
  value, grad = jax.jit(jax.value_and_grad(cost))(jnp.zeros(SHAPE[1:]))
  assert np.isfinite(value)
  assert np.all(np.isfinite(grad))


@each_penalty
def test_a_penalty_is_differentiable_with_respect_to_the_critics_weights(name):
  """Second-order gradients against central differences, in float64."""
  with float64():
    rng = np.random.default_rng(5)
    real, fake = (jnp.asarray(rng.normal(size=(4, 3, 2))) for _ in range(2))
    weights = (jnp.asarray(rng.normal(size=(6, 5))), jnp.asarray(rng.normal(size=5)))
    term = getattr(penalties, name)()

    def cost(weights):
      D = lambda x: jnp.tanh(x.reshape(4, 6) @ weights[0]) @ weights[1]
      return term.value(D, real, fake, KEY)

    cost = jax.jit(cost)
    grads = jax.jit(jax.grad(cost))(weights)
    way = tuple(jnp.asarray(rng.normal(size=w.shape)) for w in weights)
    h = 1e-5
    step = lambda sign: cost(tuple(w + sign * h * d for w, d in zip(weights, way, strict=True)))
    slope = (step(1) - step(-1)) / (2 * h)
    along = sum(jnp.vdot(g, d) for g, d in zip(grads, way, strict=True))
    assert abs(slope) > 1e-3
    np.testing.assert_allclose(along, slope, rtol=1e-6)


def float64():
  """The context manager, which has moved in jax 0.8."""
  if hasattr(jax, 'enable_x64'):
    return jax.enable_x64(True)
  from jax.experimental import enable_x64

  return enable_x64()


def test_a_config_makes_a_penalty_with_its_weight_its_interval_and_its_own_keywords():
  term = config.build(dict(name='r1', weight=5.0, every=16), 'penalties')
  assert (term.name, term.weight, term.every) == ('r1', 5.0, 16)
  term = config.build(dict(name='dragan', spread=0.0), 'penalties')
  assert (term.name, term.weight, term.every) == ('dragan', 1.0, 1)
  x = lambda v: jnp.full((2, 1), v)
  D = lambda x: x[:, 0] ** 2 / 2
  np.testing.assert_allclose(term.value(D, x(3.0), x(9.0), KEY), 4.0, rtol=1e-6)


@pytest.mark.parametrize(
  ('spec', 'hint'),
  [
    (dict(name='r1', wieght=5.0), "r1 takes no argument 'wieght'; did you mean 'weight'"),
    (dict(name='dragan', spred=1.0), "did you mean 'spread'"),
    (dict(name='r1', spread=1.0), "r1 takes no argument 'spread'; it takes weight and every"),
  ],
)
def test_a_misspelt_keyword_is_refused_with_the_nearest(spec, hint):
  with pytest.raises(InputError, match=hint):
    config.build(spec, 'penalties')


@pytest.mark.parametrize('every', [2, 4])
def test_a_lazy_penalty_costs_over_its_rounds_what_the_eager_one_does(every):
  """Karras et al. 2020: each paid once in `every` rounds, and `every` times over."""
  nets = Bound(
    {
      'G': Net(lambda key: (), lambda params, z, key=None: z),
      'D': Net(lambda key: (), lambda params, x, key=None: params * x[:, 0]),
    },
    {'G': (), 'D': jnp.float32(3)},
  )
  batch = {'image': jnp.ones((4, 1))}
  prior = lambda key, n: jnp.zeros((n, 1))

  def costs(interval):
    objective = gan(prior, pair=wasserstein(), penalties=[penalties.r1(weight=2.0, every=interval)])
    carry, out = objective.init(), []
    for i in range(8):
      out.append(
        objective.losses['D'](nets, batch, objective.draw(batch, jax.random.key(i)), carry)
      )
      carry = objective.advance(carry, {})
    return out

  eager, lazy = costs(1), costs(every)
  cost = lambda each: np.mean([c for c, _ in each])
  np.testing.assert_allclose(cost(eager), -3 + 2 * 4.5, rtol=1e-6)
  np.testing.assert_allclose(cost(lazy), cost(eager), rtol=1e-6)
  assert [float(s['r1']) for _, s in lazy] == ([every * 4.5] + [0.0] * (every - 1)) * (8 // every)


def test_a_weight_may_be_a_schedule_of_rounds():
  nets = Bound(
    {
      'G': Net(lambda key: (), lambda params, z, key=None: z),
      'D': Net(lambda key: (), lambda params, x, key=None: 3 * x[:, 0]),
    },
    {'G': (), 'D': ()},
  )
  batch = {'image': jnp.ones((4, 1))}
  ramp = dict(name='linear_schedule', init_value=2.0, end_value=0.0, transition_steps=4)
  term = config.build(dict(name='r1', weight=ramp, every=2), 'penalties')
  objective = gan(lambda key, n: jnp.zeros((n, 1)), pair=wasserstein(), penalties=[term])
  carry, paid = objective.init(), []
  for _ in range(6):
    cost, _ = objective.losses['D'](nets, batch, objective.draw(batch, KEY), carry)
    paid.append(float(cost) + 3)
    carry = objective.advance(carry, {})
  np.testing.assert_allclose(paid, [2 * 9, 0, 9, 0, 0, 0], atol=1e-5)  # 9 = 2 · 3²/2
