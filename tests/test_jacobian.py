"""Eigenvalues of the Dirac-GAN against the closed forms of Mescheder et al. 2018; other games.

Their game is V = f(psi theta) + f(0), f'(0) = 1/2 for the logistic pairs and 1 where a verdict is
paid as it is. Their sign of psi is the opposite, which no eigenvalue depends on.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import jacobian, pairs, penalties, priors, step
from gan_jax.game import Net, Objective
from gan_jax.nets import dirac
from gan_jax.nets.layers import net
from gan_jax.objectives.gan import gan
from tests.messages import refused

pytestmark = pytest.mark.usefixtures('double')
KEY = jax.random.key(0)
SLOPE = {'minimax': 0.5, 'saddle': 0.5, 'nonsaturating': 0.5, 'wasserstein': 1.0, 'hinge': 1.0}
BATCH = {'image': np.zeros((4, 1))}


def dirac_gan(pair, terms=(), rate=0.1):
  z, x = jax.ShapeDtypeStruct((2, 1), float), jax.ShapeDtypeStruct((2, 1), float)
  wide = lambda module, example: net(module, example)._replace(
    apply=lambda params, x, key=None: module.apply({'params': params}, x)
  )
  nets = {'G': wide(dirac.Generator((1,)), z), 'D': wide(dirac.Discriminator(), x)}
  players = {n: step.Player((n,), optax.sgd(rate)) for n in nets}
  objective = gan(priors.uniform(1), pair=pair, penalties=terms)
  return step.Game(nets, players, objective, {})


def at(game, theta, psi):
  """The state in which the weights are these, in float64."""
  state = step.init(game, KEY)
  params = {'G': {'theta': jnp.array([theta])}, 'D': {'psi': jnp.array([psi])}}
  return state.replace(params=params)


def found(pair, terms=(), theta=0.0, psi=0.0):
  game = dirac_gan(pair, terms)
  field = jacobian.field(game, at(game, theta, psi), BATCH, KEY)
  return jacobian.eigenvalues(jacobian.jacobian(field))


def both(middle, square):
  """middle ± sqrt(square), that of the larger real part or the upper first."""
  root = np.sqrt(complex(square))
  return np.array([middle + root, middle - root])


@pytest.mark.parametrize('name', SLOPE)
def test_jacobian_unregularised_has_eigenvalues_of_i_f_prime(name):
  """Section 2; the non-saturating game has those of minimax."""
  np.testing.assert_allclose(
    found(getattr(pairs, name)()), both(0, -(SLOPE[name] ** 2)), atol=1e-12
  )


GAMMAS = [0.3, 1.5, 10.0]


@functools.cache
def with_a_slope_penalised():
  """name -> the Jacobians f64[gamma,2,2] under R1, R2 and the zero-centred penalty: one program."""
  state = at(dirac_gan(pairs.minimax()), 0.0, 0.0)

  def matrix(name, term):
    game = dirac_gan(getattr(pairs, name)(), (term,))
    field = jacobian.field(game, state, BATCH, KEY)
    return jax.jacrev(field.value)(field.at)

  def matrices(gamma):
    terms = penalties.r1(gamma), penalties.r2(gamma), penalties.zero_centred(gamma / 2)
    return {name: [matrix(name, term) for term in terms] for name in SLOPE}

  return jax.device_get(jax.jit(jax.vmap(matrices))(jnp.array(GAMMAS)))


@pytest.mark.parametrize('name', SLOPE)
@pytest.mark.parametrize('gamma', GAMMAS)
def test_field_under_r1_and_r2_has_negative_real_eigenvalue_parts(name, gamma):
  """Section 4: -gamma/2 ± sqrt(gamma^2/4 - f'(0)^2), real beyond gamma = 2 f'(0)."""
  expected = both(-gamma / 2, gamma**2 / 4 - SLOPE[name] ** 2)
  for matrices in with_a_slope_penalised()[name]:
    values = jacobian.eigenvalues(matrices[GAMMAS.index(gamma)])
    np.testing.assert_allclose(values, expected, atol=1e-12)


def test_field_under_wgan_gp_contracts_but_for_the_equilibrium():
  """R = lambda/2 (|psi| - g0)^2 (section 3), here with lambda = 2 weight and g0 = 1.

  In the paper's signs v = (-psi, theta - sign(psi) lambda (|psi| - g0)): off psi = 0 the Jacobian
  is that of R1 with gamma = lambda. But as psi -> 0 v becomes ± lambda g0 on either side, so no
  step size lets the game stay at the equilibrium, which is their proof that it does not converge.
  """
  state = at(dirac_gan(pairs.wasserstein()), 0.4, 0.0)

  @jax.jit
  @functools.partial(jax.vmap, in_axes=(0, None))
  @functools.partial(jax.vmap, in_axes=(None, 0))
  def look(weight, at):
    """v and its Jacobian; D's weight comes first."""
    game = dirac_gan(pairs.wasserstein(), (penalties.wgan_gp(weight),))
    field = jacobian.field(game, state, BATCH, KEY)
    return field.value(at), jax.jacrev(field.value)(at)

  weights, psis = np.array([0.2, 10.0]), [0.1, -0.7, 3.0]
  points = [(psi, 0.4) for psi in psis] + [(1e-4, 0.0), (-1e-4, 0.0)]
  values, matrices = jax.device_get(look(weights, np.array(points)))
  for lam, value, matrix in zip(2 * weights, values, matrices, strict=True):
    for m in matrix[: len(psis)]:
      np.testing.assert_allclose(jacobian.eigenvalues(m), both(-lam / 2, lam**2 / 4 - 1), atol=1e-5)
    np.testing.assert_allclose(value[len(psis) :, 0], [lam, -lam], rtol=1e-3)


# Only the product of rate and slope counts: by default each rate and each pair comes once.
@pytest.mark.parametrize(
  ('name', 'rate'),
  [
    ('minimax', 0.1),
    ('wasserstein', 0.5),
    *(
      pytest.param(name, rate, marks=pytest.mark.slow)
      for name, rate in [
        ('nonsaturating', 0.1), ('wasserstein', 0.1), ('minimax', 0.5), ('nonsaturating', 0.5)
      ]
    ),
  ],
)  # fmt: skip
def test_of_round_leads_away_when_simultaneous_else_round(name, rate):
  """Section 2: 1 ± i h f'(0), outside the unit circle; with n_D moves of D to n_G of G on it.

  There they are 1 - a^2/2 ± sqrt((1 - a^2/2)^2 - 1) with a = sqrt(n_D n_G) h f'(0) up to 2.
  """
  game, slope = dirac_gan(getattr(pairs, name)(), rate=rate), SLOPE[name]
  state = at(game, 0.0, 0.0)
  batches = {'image': np.zeros((3, 4, 1))}
  values = lambda play: jacobian.eigenvalues(jacobian.of_round(play, state, batches, KEY))
  together = values(step.simultaneous(game))
  np.testing.assert_allclose(together, both(1, -((rate * slope) ** 2)), atol=1e-12)
  for k in (1, 3):
    middle = 1 - k * (rate * slope) ** 2 / 2
    turns = values(step.alternating(game, ('D',) * k + ('G',)))
    np.testing.assert_allclose(turns, both(middle, middle**2 - 1), atol=1e-12)
    np.testing.assert_allclose(np.abs(turns), 1, atol=1e-12)


def test_of_round_of_sgd_is_one_and_the_rate_times_the_field():
  game = dirac_gan(pairs.nonsaturating(), (penalties.r1(0.8),), rate=0.2)
  state = at(game, 0.7, -0.4)
  of_field = jacobian.jacobian(jacobian.field(game, state, BATCH, KEY))
  of_round = jacobian.of_round(step.simultaneous(game), state, {'image': np.zeros((1, 4, 1))}, KEY)
  np.testing.assert_allclose(of_round, np.eye(2) + 0.2 * of_field, atol=1e-12)


def quadratic(a, b, c):
  """Players x f[2] and y f[3] of costs x'Ax/2 + x'Cy and y'By/2 - x'Cy."""
  own = lambda n: Net(lambda key: {'w': jnp.zeros(n)}, lambda params, key=None: params['w'])
  first = lambda nets, batch, key, carry: (
    (nets.X() @ a @ nets.X()) / 2 + nets.X() @ c @ nets.Y(), {})  # fmt: skip
  second = lambda nets, batch, key, carry: (
    (nets.Y() @ b @ nets.Y()) / 2 - nets.X() @ c @ nets.Y(), {})  # fmt: skip
  players = {n: step.Player((n,), optax.adam(0.1)) for n in ('X', 'Y')}
  return step.Game({'X': own(2), 'Y': own(3)}, players, Objective({'X': first, 'Y': second}), {})


def test_jacobian_of_a_quadratic_game_is_its_matrices():
  rng = np.random.default_rng(0)
  a, b, c = (rng.normal(size=shape) for shape in ((2, 2), (3, 3), (2, 3)))
  a, b = a + a.T, b + b.T
  game = quadratic(jnp.asarray(a), jnp.asarray(b), jnp.asarray(c))
  state = step.init(game, KEY)
  field = jacobian.field(game, state, {}, KEY)
  expected = -np.block([[a, c], [-c.T, b]])
  np.testing.assert_allclose(jacobian.jacobian(field), expected, atol=1e-12)
  w = jnp.asarray(rng.normal(size=5))
  np.testing.assert_allclose(jax.jit(field.value)(w), expected @ np.asarray(w), atol=1e-12)
  assert jax.tree.map(jnp.shape, field.weights(w)) == {'X': {'w': (2,)}, 'Y': {'w': (3,)}}


def test_of_round_of_adam_has_its_moments_in_the_jacobian():
  one = jnp.eye(2), jnp.eye(3), jnp.ones((2, 3))
  game = quadratic(*one)
  state = step.init(game, KEY)
  params = jax.tree.map(lambda w: w + 0.5, state.params)
  batches = {'x': np.zeros((1, 1))}
  matrix = jacobian.of_round(step.simultaneous(game), state.replace(params=params), batches, KEY)
  assert matrix.shape == (15, 15)
  assert np.isfinite(matrix).all()


def test_eigenvalues_are_in_order():
  found = jacobian.eigenvalues(np.array([[0, -1, 0], [1, 0, 0], [0, 0, 2.0]]))
  np.testing.assert_allclose(found, [2, 1j, -1j], atol=1e-12)


def test_jacobian_and_of_round_refuse_large_games(monkeypatch):
  monkeypatch.setattr(jacobian, 'MOST', 1)
  game = dirac_gan(pairs.minimax())
  state = at(game, 0.0, 0.0)
  with refused('2 numbers', 'up to 1'):
    jacobian.jacobian(jacobian.field(game, state, BATCH, KEY))
  with refused('2 numbers', 'up to 1'):
    jacobian.of_round(step.simultaneous(game), state, {'image': np.zeros((1, 4, 1))}, KEY)
