"""Penalties against closed forms on critics whose slopes are known, and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from gan_jax import config, penalties
from gan_jax.game import Bound, Net
from gan_jax.objectives.gan import gan
from gan_jax.pairs import wasserstein
from gan_jax.penalties import between
from tests.messages import refused
from tests.precision import float64

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


def test_penalties_are_all_tested_here():
  assert {n for n, v in vars(penalties).items() if hasattr(v, '__wrapped__')} == set(NAMES)


@jax.jit
def on_linear(w):
  return {n: getattr(penalties, n)().value(flat_linear(w), REAL, FAKE, KEY) for n in NAMES}


@pytest.mark.parametrize('length', [0.25, 1.0, 7.0])
def test_penalties_on_a_linear_critic_are_their_closed_forms(length):
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


def test_penalties_take_the_slope_of_a_quadratic_where_they_say():
  A = np.random.default_rng(2).normal(size=(24, 24))
  A = (A + A.T) / 8
  D = lambda x: 0.5 * jnp.einsum('bi,ij,bj->b', x.reshape(6, 24), jnp.float32(A), x.reshape(6, 24))
  at = lambda x: np.linalg.norm(np.float64(x).reshape(6, 24) @ A, axis=1)  # |grad D| = |A x|

  @jax.jit
  def look(real, fake, key):
    terms = [getattr(penalties, name)() for name in ('wgan_gp', 'wgan_lp', 'zero_centred')]
    ends = {n: getattr(penalties, n)().value(D, real, fake, key) for n in ('r1', 'r2')}
    # Where real and fake coincide there is one point between them.
    between = {term.name: term.value(D, real, real, key) for term in terms}
    near = penalties.dragan(spread=0.0).value(D, real, fake, key)
    return {**ends, **between, 'dragan': near}

  found = look(REAL, FAKE, KEY)
  expected = {
    'r1': np.mean(at(REAL) ** 2) / 2,
    'r2': np.mean(at(FAKE) ** 2) / 2,
    'wgan_gp': np.mean((at(REAL) - 1) ** 2),
    'wgan_lp': np.mean(np.maximum(at(REAL) - 1, 0) ** 2),
    'zero_centred': np.mean(at(REAL) ** 2),
    'dragan': np.mean((at(REAL) - 1) ** 2),
  }
  assert set(found) == set(expected)
  for name, value in expected.items():
    np.testing.assert_allclose(found[name], value, rtol=1e-5, err_msg=name)


def test_zero_centred_averages_the_slope_uniformly_over_the_line():
  """With D = |x|^2 / 2: E_t |x + t d|^2 = |x|^2 + x.d + |d|^2 / 3."""
  D = lambda x: jnp.sum(x**2, axis=(1, 2, 3)) / 2
  value = lambda key: penalties.zero_centred().value(D, REAL, FAKE, key)
  found = np.asarray(jax.jit(jax.vmap(value))(jax.random.split(KEY, 4000)))
  x, d = np.float64(REAL).reshape(6, -1), np.float64(FAKE - REAL).reshape(6, -1)
  expected = np.mean(np.sum(x**2 + x * d + d**2 / 3, axis=1))
  assert abs(found.mean() - expected) < 4 * found.std() / np.sqrt(4000)


def test_wgan_gp_has_one_slope_per_sample_over_all_other_axes():
  D = lambda x: jnp.sum(x**2, axis=(1, 2, 3)) / 2  # grad = x
  expected = np.mean((np.linalg.norm(np.float64(REAL).reshape(6, -1), axis=1) - 1) ** 2)
  found = jax.jit(lambda key: penalties.wgan_gp().value(D, REAL, REAL, key))(KEY)
  np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_r1_of_a_critic_of_patches_is_of_the_slope_of_its_sum():
  D = lambda x: x[:, ::2, ::2, :] * 3.0  # patches f32[6,2,2,2], each the slope of its own pixel
  found = jax.jit(lambda key: penalties.r1().value(D, REAL, FAKE, key))(KEY)
  np.testing.assert_allclose(found, 9 * 2 * 2 * 2 / 2, rtol=1e-6)


def test_between_gives_each_image_its_own_place_on_its_line():
  x = np.asarray(jax.jit(between)(REAL, FAKE, KEY))
  assert np.all(x >= np.minimum(REAL, FAKE) - 1e-6)
  assert np.all(x <= np.maximum(REAL, FAKE) + 1e-6)
  t = (np.float64(x) - REAL) / (np.float64(FAKE) - REAL)
  middle = np.median(t.reshape(6, -1), axis=1)
  wide = np.abs(FAKE - REAL) > 0.1
  at = np.broadcast_to(middle[:, None, None, None], SHAPE)
  np.testing.assert_allclose(t[wide], at[wide], atol=1e-5)
  assert len(set(np.round(middle, 4))) == 6


def test_between_is_uniform():
  ends = np.zeros((5000, 1), np.float32), np.ones((5000, 1), np.float32)
  t = jax.jit(between)(*ends, KEY)[:, 0]
  assert stats.kstest(np.asarray(t), 'uniform').pvalue > 1e-3


def test_dragan_has_one_sided_noise_of_half_the_batchs_deviation():
  """Scalars 10 and 14 (std 2), D = x^2 / 2, so x^ = x + a u: E (x - 1 + a u)^2, a and u ~ U."""
  real = np.float32([[10.0], [14.0]])
  D = lambda x: x[:, 0] ** 2 / 2
  value = lambda spread, key: penalties.dragan(spread=spread).value(D, real, real, key)
  each = jax.jit(jax.vmap(value, (None, 0)))
  keys = jax.random.split(KEY, 20_000)
  found = np.asarray(each(0.5, keys))
  default = jax.jit(lambda key: penalties.dragan().value(D, real, real, key))
  np.testing.assert_allclose(default(keys[0]), found[0], rtol=1e-5)
  expected = np.mean([(x - 1) ** 2 + 2 * (x - 1) / 4 + 1 / 9 for x in (10.0, 14.0)])
  assert abs(found.mean() - expected) < 4 * found.std() / np.sqrt(20_000)
  assert np.all(each(1.0, keys) > found)


@each_penalty
def test_penalties_have_a_finite_gradient_where_the_slope_is_zero(name):
  term = getattr(penalties, name)()
  cost = lambda w, key: term.value(flat_linear(w), REAL, FAKE, key)
  value, grad = jax.jit(jax.value_and_grad(cost))(np.zeros(SHAPE[1:], np.float32), KEY)
  assert np.isfinite(value)
  assert np.all(np.isfinite(grad))


@each_penalty
def test_penalties_are_differentiable_in_the_weights_of_the_critic(name):
  """Second-order gradients against central differences, in float64."""
  with float64():
    rng = np.random.default_rng(5)
    real, fake = rng.normal(size=(2, 4, 3, 2))
    weights = rng.normal(size=(6, 5)), rng.normal(size=5)
    term = getattr(penalties, name)()

    @jax.jit
    def look(weights, key):
      def cost(weights):
        D = lambda x: jnp.tanh(x.reshape(4, 6) @ weights[0]) @ weights[1]
        return term.value(D, jnp.asarray(real), jnp.asarray(fake), key)

      return jax.value_and_grad(cost)(weights)

    way = tuple(rng.normal(size=w.shape) for w in weights)
    h = 1e-5
    ahead = lambda by: tuple(w + by * d for w, d in zip(weights, way, strict=True))
    slope = (look(ahead(h), KEY)[0] - look(ahead(-h), KEY)[0]) / (2 * h)
    _, grads = look(weights, KEY)
    assert grads[0].dtype == np.float64
    along = sum(np.vdot(g, d) for g, d in zip(grads, way, strict=True))
    assert abs(slope) > 1e-3
    np.testing.assert_allclose(along, slope, rtol=1e-6)


def test_build_makes_a_penalty_with_its_weight_interval_and_keywords():
  term = config.build(dict(name='r1', weight=5.0, every=16), 'penalties')
  assert (term.name, term.weight, term.every) == ('r1', 5.0, 16)
  term = config.build(dict(name='dragan', spread=0.0), 'penalties')
  assert (term.name, term.weight, term.every) == ('dragan', 1.0, 1)
  D = lambda x: x[:, 0] ** 2 / 2
  value = jax.jit(lambda real, fake, key: term.value(D, real, fake, key))
  found = value(np.full((2, 1), 3, np.float32), np.full((2, 1), 9, np.float32), KEY)
  np.testing.assert_allclose(found, 4.0, rtol=1e-6)


@pytest.mark.parametrize(
  ('spec', 'facts'),
  [
    (dict(name='r1', wieght=5.0), ('r1', "'wieght'", "'weight'")),
    (dict(name='dragan', spred=1.0), ('dragan', "'spred'", "'spread'")),
    (dict(name='r1', spread=1.0), ('r1', "'spread'", 'weight', 'every')),
  ],
)
def test_build_refuses_a_misspelt_keyword_with_the_nearest(spec, facts):
  with refused(*facts):
    config.build(spec, 'penalties')


def test_penalty_refuses_an_interval_of_no_rounds():
  with refused('r1', 'every=0'):
    penalties.r1(every=0)


@pytest.mark.parametrize('every', [2, 4])
def test_penalty_paid_lazily_costs_what_the_eager_one_does(every):
  """Karras et al. 2020: each paid once in `every` rounds, and `every` times over."""
  nets = Bound(
    {
      'G': Net(lambda key: (), lambda params, z, key=None: z),
      'D': Net(lambda key: (), lambda params, x, key=None: params * x[:, 0]),
    },
    {'G': (), 'D': jnp.float32(3)},
  )
  batch = {'image': np.ones((4, 1), np.float32)}
  prior = lambda key, n: jnp.zeros((n, 1))

  def costs(interval):
    objective = gan(prior, pair=wasserstein(), penalties=[penalties.r1(weight=2.0, every=interval)])

    @jax.jit
    def look(key, carry):
      drawn = objective.draw(batch, key)
      return objective.losses['D'](nets, batch, drawn, carry), objective.advance(carry, {})

    carry, out = objective.init(), []
    for i in range(8):
      paid, carry = look(jax.random.key(i), carry)
      out.append(paid)
    return out

  eager, lazy = costs(1), costs(every)
  cost = lambda each: np.mean([c for c, _ in each])
  np.testing.assert_allclose(cost(eager), -3 + 2 * 4.5, rtol=1e-6)
  np.testing.assert_allclose(cost(lazy), cost(eager), rtol=1e-6)
  assert [float(s['r1']) for _, s in lazy] == ([every * 4.5] + [0.0] * (every - 1)) * (8 // every)


def test_penalty_has_a_weight_that_may_be_a_schedule_of_rounds():
  nets = Bound(
    {
      'G': Net(lambda key: (), lambda params, z, key=None: z),
      'D': Net(lambda key: (), lambda params, x, key=None: 3 * x[:, 0]),
    },
    {'G': (), 'D': ()},
  )
  batch = {'image': np.ones((4, 1), np.float32)}
  ramp = dict(name='linear_schedule', init_value=2.0, end_value=0.0, transition_steps=4)
  term = config.build(dict(name='r1', weight=ramp, every=2), 'penalties')
  objective = gan(lambda key, n: jnp.zeros((n, 1)), pair=wasserstein(), penalties=[term])

  @jax.jit
  def look(carry):
    cost, _ = objective.losses['D'](nets, batch, objective.draw(batch, KEY), carry)
    return cost, objective.advance(carry, {})

  carry, paid = objective.init(), []
  for _ in range(6):
    cost, carry = look(carry)
    paid.append(float(cost) + 3)
  np.testing.assert_allclose(paid, [2 * 9, 0, 9, 0, 0, 0], atol=1e-5)  # 9 = 2 · 3²/2
