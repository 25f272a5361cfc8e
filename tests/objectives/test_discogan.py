"""DiscoGAN against NumPy, on networks of a few weights each."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import pairs, step
from gan_jax.game import Bound, Net
from gan_jax.objectives.discogan import discogan
from tests.messages import refused
from tests.objectives.playing import paid

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 2, 2, 1)).astype(np.float32)
Y = rng.normal(size=(3, 2, 2, 1)).astype(np.float32)
BATCH = {'source': X, 'image': Y}

G, F = (lambda x: 0.7 * x + 0.1), (lambda y: 1.2 * y - 0.3)


def affine(a, b):
  return Net(
    lambda key: {'a': jnp.float32(a), 'b': jnp.float32(b)},
    lambda w, x, key=None: w['a'] * x + w['b'],
  )


def critic(a):
  """Two hidden layers, a·x and (a·x)^2, and the mean of the second as a logit."""

  def apply(w, x, key=None):
    first = w * x
    return {'logit': jnp.mean(first**2, (1, 2, 3)), 'hidden': (first, first**2, 3 * first)}

  return Net(lambda key: jnp.float32(a), apply)


NETS = {'G': affine(0.7, 0.1), 'F': affine(1.2, -0.3), 'D': critic(1.5), 'D_X': critic(0.8)}


def cost(player, rounds=0, nets=None, **options):
  objective = discogan(pair=pairs.nonsaturating(), **options)
  nets = nets or Bound(NETS, {name: net.init(None) for name, net in NETS.items()})
  return paid(objective, nets, BATCH, np.int32(rounds), players=player)[player]


def softplus(v):
  return np.log1p(np.exp(np.float64(v)))


def logit(a, x):
  return ((a * x) ** 2).mean((1, 2, 3))


def test_discogan_costs_d_what_it_does_in_numpy():
  d, _ = cost('D')
  side = lambda r, f: softplus(-r).mean() + softplus(f).mean()
  both = side(logit(1.5, Y), logit(1.5, G(X))) + side(logit(0.8, X), logit(0.8, F(Y)))
  np.testing.assert_allclose(d, both / 2, rtol=1e-5)


@pytest.mark.parametrize(('rounds', 'r'), [(0, 0.01), (3332, 0.01), (3333, 0.5), (9999, 0.5)])
def test_discogan_costs_g_what_it_does_in_numpy_and_reweighs_once(rounds, r):
  g, scalars = cost('G', rounds)
  fooled = softplus(-logit(1.5, G(X))).mean() + softplus(-logit(0.8, F(Y))).mean()

  def mismatch(a, real, fake):
    """All of D's layers but its first."""
    layers = [lambda x: (a * x) ** 2, lambda x: 3 * a * x]
    return sum(((h(real).mean(0) - h(fake).mean(0)) ** 2).mean() for h in layers)

  matched = mismatch(1.5, Y, G(X)) + mismatch(0.8, X, F(Y))
  cycle = ((F(G(X)) - X) ** 2).mean() + ((G(F(Y)) - Y) ** 2).mean()
  wanted = (1 - r) * (0.1 * fooled + 0.9 * matched) + r * cycle
  np.testing.assert_allclose(g, wanted, rtol=1e-5)
  np.testing.assert_allclose(scalars['rate'], r)


def test_discogan_moves_g_twice_for_d_on_minibatches_of_their_own():
  players = {
    'D': step.Player(('D', 'D_X'), optax.sgd(0.1)),
    'G': step.Player(('G', 'F'), optax.sgd(0.1)),
  }
  game = step.Game(NETS, players, discogan(pair=pairs.nonsaturating()), {})
  schedule = (('D', 0), ('G', 1), ('G', 2))
  assert step.minibatches(step.alternating, schedule=schedule) == 3
  state = step.init(game, jax.random.key(0))
  batches = jax.tree.map(lambda a: np.stack([a, a + 1, a - 1]), BATCH)
  both, _ = jax.jit(step.alternating(game, schedule))(state, batches, jax.random.key(1))
  alone, _ = jax.jit(step.alternating(game, ('D',)))(state, batches, jax.random.key(1))
  for name in ('D', 'D_X'):
    np.testing.assert_allclose(both.params[name], alone.params[name], rtol=1e-6)
  assert all(both.params[n] != state.params[n] for n in NETS)
  assert both.carry == 1


def test_discogan_refuses_a_critic_that_does_not_say_what_it_sees():
  nets = Bound(NETS, {name: net.init(None) for name, net in NETS.items()})
  nets = nets.let(D=lambda x, key: x[:, 0, 0, 0])
  with refused('heads=dict()'):
    cost('G', nets=nets)
