"""pix2pix against NumPy, on networks small enough to write out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import pairs, step
from gan_jax.game import Bound, Net
from gan_jax.objectives.pix2pix import pix2pix
from tests.messages import refused
from tests.objectives.playing import moved, paid

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 4, 4, 1)).astype(np.float32)
Y = rng.normal(size=(3, 4, 4, 1)).astype(np.float32)
BATCH = {'source': X, 'image': Y}

NETS = {
  'G': Net(lambda key: jnp.float32(0.7), lambda w, x, key=None: w * x + 0.1),
  # A map of patches: what it sees of the image, less what it sees of the source.
  'D': Net(lambda key: jnp.float32(1.5), lambda w, y, x, key=None: (w * y - 0.4 * x)[..., 0]),
}


def cost(objective, player, nets=None, seen=None):
  nets = nets or Bound(NETS, {'G': jnp.float32(0.7), 'D': jnp.float32(1.5)})
  return paid(objective, nets, BATCH, seen=seen, players=player)[player]


def softplus(v):
  return np.log1p(np.exp(np.float64(v)))


def test_pix2pix_is_numpys():
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


def test_pix2pix_shows_both_players_one_and_the_same_fake():
  """G is handed a key for its dropout, and D two others."""
  note = lambda name: lambda *images, key: (
    called.append(name), seen.append(jax.random.key_data(key)), images[0]
  )[2]  # fmt: skip
  nets = Bound(NETS, {'G': (), 'D': ()}).let(G=note('G'), D=note('D'))
  objective, found = pix2pix(pair=pairs.hinge()), []
  for player in 'DG':
    called, seen = [], []
    cost(objective, player, nets, seen)
    assert called == ['G', 'D', 'D']
    assert len({tuple(key) for key in seen}) == 3
    found.append(np.array(seen))
  np.testing.assert_array_equal(*found)


def test_pix2pix_moves_change_only_what_their_player_owns():
  players = {n: step.Player((n,), optax.sgd(0.1)) for n in ('D', 'G')}
  game = step.Game(NETS, players, pix2pix(pair=pairs.nonsaturating()), {})
  assert moved(game, BATCH) == {'D': {'D'}, 'G': {'G'}}


def test_pix2pix_refuses_images_of_another_shape_than_the_target():
  nets = Bound(NETS, {'G': (), 'D': ()}).let(
    G=lambda x, key: x[..., :1], D=lambda y, x, key: y[..., 0]
  )
  wide = {name: np.tile(a, (1, 1, 1, 3)) for name, a in BATCH.items()}
  with refused('(4, 4, 1)', '(4, 4, 3)'):
    paid(pix2pix(pair=pairs.hinge()), nets, wide, players='G')
