"""pix2pix against NumPy, on networks small enough to write out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import pairs, step
from gan_jax.errors import InputError
from gan_jax.game import Bound, Net
from gan_jax.objectives.pix2pix import pix2pix

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 4, 4, 1)).astype(np.float32)
Y = rng.normal(size=(3, 4, 4, 1)).astype(np.float32)
BATCH = {'source': jnp.asarray(X), 'image': jnp.asarray(Y)}

NETS = {
  'G': Net(lambda key: jnp.float32(0.7), lambda w, x, key=None: w * x + 0.1),
  # A map of patches: what it sees of the image, less what it sees of the source.
  'D': Net(lambda key: jnp.float32(1.5), lambda w, y, x, key=None: (w * y - 0.4 * x)[..., 0]),
}


def cost(objective, player, nets=None):
  drawn = objective.draw(BATCH, jax.random.key(0))
  nets = nets or Bound(NETS, {'G': jnp.float32(0.7), 'D': jnp.float32(1.5)})
  return objective.losses[player](nets, BATCH, drawn, objective.init())


def softplus(v):
  return np.log1p(np.exp(np.float64(v)))


def test_both_costs_are_numpys():
  fake = 0.7 * X + 0.1
  r, f = (1.5 * Y - 0.4 * X), (1.5 * fake - 0.4 * X)
  objective = pix2pix(pair=pairs.nonsaturating(), weight=100.0)
  d, scalars = cost(objective, 'D')
  np.testing.assert_allclose(d, 0.5 * (softplus(-r).mean() + softplus(f).mean()), rtol=1e-5)
  np.testing.assert_allclose([scalars['real'], scalars['fake']], [r.mean(), f.mean()], rtol=1e-4)
  g, scalars = cost(objective, 'G')
  l1 = np.abs(fake - Y).mean()
  np.testing.assert_allclose(g, softplus(-f).mean() + 100 * l1, rtol=1e-5)
  np.testing.assert_allclose(scalars['l1'], l1, rtol=1e-5)


def test_both_players_are_shown_one_and_the_same_fake():
  """G is handed a key for its dropout, and D two others."""
  seen = []
  note = lambda name: lambda *images, key: (
    seen.append((name, jax.random.key_data(key).tolist())), images[0]
  )[1]  # fmt: skip
  nets = Bound(NETS, {'G': (), 'D': ()}).let(G=note('G'), D=note('D'))
  objective = pix2pix(pair=pairs.hinge())
  cost(objective, 'D', nets)
  calls, seen[:] = seen[:], []
  cost(objective, 'G', nets)
  assert calls == seen
  assert [name for name, _ in calls] == ['G', 'D', 'D']
  assert len({str(key) for _, key in calls}) == 3


@pytest.mark.parametrize(('player', 'other'), [('D', 'G'), ('G', 'D')])
def test_a_move_changes_only_what_its_player_owns(player, other):
  players = {n: step.Player((n,), optax.sgd(0.1)) for n in ('D', 'G')}
  game = step.Game(NETS, players, pix2pix(pair=pairs.nonsaturating()), {})
  state = step.init(game, jax.random.key(0))
  batches = jax.tree.map(lambda a: a[None], BATCH)
  after, _ = step.alternating(game, (player,))(state, batches, jax.random.key(1))
  assert after.params[player] != state.params[player]
  assert after.params[other] == state.params[other]


def test_images_of_another_shape_than_the_target_are_refused_and_not_broadcast():
  nets = Bound(NETS, {'G': (), 'D': ()}).let(
    G=lambda x, key: x[..., :1], D=lambda y, x, key: y[..., 0]
  )
  wide = {name: jnp.tile(a, (1, 1, 1, 3)) for name, a in BATCH.items()}
  objective = pix2pix(pair=pairs.hinge())
  drawn = objective.draw(wide, jax.random.key(0))
  with pytest.raises(InputError, match=r'\(4, 4, 1\) cannot be compared .* \(4, 4, 3\)'):
    objective.losses['G'](nets, wide, drawn, ())
