"""The look-ahead against closed forms and a hand-written Adam, and its slope through all moves."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import config, pairs
from gan_jax.game import Bound, Net, Objective
from gan_jax.objectives.gan import gan
from gan_jax.objectives.unrolled import unrolled
from gan_jax.step import Game, Player
from tests.objectives.playing import moved

KEY = jax.random.key(0)
NETS = {name: Net(lambda key: jnp.float32(0.5), lambda w: w) for name in 'DG'}


def chase():
  """D is drawn to G, who pays D's square (in fresh noise's place: a shift that the batch gives)."""
  d = lambda nets, batch, drawn, carry: ((nets.D() - nets.G() - batch['image'][0]) ** 2 / 2, {})
  g = lambda nets, batch, drawn, carry: (nets.D() ** 2, {'seen': nets.D()})
  return Objective({'D': d, 'G': g}, lambda: jnp.float32(7), lambda carry, scalars: carry + 1)


def g_pays(objective, d, g, shift=0.0):
  def cost(g):
    nets = Bound(NETS, {'D': jnp.float32(d), 'G': g})
    return objective.losses['G'](nets, {'image': jnp.float32([shift])}, KEY, objective.init())[0]

  return [float(v) for v in jax.jit(jax.value_and_grad(cost))(jnp.float32(g))]


@pytest.mark.parametrize('steps', [0, 1, 5])
def test_unrolled_sgd_is_the_closed_form_of_where_d_will_go(steps):
  """d_k = h + (1 - eta)^k (d - h) with h = g + shift, so d d_k / dg = 1 - (1 - eta)^k."""
  d, g, shift, eta = 2.0, -1.0, 0.25, 0.3
  left = (1 - eta) ** steps
  later = g + shift + left * (d - g - shift)
  found = g_pays(unrolled(chase(), tx=optax.sgd(eta), steps=steps), d, g, shift)
  np.testing.assert_allclose(found, [later**2, 2 * later * (1 - left)], rtol=1e-5, atol=1e-6)


def adam(d, g, steps, rate, b1, b2, eps):
  """Adam from zero moments on (d - g)^2 / 2, in float64."""
  m = v = 0.0
  for t in range(1, steps + 1):
    slope = d - g
    m, v = b1 * m + (1 - b1) * slope, b2 * v + (1 - b2) * slope**2
    d = d - rate * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
  return d


def test_unrolled_adam_has_its_moments_in_the_look_ahead():
  options = dict(b1=0.5, b2=0.9, eps=1e-3)
  tx = optax.adam(0.4, **options)
  found = g_pays(unrolled(chase(), tx=tx, steps=4), 2.0, -1.0)
  pays = lambda g: adam(2.0, g, 4, 0.4, **options) ** 2
  slope = (pays(-1 + 1e-5) - pays(-1 - 1e-5)) / 2e-5
  np.testing.assert_allclose(found, [pays(-1.0), slope], rtol=1e-3)


def test_unrolled_adam_has_a_slope_at_zero_with_eps_under_the_root():
  _, slope = g_pays(unrolled(chase(), tx=optax.adam(0.1, eps_root=1e-16), steps=3), 1.0, 1.0)
  assert np.isfinite(slope)


def test_unrolled_leaves_ds_cost_the_carry_and_the_draw_to_the_base():
  base = chase()
  objective = unrolled(base, tx=optax.sgd(0.1))
  assert objective.losses['D'] is base.losses['D']
  assert (objective.init, objective.advance, objective.draw) == (
    base.init,
    base.advance,
    base.draw,
  )


Z, X = np.float32([[0.5], [-1.0], [2.0], [0.1]]), np.float32([[1.0], [0.2], [3.0], [-2.0]])


def points(pair):
  """G(z) = z + g, D(x) = d x."""
  nets = {
    'G': Net(lambda key: jnp.float32(0.3), lambda w, z, key=None: z + w),
    'D': Net(lambda key: jnp.float32(0.7), lambda w, x, key=None: w * x[:, 0]),
  }
  return nets, gan(lambda key, n: jnp.asarray(Z), pair=pair)


def test_unrolled_saddle_costs_g_for_d_on_real_images_too():
  """f at d_1 = d - eta df/dd, whole: the slope of both its terms, by differences in float64."""
  nets, base = points(pairs.saddle())
  objective = unrolled(base, tx=optax.sgd(0.5), steps=1)
  batch = {'image': X}

  def cost(g):
    drawn = objective.draw(batch, KEY)
    bound = Bound(nets, {'G': g, 'D': jnp.float32(0.7)})
    return objective.losses['G'](bound, batch, drawn, objective.init())[0]

  def by_numpy(g):
    x, fake, s = np.float64(X[:, 0]), np.float64(Z[:, 0]) + g, lambda v: 1 / (1 + np.exp(-v))
    d = 0.7 - 0.5 * (np.mean(-x * s(-0.7 * x)) + np.mean(fake * s(0.7 * fake)))
    return np.mean(np.log(s(d * x))) + np.mean(np.log(1 - s(d * fake)))

  found = jax.jit(jax.value_and_grad(cost))(jnp.float32(0.3))
  slope = (by_numpy(0.3 + 1e-6) - by_numpy(0.3 - 1e-6)) / 2e-6
  np.testing.assert_allclose(found, [by_numpy(0.3), slope], rtol=1e-4)


def test_unrolled_moves_change_only_what_their_player_owns():
  nets, base = points(pairs.saddle())
  objective = unrolled(base, tx=optax.sgd(0.5), steps=3)
  players = {name: Player((name,), optax.sgd(0.1)) for name in nets}
  assert moved(Game(nets, players, objective, {}), {'image': X}) == {'D': {'D'}, 'G': {'G'}}


def test_build_makes_unrolled_among_the_wrappers():
  tx = dict(name='adam', learning_rate=1e-3)
  spec = dict(name='unrolled', base=chase(), steps=2, tx=tx)
  objective = config.build(spec, 'objectives.wrappers')
  value, _ = g_pays(objective, 2.0, -1.0)
  np.testing.assert_allclose(value, (2 - 2e-3) ** 2, rtol=1e-5)  # Adam's first moves are the rate
