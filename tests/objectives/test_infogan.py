"""InfoGAN against NumPy and scipy, on networks small enough to write out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

from gan_jax import config, pairs, penalties, priors
from gan_jax import step as steps
from gan_jax.errors import InputError
from gan_jax.game import Bound, Net
from gan_jax.objectives.infogan import fixed, infogan, information, learnt
from gan_jax.step import Game, Player

KEY = jax.random.key(0)
PRIOR = priors.structured(noise=2, categorical=(3, 2), continuous=2)  # z f32[n,9]
X = jnp.float32(np.random.default_rng(0).normal(size=(6, 9)))
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
  drawn, carry, nets = objective.draw(BATCH, KEY), objective.init(), nets or bound()
  d, g = (objective.losses[n](nets, BATCH, drawn, carry) for n in 'DG')
  return drawn[0], *d, *g


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
def test_the_bound_is_scipys(deviation, std):
  z = PRIOR(KEY, 6)
  q = z @ M @ Q
  found = information(PRIOR, deviation, z, q)
  np.testing.assert_allclose(found, bounds(z, q, std), rtol=1e-4)


def test_a_q_that_knows_the_code_has_all_its_entropy_and_one_that_knows_nothing_has_none():
  z = PRIOR(KEY, 20_000)
  told = jnp.concatenate([40 * z[:, 2:7], z[:, 7:], jnp.full((len(z), 2), -20.0)], axis=1)
  discrete, continuous = information(PRIOR, learnt(), z, told)
  np.testing.assert_allclose(discrete, np.log(6), rtol=1e-4)
  assert continuous > 2 * np.log(2)  # a density may be above 1: so narrow a Gaussian knows more
  discrete, _ = information(PRIOR, learnt(), z, jnp.zeros_like(told))
  np.testing.assert_allclose(discrete, 0, atol=1e-3)
  # The best normal density that knows nothing of U(-1,1) is N(0, 1/3); H(c) - CE is then negative.
  blind = jnp.concatenate([jnp.zeros((len(z), 7)), jnp.full((len(z), 2), np.log(1 / 3))], axis=1)
  _, continuous = information(PRIOR, learnt(), z, blind)
  gap = np.log(2) - 0.5 * np.log(2 * np.pi * np.e / 3)
  np.testing.assert_allclose(continuous, 2 * gap, atol=0.02)


def test_both_players_pay_for_information_that_is_lost_and_the_penalty_is_ds():
  terms = [penalties.drift(weight=2.0)]
  weights = dict(categorical_weight=0.5, continuous_weight=0.25)
  z, d, of_d, g, none = play(infogan(PRIOR, pair=pairs.wasserstein(), penalties=terms, **weights))
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


@pytest.mark.parametrize('mover', ['D', 'G'])
def test_a_move_changes_what_its_player_owns_and_q_is_ds(mover):
  players = {n: Player((n,), optax.sgd(0.1)) for n in 'DG'}
  game = Game(nets(), players, infogan(PRIOR, pair=pairs.nonsaturating()), {})
  before = steps.init(game, KEY)
  after, _ = steps.alternating(game, (mover,))(before, {'image': X[None]}, KEY)
  for name in 'DG':
    same = jax.tree.leaves(jax.tree.map(np.array_equal, before.params[name], after.params[name]))
    assert set(same) == {name != mover}


def test_codes_of_one_kind_alone():
  for categorical, continuous in (((4,), 0), ((), 1)):
    prior = priors.structured(noise=1, categorical=categorical, continuous=continuous)
    z = prior(KEY, 5)
    q = jnp.zeros((5, sum(categorical) + 2 * continuous))
    discrete, numbers = information(prior, fixed(), z, q)
    np.testing.assert_allclose(discrete, 0, atol=1e-6)
    assert (numbers == 0) == (continuous == 0)


def test_a_prior_without_codes_and_a_q_of_another_width_are_refused():
  with pytest.raises(InputError, match="name='structured'"):
    infogan(priors.normal(9), pair=pairs.hinge())
  narrow = bound(D=lambda x, key: {'logit': x[:, 0], 'q': x[:, :7]})
  with pytest.raises(InputError, match=r'heads=dict\(q=9\)'):
    play(infogan(PRIOR, pair=pairs.hinge()), narrow)


def test_a_config_names_the_deviation():
  spec = dict(name='infogan', pair='hinge', deviation=dict(name='infogan.learnt'))
  objective = config.build(spec, 'objectives', prior=PRIOR)
  assert play(objective)[1] == play(infogan(PRIOR, pair=pairs.hinge(), deviation=learnt()))[1]
