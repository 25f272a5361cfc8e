"""InfoGAN against NumPy and scipy, on networks small enough to write out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

from gan_jax import config, pairs, penalties, priors
from gan_jax.game import Bound, Net
from gan_jax.objectives.infogan import fixed, infogan, information, learnt
from gan_jax.step import Game, Player
from tests.messages import refused
from tests.objectives.playing import moved, paid

KEY = jax.random.key(0)


def codes(n):
  """Two numbers of noise, one-hot codes of 3 and of 2, two uniform codes: f32[n,9]."""
  rng = np.random.default_rng(2)
  one_hots = [np.eye(size)[rng.integers(size, size=n)] for size in (3, 2)]
  z = [rng.normal(size=(n, 2)), *one_hots, rng.uniform(-1, 1, (n, 2))]
  return np.concatenate(z, axis=1).astype(np.float32)


class Known(priors.Structured):
  """A prior whose every draw is `codes`."""

  def __call__(self, key, n):
    del key
    return jnp.asarray(codes(n))


PRIOR = Known(priors.normal(2), (3, 2), 2)
X = np.float32(np.random.default_rng(0).normal(size=(6, 9)))
BATCH = {'image': X}
RNG = np.random.default_rng(1)
V = np.float32(RNG.normal(size=9))
Q = np.float32(RNG.normal(size=(9, 9)) / 3)  # 3 + 2 logits, 2 means, 2 for the deviations
M = np.float32(RNG.normal(size=(9, 9)))


def nets():
  return {
    'G': Net(lambda key: {'M': M}, lambda w, z, key=None: z @ w['M']),
    'D': Net(
      lambda key: {'V': V, 'Q': Q},
      lambda w, x, key=None: {'logit': jnp.tanh(x) @ w['V'], 'q': x @ w['Q']},
    ),
  }


def bound(**functions):
  return Bound(nets(), {name: net.init(KEY) for name, net in nets().items()}).let(**functions)


def play(objective, nets=None):
  """D's cost and scalars, G's cost and scalars."""
  costs = paid(objective, nets or bound(), BATCH)
  return *costs['D'], *costs['G']


def bounds(z, q, std):
  """(E log Q + H of the categorical codes, of the others), by scipy in float64."""
  z, q = np.float64(z), np.float64(q)
  log_p = lambda logits: logits - np.log(np.exp(logits).sum(1, keepdims=True))
  first = np.sum(z[:, 2:5] * log_p(q[:, :3]), axis=1)
  second = np.sum(z[:, 5:7] * log_p(q[:, 3:5]), axis=1)
  normal = stats.norm(q[:, 5:7], std(q[:, 7:9])).logpdf(z[:, 7:9]).sum(axis=1)
  return np.mean(first + second) + np.log(3) + np.log(2), np.mean(normal) + 2 * np.log(2)


@pytest.mark.parametrize(
  ('deviation', 'std'),
  [
    (fixed(), np.ones_like),
    (fixed(0.3), lambda raw: 0 * raw + 0.3),
    (learnt(), lambda raw: np.exp(raw) ** 0.5),
  ],
  ids=['one', 'fixed', 'learnt'],
)
def test_information_is_the_bound_by_scipy(deviation, std):
  z = codes(6)
  q = z @ M @ Q
  found = jax.jit(lambda z, q: information(PRIOR, deviation, z, q))(z, q)
  np.testing.assert_allclose(found, bounds(z, q, std), rtol=1e-4)


def test_information_is_the_entropy_for_a_q_that_knows_and_else_0():
  z = codes(20_000)
  look = jax.jit(lambda z, q: information(PRIOR, learnt(), z, q))
  beside = lambda codes, log_variance: np.concatenate(
    [codes, np.full((len(z), 2), log_variance, np.float32)], axis=1
  )
  discrete, continuous = look(z, beside(np.concatenate([40 * z[:, 2:7], z[:, 7:]], axis=1), -20.0))
  np.testing.assert_allclose(discrete, np.log(6), rtol=1e-4)
  assert continuous > 2 * np.log(2)  # a density may be above 1: so narrow a Gaussian knows more
  # The best normal density that knows nothing of U(-1,1) is N(0, 1/3); H(c) - CE is then negative.
  discrete, continuous = look(z, beside(np.zeros((len(z), 7), np.float32), np.log(1 / 3)))
  np.testing.assert_allclose(discrete, 0, atol=1e-3)
  gap = np.log(2) - 0.5 * np.log(2 * np.pi * np.e / 3)
  np.testing.assert_allclose(continuous, 2 * gap, atol=0.02)


def test_infogan_costs_both_lost_information_and_d_the_penalty():
  terms = [penalties.drift(weight=2.0)]
  weights = dict(categorical_weight=0.5, continuous_weight=0.25)
  d, of_d, g, none = play(infogan(PRIOR, pair=pairs.wasserstein(), penalties=terms, **weights))
  z = codes(6)
  fake = np.float64(z) @ M
  r, f = np.tanh(np.float64(X)) @ V, np.tanh(fake) @ V
  discrete, continuous = bounds(z, fake @ Q, np.ones_like)
  paid = 0.5 * discrete + 0.25 * continuous
  np.testing.assert_allclose(d, f.mean() - r.mean() - paid + 2 * np.mean(r**2), rtol=1e-4)
  np.testing.assert_allclose(g, -f.mean() - paid, rtol=1e-4)
  np.testing.assert_allclose([of_d['real'], of_d['fake']], [r.mean(), f.mean()], rtol=1e-4)
  np.testing.assert_allclose(
    [of_d['categorical'], of_d['continuous']], [discrete, continuous], rtol=1e-4
  )
  assert none == {}


def test_infogan_moves_change_what_their_player_owns_and_q_is_ds():
  players = {n: Player((n,), optax.sgd(0.1)) for n in 'DG'}
  game = Game(nets(), players, infogan(PRIOR, pair=pairs.nonsaturating()), {})
  assert moved(game, BATCH) == {'D': {'D'}, 'G': {'G'}}


def test_information_takes_codes_of_one_kind_alone():
  for categorical, continuous in (((4,), 0), ((), 1)):
    prior = priors.structured(noise=1, categorical=categorical, continuous=continuous)
    q = np.zeros((5, sum(categorical) + 2 * continuous), np.float32)
    z = np.concatenate([np.zeros((5, 1)), *(np.eye(n)[[0] * 5] for n in categorical),
                        np.full((5, continuous), 0.5)], axis=1)  # fmt: skip
    look = jax.jit(lambda z, q, prior=prior: information(prior, fixed(), z, q))
    discrete, numbers = look(np.float32(z), q)
    np.testing.assert_allclose(discrete, 0, atol=1e-6)
    assert (numbers == 0) == (continuous == 0)


def test_infogan_refuses_a_prior_without_codes_and_a_q_of_its_own():
  with refused("name='structured'"):
    infogan(priors.normal(9), pair=pairs.hinge())
  narrow = bound(D=lambda x, key: {'logit': x[:, 0], 'q': x[:, :7]})
  with refused('heads=dict(q=9)'):
    play(infogan(PRIOR, pair=pairs.hinge()), narrow)


def test_build_makes_infogan_with_its_deviation():
  spec = dict(name='infogan', pair='hinge', deviation=dict(name='infogan.learnt'))
  objective = config.build(spec, 'objectives', prior=PRIOR)
  same = infogan(PRIOR, pair=pairs.hinge(), deviation=learnt())
  jax.tree.map(np.testing.assert_array_equal, play(objective), play(same))
