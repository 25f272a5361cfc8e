"""The papers' theorems on a finite space, where every expectation is a sum and D is a table.

p and q are given by counts, so that a batch that holds every point as often as it counts makes the
mean over the batch the expectation itself, and the pairs are tested as they are.

Covers: pairs.py.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize, stats

from gan_jax import pairs

pytestmark = pytest.mark.usefixtures('double')
N_REAL, N_FAKE = np.array([6, 1, 3, 8, 2]), np.array([2, 5, 4, 1, 8])  # each sums to 20
P, Q = N_REAL / 20, N_FAKE / 20
REAL, FAKE = np.repeat(np.arange(5), N_REAL), np.repeat(np.arange(5), N_FAKE)

TARGET = 1e-9  # BFGS on a smooth convex function in float64


def kl(p, q):
  return np.sum(p * np.log(p / q))


def jsd(p, q):
  return (kl(p, (p + q) / 2) + kl(q, (p + q) / 2)) / 2


@functools.cache
def best(pair):
  """(least cost, table of logits) of D, by BFGS from zero."""
  cost = jax.jit(jax.value_and_grad(lambda v: pair.d(v[REAL], v[FAKE])))

  def both(v):
    c, g = cost(jnp.asarray(v))
    return float(c), np.asarray(g)

  found = optimize.minimize(both, np.full(5, 0.1), jac=True, method='BFGS', options={'gtol': 1e-11})
  return found.fun, found.x


# D's cost is the one of 2014 in all three.
JENSEN_SHANNON = [pairs.minimax(), pairs.nonsaturating(), pairs.log_ratio()]


def sigmoid(v):
  return 1 / (1 + np.exp(-v))


@pytest.mark.parametrize('pair', JENSEN_SHANNON)
def test_minimax_value_of_the_best_d_is_that_of_the_jensen_shannon(pair):
  cost, _ = best(pair)
  np.testing.assert_allclose(-cost, -np.log(4) + 2 * jsd(P, Q), atol=TARGET)


@pytest.mark.parametrize('pair', JENSEN_SHANNON)
def test_minimax_makes_the_best_d_p_over_p_plus_q(pair):
  _, v = best(pair)
  np.testing.assert_allclose(sigmoid(v), P / (P + Q), atol=1e-6)


def test_minimax_ascent_on_the_value_finds_p_over_p_plus_q():
  pair = pairs.minimax()
  ascend = jax.grad(lambda v: -pair.d(v[REAL], v[FAKE]))
  climb = jax.jit(lambda v: jax.lax.fori_loop(0, 500, lambda i, v: v + 4.0 * ascend(v), v))
  v = climb(np.zeros(5))
  np.testing.assert_allclose(sigmoid(np.asarray(v)), P / (P + Q), atol=1e-6)


def test_minimax_value_is_minus_log_4_where_g_has_won():
  pair = pairs.minimax()
  cost = lambda v: pair.d(v[REAL], v[REAL])
  value, slope = jax.jit(jax.value_and_grad(cost))(np.zeros(5))
  np.testing.assert_allclose(value, np.log(4), atol=1e-15)
  np.testing.assert_allclose(slope, 0, atol=1e-15)


@pytest.mark.parametrize('smooth', [0.9, 0.6])
def test_nonsaturating_smoothed_scales_the_best_d_down(smooth):
  """Salimans et al. 2016, section 3.4 with beta = 0: D* = alpha p / (p + q)."""
  _, v = best(pairs.nonsaturating(smooth=smooth))
  np.testing.assert_allclose(sigmoid(v), smooth * P / (P + Q), atol=1e-6)


def test_log_ratio_costs_g_the_kl_divergence_against_the_best_d():
  _, v = best(pairs.log_ratio())
  cost = jax.jit(pairs.log_ratio().g)(v[REAL], v[FAKE])
  np.testing.assert_allclose(cost, kl(Q, P), atol=1e-6)


@pytest.mark.parametrize('abc', [(0.0, 1.0, 1.0), (-1.0, 1.0, 0.0), (0.2, 0.7, 0.4)])
def test_least_squares_makes_the_best_d_the_mean_of_its_targets(abc):
  a, b, c = abc
  _, v = best(pairs.least_squares(a, b, c))
  np.testing.assert_allclose(v, (b * P + a * Q) / (P + Q), atol=1e-6)


def test_least_squares_costs_g_half_a_pearson_divergence():
  """Mao et al. 2017, eq. 7: with the term of real images added, which does not depend on G."""
  pair = pairs.least_squares(-1, 1, 0)
  _, v = best(pair)
  cost = jax.jit(lambda v: pair.g(v[REAL], v[FAKE]) + pair.g(v[REAL], v[REAL]))(v)
  np.testing.assert_allclose(cost, np.sum((2 * Q - (P + Q)) ** 2 / (P + Q)) / 2, atol=1e-6)


DIVERGENCES = {  # each by its own name's definition, not as some f
  'kl': kl(P, Q),
  'reverse_kl': kl(Q, P),
  'pearson': np.sum((P - Q) ** 2 / Q),
  'neyman': np.sum((P - Q) ** 2 / P),
  'squared_hellinger': np.sum((np.sqrt(P) - np.sqrt(Q)) ** 2),
  'jensen_shannon': 2 * jsd(P, Q),
  'gan': 2 * jsd(P, Q) - np.log(4),
  'total_variation': np.sum(np.abs(P - Q)) / 2,
}


@pytest.mark.parametrize('name', DIVERGENCES)
def test_fgan_attains_the_divergence_of_its_name_with_the_best_v(name):
  cost, _ = best(pairs.fgan(name))
  np.testing.assert_allclose(-cost, DIVERGENCES[name], atol=1e-8)


def test_fgan_is_at_most_the_divergence_and_none_where_q_is_p():
  vs = np.random.default_rng(0).normal(size=(2000, 5)) * 4

  @jax.jit
  @jax.vmap
  def values(v):
    made = lambda fake: {name: -pairs.fgan(name).d(v[REAL], v[fake]) for name in DIVERGENCES}
    return made(FAKE), made(REAL)

  apart, equal = values(jnp.asarray(vs))
  for name, most in DIVERGENCES.items():
    assert np.max(apart[name]) <= most + 1e-12, name
    assert np.max(equal[name]) <= (-np.log(4) if name == 'gan' else 0) + 1e-12, name


def test_hinge_makes_the_best_d_the_sign_of_p_minus_q():
  pair = pairs.hinge()
  cost = jax.jit(jax.vmap(lambda v: pair.d(v[REAL], v[FAKE])))
  least = 2 - np.sum(np.abs(P - Q))
  np.testing.assert_allclose(cost(jnp.asarray(np.sign(P - Q))[None])[0], least, atol=1e-14)
  others = np.random.default_rng(0).uniform(-2, 2, (5000, 5))
  assert np.min(cost(jnp.asarray(others))) > least


def test_wasserstein_distance_is_that_of_the_best_lipschitz_critic():
  pair, x = pairs.wasserstein(), np.array([0.0, 1.0, 1.5, 4.0, 4.2])
  slope = np.asarray(jax.jit(jax.grad(lambda v: pair.d(v[REAL], v[FAKE])))(np.zeros(5)))
  steps = np.eye(5, k=1)[:4] - np.eye(5)[:4]
  found = optimize.linprog(
    slope, A_ub=np.concatenate([steps, -steps]), b_ub=np.tile(np.diff(x), 2), bounds=(-10, 10)
  )
  np.testing.assert_allclose(-found.fun, stats.wasserstein_distance(x, x, P, Q), atol=1e-9)


@pytest.mark.parametrize('name', ['relativistic', 'relativistic_average'])
def test_relativistic_games_rest_where_logits_are_equal_and_q_is_p(name):
  pair = getattr(pairs, name)()
  slope = lambda cost: jax.grad(lambda v: cost(v[REAL], v[REAL]))
  slopes = jax.jit(lambda v: [slope(cost)(v) for cost in pair])
  np.testing.assert_allclose(slopes(np.full(5, 0.3)), 0, atol=1e-15)


def test_minimax_and_nonsaturating_move_g_along_the_same_line():
  """For one z; over a batch each z has its own multiple, (1 - D) / D."""
  rng = np.random.default_rng(0)
  shapes = (1, 3), (3, 8), (8, 2), (2, 5), (5, 1)
  z, w1, w2, d1, d2 = (rng.normal(size=shape) for shape in shapes)

  def direction(pair, w):
    def cost(w):
      x = jnp.tanh(z @ w[0]) @ w[1]
      f = (jnp.tanh(x @ d1) @ d2)[:, 0]
      return pair.g(f, f)

    flat = jnp.concatenate([g.ravel() for g in jax.grad(cost)(w)])
    return flat / jnp.linalg.norm(flat)

  both = jax.jit(lambda w: [direction(p, w) for p in (pairs.minimax(), pairs.nonsaturating())])
  np.testing.assert_allclose(*both((w1, w2)), atol=1e-12)


@pytest.mark.parametrize(('r', 'f'), [(0.0, -6.0), (3.0, -12.0)])
def test_minimax_leaves_g_no_gradient_where_d_is_sure(r, f):
  slopes = jax.jit(lambda r, f: [jax.grad(p.g, 1)(r, f) for p in JENSEN_SHANNON[:2]])
  saturating, practical = (abs(float(g[0])) for g in slopes(np.array([r]), np.array([f])))
  assert saturating < 2 * np.exp(f)
  assert practical > 1 - 2 * np.exp(f)
