"""Loss pairs against float64 versions of the papers' formulas, and at the extremes."""

import functools
import inspect
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import pairs
from tests.messages import refused

# --- the papers' formulas, literally, with D = sigmoid(logit) and no closed form ------------------

log, exp, mean = np.log, np.exp, np.mean


def s(v):
  return 1 / (1 + exp(-v))


def plus(v):
  return np.maximum(v, 0)


def value(r, f):
  """V(D, G), Goodfellow et al. 2014, eq. 1."""
  return mean(log(s(r))) + mean(log(1 - s(f)))


def smoothed(r, f, target):
  """-V with D's target for real images moved from 1 to `target`."""
  return -mean(target * log(s(r)) + (1 - target) * log(1 - s(r))) - mean(log(1 - s(f)))


def average(first, second):
  """Half the sum of a term of r relative to the mean fake, and of f relative to the mean real."""
  return lambda r, f: (mean(first(r - mean(f))) + mean(second(f - mean(r)))) / 2


# papers.md section 11: g_f(v) and f*(t), composed here in float64 as they stand.
TABLE = {
  'kl': (lambda v: v, lambda t: exp(t - 1)),
  'reverse_kl': (lambda v: -exp(-v), lambda t: -1 - log(-t)),
  'pearson': (lambda v: v, lambda t: t**2 / 4 + t),
  'neyman': (lambda v: 1 - exp(-v), lambda t: 2 - 2 * np.sqrt(1 - t)),
  'squared_hellinger': (lambda v: 1 - exp(-v), lambda t: t / (1 - t)),
  'jensen_shannon': (lambda v: log(2) - log(1 + exp(-v)), lambda t: -log(2 - exp(t))),
  'gan': (lambda v: -log(1 + exp(-v)), lambda t: -log(1 - exp(t))),
  'total_variation': (lambda v: np.tanh(v) / 2, lambda t: t),
}

CASES = {
  'minimax': (pairs.minimax(), lambda r, f: -value(r, f), lambda r, f: mean(log(1 - s(f)))),
  'minimax, smoothed': (
    pairs.minimax(smooth=0.9),
    lambda r, f: smoothed(r, f, 0.9),
    lambda r, f: mean(log(1 - s(f))),
  ),
  'saddle': (pairs.saddle(), lambda r, f: -value(r, f), value),
  'saddle, smoothed': (
    pairs.saddle(smooth=0.9),
    lambda r, f: smoothed(r, f, 0.9),
    lambda r, f: -smoothed(r, f, 0.9),
  ),
  'nonsaturating': (
    pairs.nonsaturating(),
    lambda r, f: -value(r, f),
    lambda r, f: -mean(log(s(f))),
  ),
  'nonsaturating, smoothed': (
    pairs.nonsaturating(smooth=0.7),
    lambda r, f: smoothed(r, f, 0.7),
    lambda r, f: -mean(log(s(f))),
  ),
  'softened': (
    pairs.softened(),
    lambda r, f: smoothed(r, f, 0.75),
    lambda r, f: -mean(0.375 * log(s(f)) + 0.625 * log(1 - s(f))),
  ),
  'log_ratio': (
    pairs.log_ratio(),
    lambda r, f: -value(r, f),
    lambda r, f: mean(log((1 - s(f)) / s(f))),
  ),
  'least_squares': (
    pairs.least_squares(),
    lambda r, f: 0.5 * mean((r - 1) ** 2) + 0.5 * mean(f**2),
    lambda r, f: 0.5 * mean((f - 1) ** 2),
  ),
  'least_squares, Pearson': (
    pairs.least_squares(a=-1, b=1, c=0),
    lambda r, f: 0.5 * mean((r - 1) ** 2) + 0.5 * mean((f + 1) ** 2),
    lambda r, f: 0.5 * mean(f**2),
  ),
  'wasserstein': (
    pairs.wasserstein(),
    lambda r, f: -(mean(r) - mean(f)),
    lambda r, f: -mean(f),
  ),
  'hinge': (
    pairs.hinge(),
    lambda r, f: -mean(np.minimum(0, -1 + r)) - mean(np.minimum(0, -1 - f)),
    lambda r, f: -mean(f),
  ),
  'relativistic': (
    pairs.relativistic(),
    lambda r, f: -mean(log(s(r - f))),
    lambda r, f: -mean(log(s(f - r))),
  ),
  'relativistic_average': (
    pairs.relativistic_average(),
    average(lambda u: -log(s(u)), lambda u: -log(1 - s(u))),
    average(lambda u: -log(1 - s(u)), lambda u: -log(s(u))),
  ),
  'relativistic_least_squares': (
    pairs.relativistic_least_squares(),
    average(lambda u: (u - 1) ** 2, lambda u: (u + 1) ** 2),
    average(lambda u: (u + 1) ** 2, lambda u: (u - 1) ** 2),
  ),
  'relativistic_hinge': (
    pairs.relativistic_hinge(),
    average(lambda u: plus(1 - u), lambda u: plus(1 + u)),
    average(lambda u: plus(1 + u), lambda u: plus(1 - u)),
  ),
}
for name, (output, conjugate) in TABLE.items():
  d = lambda r, f, g=output, c=conjugate: -(mean(g(r)) - mean(c(g(f))))
  CASES[f'fgan, {name}'] = (pairs.fgan(name), d, lambda r, f, g=output, c=conjugate: -mean(c(g(f))))
  CASES[f'fgan_practical, {name}'] = (
    pairs.fgan_practical(name),
    d,
    lambda r, f, g=output: -mean(g(f)),
  )

# f, f' of the density ratio r; the costs are composed here in float64 as Uehara et al. have them.
BREGMANS = {
  'gan': (lambda r: r * log(r) - (1 + r) * log(1 + r), lambda r: log(r) - log(1 + r)),
  'pearson': (lambda r: (r - 1) ** 2 / 2, lambda r: r - 1),
  'kl': (lambda r: r * log(r), lambda r: log(r) + 1),
  'reverse_kl': (lambda r: -log(r), lambda r: -1 / r),
}
for name, (convex, slope) in BREGMANS.items():
  CASES[f'bregman, {name}'] = (
    pairs.bregman(name),
    lambda r, f, c=convex, s=slope: mean(s(exp(f)) * exp(f) - c(exp(f))) - mean(s(exp(r))),
    lambda r, f, c=convex: mean(c(exp(f))),
  )

each_case = pytest.mark.parametrize('name', CASES)


def test_pairs_and_divergences_are_all_tested_here():
  made = {
    n for n, v in vars(pairs).items()
    if inspect.isfunction(v) and inspect.signature(v).return_annotation is pairs.Pair
  }  # fmt: skip
  assert made == {name.split(',')[0] for name in CASES}
  assert set(pairs.DIVERGENCES) == set(TABLE)
  assert set(pairs.BREGMANS) == set(BREGMANS)


@jax.jit  # all at once: compiling each of them by itself would take most of the time
def look(r, f):
  """name -> (cost, gradients with respect to r and f) of D and of G."""
  sides = lambda pair: [jax.value_and_grad(cost, (0, 1))(r, f) for cost in pair]
  return {name: sides(pair) for name, (pair, _, _) in CASES.items()}


@each_case
def test_pairs_equal_the_formulas_of_the_papers(name):
  r, f = 2 * np.random.default_rng(0).normal(size=(2, 64))
  scale = np.abs(r).max() ** 2 + np.exp(np.abs([r, f]).max())  # of the largest term of any sum
  found = look(jnp.float32(r), jnp.float32(f))[name]
  for (cost, _), theirs in zip(found, CASES[name][1:], strict=True):
    assert cost.shape == ()
    assert cost.dtype == jnp.float32
    np.testing.assert_allclose(cost, theirs(r, f), rtol=2e-6, atol=2e-7 * scale)


@each_case
def test_pairs_have_the_slopes_of_the_formulas_of_the_papers(name):
  r, f = np.random.default_rng(7).normal(size=(2, 64))
  h = 1e-6 * np.eye(64)[:8]  # the first few of each
  found = look(jnp.float32(r), jnp.float32(f))[name]
  for (_, (by_r, by_f)), theirs in zip(found, CASES[name][1:], strict=True):
    slopes_r = [(theirs(r + e, f) - theirs(r - e, f)) / 2e-6 for e in h]
    slopes_f = [(theirs(r, f + e) - theirs(r, f - e)) / 2e-6 for e in h]
    np.testing.assert_allclose(by_r[:8], slopes_r, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(by_f[:8], slopes_f, rtol=1e-5, atol=1e-7)


EXTREMES = (1e4, -1e4, 41.0, -41.0, 0.0)


@functools.cache
def look_at_extremes():
  """In batches of one kind, and one where extremes of both signs meet."""
  r, f = np.float32(list(itertools.product(EXTREMES, repeat=2))).T
  r, f = (
    np.concatenate([np.repeat(v[:, None], 64, axis=1), np.resize(v, (1, 64))]) for v in (r, f)
  )
  each = [look(a, b) for a, b in zip(r, f, strict=True)]
  return r, f, jax.tree.map(lambda *leaves: np.stack(leaves), *each)


@each_case
def test_pairs_and_their_gradients_are_finite_at_logits_of_1e4(name):
  r, f, found = look_at_extremes()
  for leaf in jax.tree.leaves(found[name]):
    bad = ~np.isfinite(np.asarray(leaf).reshape(26, -1)).all(axis=1)
    assert not np.any(bad), (r[bad], f[bad])


# Their G aims at a logit of its own, of at most 0.
AIMING = ('least_squares, Pearson', 'bregman, pearson', 'bregman, kl', 'softened')


@pytest.mark.parametrize('name', [n for n in CASES if n not in AIMING])
def test_pairs_take_larger_logits_for_more_real(name):
  # Between the targets of the least-squares pairs, and below the smoothed one.
  r, f = np.random.default_rng(0).uniform(0.1, 0.8, (2, 64)).astype(np.float32)
  (_, (d_r, d_f)), (_, (_, g_f)) = look(r, f)[name]
  assert np.all(d_r < 0), 'D gains by raising the logit of a real image'
  assert np.all(d_f > 0), 'D gains by lowering the logit of a fake'
  assert np.all(g_f < 0), 'G gains by raising the logit of a fake'


@jax.jit
def costs_of_maps(r, f):
  return {name: [cost(r, f) for cost in pair] for name, (pair, _, _) in CASES.items()}


@each_case
def test_pairs_cost_of_a_map_of_patches_is_that_of_its_flat_scores(name):
  r, f = np.random.default_rng(2).normal(size=(2, 4, 4, 4)).astype(np.float32)
  costs = costs_of_maps(r, f)[name]
  flat = [cost for cost, _ in look(r.ravel(), f.ravel())[name]]
  np.testing.assert_allclose(costs, flat, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize('name', [n for n in CASES if n.startswith('relativistic')])
def test_relativistic_pairs_depend_on_differences_alone(name):
  r, f = np.random.default_rng(1).normal(size=(2, 64)).astype(np.float32)
  there = [cost for cost, _ in look(r + 3, f + 3)[name]]
  np.testing.assert_allclose(there, [cost for cost, _ in look(r, f)[name]], rtol=1e-5)


@jax.jit
def slopes_of_g(f):
  """Of minimax and of nonsaturating."""
  return [jax.grad(pair.g, 1)(f, f) for pair in (pairs.minimax(), pairs.nonsaturating())]


def test_minimax_slopes_are_positive_multiples_of_nonsaturating_ones():
  f = np.linspace(-8, 8, 33, dtype=np.float32)
  saturating, practical = slopes_of_g(f)
  np.testing.assert_allclose(practical / saturating, np.exp(-np.float64(f)), rtol=1e-4)


def test_minimax_starves_g_where_d_is_sure_and_nonsaturating_feeds():
  starved, fed = slopes_of_g(np.full(33, -30.0, np.float32))
  assert np.all(np.abs(starved) < 1e-13)
  np.testing.assert_allclose(fed, -1 / 33, rtol=1e-6)


def test_relativistic_refuses_a_column_of_scores_beside_a_row():
  row, column = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((4,), (4, 1)))
  for cost in pairs.relativistic():
    with refused('(4,)', '(4, 1)', error=ValueError):
      jax.eval_shape(cost, row, column)


def test_fgan_refuses_an_unknown_divergence_by_name():
  for make in (pairs.fgan, pairs.fgan_practical):
    with refused("'kll'", *TABLE):
      make('kll')


# --- b-GAN ----------------------------------------------------------------------------------------


@pytest.mark.parametrize('name', BREGMANS)
def test_bregman_costs_d_least_at_the_density_ratio(name):
  """p and q on four points, whose means are those of samples with as many of each."""
  of_p, of_q = np.repeat(np.arange(4), [1, 3, 6, 10]), np.repeat(np.arange(4), [8, 4, 4, 4])
  cost = lambda v: pairs.bregman(name).d(v[of_p], v[of_q])
  ratio = np.log(np.float32([1, 3, 6, 10]) / np.float32([8, 4, 4, 4]))
  steps = 0.3 * np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)

  @jax.jit
  def look(ratio, around):
    return jax.grad(cost)(ratio), jax.hessian(cost)(ratio), cost(ratio), jax.vmap(cost)(around)

  slope, curvature, least, others = look(ratio, ratio + steps)
  np.testing.assert_allclose(slope, 0, atol=1e-6)
  assert np.all(np.linalg.eigvalsh(curvature) > 0)
  assert np.all(others > least)


@pytest.mark.parametrize(('name', 'least'), [('pearson', 0.0), ('kl', -1.0)])
def test_bregman_draws_g_to_where_f_is_least(name, least):
  slope = jax.jit(jax.vmap(jax.grad(lambda v: pairs.bregman(name).g(v, v))))
  below, at, above = slope(np.float32([least - 0.1, least, least + 0.1]))
  assert below < 0 < above
  np.testing.assert_allclose(at, 0, atol=1e-6)


def test_bregman_of_gan_is_the_gan_of_2014_for_d():
  r, f = np.random.default_rng(3).normal(size=(2, 64)).astype(np.float32)
  found = look(r, f)
  np.testing.assert_allclose(found['bregman, gan'][0][0], found['minimax'][0][0], rtol=1e-6)


def test_bregman_refuses_an_unknown_divergence_by_name():
  with refused("'pearsn'", *BREGMANS):
    pairs.bregman('pearsn')
