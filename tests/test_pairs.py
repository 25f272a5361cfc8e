"""Loss pairs against float64 versions of the papers' formulas, and at the extremes."""

import functools
import inspect
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import pairs
from gan_jax.errors import InputError

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


def test_every_pair_and_divergence_of_the_module_is_tested_here():
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
def test_a_pair_equals_the_papers_formulas(name):
  r, f = 2 * np.random.default_rng(0).normal(size=(2, 64))
  scale = np.abs(r).max() ** 2 + np.exp(np.abs([r, f]).max())  # of the largest term of any sum
  found = look(jnp.float32(r), jnp.float32(f))[name]
  for (cost, _), theirs in zip(found, CASES[name][1:], strict=True):
    assert cost.shape == ()
    assert cost.dtype == jnp.float32
    np.testing.assert_allclose(cost, theirs(r, f), rtol=2e-6, atol=2e-7 * scale)


@each_case
def test_a_pairs_gradients_are_the_slopes_of_the_papers_formulas(name):
  r, f = np.random.default_rng(7).normal(size=(2, 8))
  h = 1e-6 * np.eye(8)
  found = look(jnp.float32(r), jnp.float32(f))[name]
  for (_, (by_r, by_f)), theirs in zip(found, CASES[name][1:], strict=True):
    slopes_r = [(theirs(r + e, f) - theirs(r - e, f)) / 2e-6 for e in h]
    slopes_f = [(theirs(r, f + e) - theirs(r, f - e)) / 2e-6 for e in h]
    np.testing.assert_allclose(by_r, slopes_r, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(by_f, slopes_f, rtol=1e-5, atol=1e-7)


EXTREMES = (1e4, -1e4, 41.0, -41.0, 0.0)


@functools.cache
def look_at_extremes():
  """In batches of one kind, and one where extremes of both signs meet."""
  r, f = np.float32(list(itertools.product(EXTREMES, repeat=2))).T
  r, f = (np.concatenate([np.repeat(v[:, None], 25, axis=1), v[None]]) for v in (r, f))
  return r, f, jax.jit(jax.vmap(look))(r, f)


@each_case
def test_costs_and_gradients_are_finite_at_logits_of_1e4(name):
  r, f, found = look_at_extremes()
  for leaf in jax.tree.leaves(found[name]):
    bad = ~np.isfinite(np.asarray(leaf).reshape(26, -1)).all(axis=1)
    assert not np.any(bad), (r[bad], f[bad])


# Their G aims at a logit of its own, of at most 0.
AIMING = ('least_squares, Pearson', 'bregman, pearson', 'bregman, kl', 'softened')


@pytest.mark.parametrize('name', [n for n in CASES if n not in AIMING])
def test_larger_means_more_real(name):
  # Between the targets of the least-squares pairs, and below the smoothed one.
  r, f = np.random.default_rng(0).uniform(0.1, 0.8, (2, 64)).astype(np.float32)
  (_, (d_r, d_f)), (_, (_, g_f)) = look(r, f)[name]
  assert np.all(d_r < 0), 'D gains by raising the logit of a real image'
  assert np.all(d_f > 0), 'D gains by lowering the logit of a fake'
  assert np.all(g_f < 0), 'G gains by raising the logit of a fake'


@each_case
def test_a_map_of_patches_costs_what_its_flat_scores_do(name):
  r, f = np.random.default_rng(2).normal(size=(2, 4, 4, 4)).astype(np.float32)
  costs = [cost for cost, _ in look(r, f)[name]]
  flat = [cost for cost, _ in look(r.ravel(), f.ravel())[name]]
  np.testing.assert_allclose(costs, flat, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize('name', [n for n in CASES if n.startswith('relativistic')])
def test_a_relativistic_pair_depends_on_differences_alone(name):
  r, f = np.random.default_rng(1).normal(size=(2, 64)).astype(np.float32)
  there = [cost for cost, _ in look(r + 3, f + 3)[name]]
  np.testing.assert_allclose(there, [cost for cost, _ in look(r, f)[name]], rtol=1e-5)


def test_minimax_and_nonsaturating_gradients_are_positive_multiples_of_each_other():
  f = jnp.linspace(-8, 8, 33)
  saturating = jax.grad(pairs.minimax().g, 1)(f, f)
  practical = jax.grad(pairs.nonsaturating().g, 1)(f, f)
  np.testing.assert_allclose(practical / saturating, np.exp(-np.float64(f)), rtol=1e-4)


def test_minimax_starves_g_where_d_is_sure_and_nonsaturating_does_not():
  sure = jnp.full(10, -30.0)
  starved = jax.grad(pairs.minimax().g, 1)(sure, sure)
  fed = jax.grad(pairs.nonsaturating().g, 1)(sure, sure)
  assert np.all(np.abs(starved) < 1e-13)
  np.testing.assert_allclose(fed, -0.1, rtol=1e-6)


def test_scores_in_a_column_beside_scores_in_a_row_are_refused_not_broadcast():
  row, column = jnp.zeros(4), jnp.zeros((4, 1))
  with pytest.raises(ValueError, match='rank_promotion'):
    pairs.relativistic().d(row, column)
  with pytest.raises(ValueError, match='rank_promotion'):
    pairs.relativistic().g(row, column)


def test_an_unknown_divergence_is_refused_by_name():
  with pytest.raises(InputError, match=r"no divergence 'kll'; its tables have kl, .*pearson"):
    pairs.fgan('kll')
  with pytest.raises(InputError, match='kll'):
    pairs.fgan_practical('kll')


# --- b-GAN ----------------------------------------------------------------------------------------


@pytest.mark.parametrize('name', BREGMANS)
def test_ds_bregman_cost_is_least_at_the_density_ratio(name):
  """p and q on four points, whose means are those of samples with as many of each."""
  of_p, of_q = np.repeat(np.arange(4), [1, 3, 6, 10]), np.repeat(np.arange(4), [8, 4, 4, 4])
  cost = lambda v: pairs.bregman(name).d(v[of_p], v[of_q])
  ratio = jnp.log(jnp.array([1, 3, 6, 10]) / jnp.array([8, 4, 4, 4]))
  np.testing.assert_allclose(jax.grad(cost)(ratio), 0, atol=1e-6)
  assert np.all(np.linalg.eigvalsh(jax.hessian(cost)(ratio)) > 0)
  for step in 0.3 * np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32):
    assert cost(ratio + step) > cost(ratio)


@pytest.mark.parametrize(('name', 'least'), [('pearson', 0.0), ('kl', -1.0)])
def test_g_is_drawn_to_where_f_is_least(name, least):
  slope = jax.grad(lambda v: pairs.bregman(name).g(v, v))
  assert slope(jnp.float32(least - 0.1)) < 0 < slope(jnp.float32(least + 0.1))
  np.testing.assert_allclose(slope(jnp.float32(least)), 0, atol=1e-6)


def test_bregmans_gan_is_the_gan_of_2014_for_d():
  r, f = np.random.default_rng(3).normal(size=(2, 64)).astype(np.float32)
  np.testing.assert_allclose(pairs.bregman('gan').d(r, f), pairs.minimax().d(r, f), rtol=1e-6)


def test_an_unknown_bregman_is_refused_by_name():
  with pytest.raises(InputError, match=r"no divergence 'pearsn'; there are gan, pearson"):
    pairs.bregman('pearsn')
