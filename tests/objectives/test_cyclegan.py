"""CycleGAN and DualGAN against NumPy, on networks of one or two weights each.

Covers: objectives/translation.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import pairs, parallel, step
from gan_jax.game import Bound, Net
from gan_jax.objectives.cyclegan import cyclegan
from tests.messages import refused
from tests.objectives.playing import moved, paid

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 2, 2, 1)).astype(np.float32)
Y = rng.normal(size=(3, 2, 2, 1)).astype(np.float32)
BATCH = {'source': X, 'image': Y}
COLUMNS = {'source': ((2, 2, 1), 'float32'), 'image': ((2, 2, 1), 'float32')}

G, F = (lambda x: 0.7 * x + 0.1), (lambda y: 1.2 * y - 0.3)
D, D_X = (lambda y: 1.5 * y[..., 0] + 0.2), (lambda x: -0.8 * x[..., 0] + 0.4)


def affine(a, b):
  return Net(
    lambda key: {'a': jnp.float32(a), 'b': jnp.float32(b)},
    lambda w, x, key=None: w['a'] * x + w['b'],
  )


def critic(a, b):
  return Net(affine(a, b).init, lambda w, x, key=None: (w['a'] * x + w['b'])[..., 0])


NETS = {
  'G': affine(0.7, 0.1),
  'F': affine(1.2, -0.3),
  'D': critic(1.5, 0.2),
  'D_X': critic(-0.8, 0.4),
}
PLAYERS = {
  'D': step.Player(('D', 'D_X'), optax.sgd(0.1)),
  'G': step.Player(('G', 'F'), optax.sgd(0.1)),
}
CYCLEGAN = dict(pair=pairs.least_squares(), g_weight=2.0)


def bound():
  return Bound(NETS, {name: net.init(None) for name, net in NETS.items()})


def costs(objective, players='DG', batch=BATCH, carry=None):
  """player -> (cost, scalars)."""
  return paid(objective, bound(), batch, carry, players=players)


def close(found, wanted):
  np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_cyclegan_costs_d_what_it_does_in_numpy():
  """Each side half of the squares: (D(y) - 1)^2 and D(G(x))^2."""
  d, scalars = costs(cyclegan(COLUMNS, **CYCLEGAN, pool=0), 'D')['D']
  side = lambda r, f: (np.mean((r - 1) ** 2) + np.mean(f**2)) / 2
  close(d, side(D(Y), D(G(X))) + side(D_X(X), D_X(F(Y))))
  close([scalars['real'], scalars['fake']], [D(Y).mean(), D(G(X)).mean()])
  assert set(scalars) == {'real', 'fake'}


@pytest.mark.parametrize('identity', [None, 0.5])
def test_cyclegan_costs_g_what_it_does_in_numpy(identity):
  """Whole squares, ten times what did not come back, five times what changed for nothing."""
  g, scalars = costs(cyclegan(COLUMNS, **CYCLEGAN, identity=identity), 'G')['G']
  fooled = np.mean((D(G(X)) - 1) ** 2) + np.mean((D_X(F(Y)) - 1) ** 2)
  cycle = np.abs(F(G(X)) - X).mean() + np.abs(G(F(Y)) - Y).mean()
  changed = np.abs(G(Y) - Y).mean() + np.abs(F(X) - X).mean()
  close(g, fooled + 10 * cycle + 10 * (identity or 0) * changed)
  close(scalars['cycle'], cycle)
  assert ('identity' in scalars) == (identity is not None)


def test_cyclegan_with_another_pair_is_dualgan():
  options = dict(pair=pairs.wasserstein(), weight=500.0, identity=None, pool=0)
  found = costs(cyclegan(COLUMNS, **options))
  close(found['D'][0], D(G(X)).mean() - D(Y).mean() + D_X(F(Y)).mean() - D_X(X).mean())
  cycle = np.abs(F(G(X)) - X).mean() + np.abs(G(F(Y)) - Y).mean()
  close(found['G'][0], 500 * cycle - D(G(X)).mean() - D_X(F(Y)).mean())


def test_cyclegan_does_not_care_which_source_lies_beside_which_image():
  objective = cyclegan(COLUMNS, **CYCLEGAN)
  beside, apart = costs(objective), costs(objective, batch={**BATCH, 'source': X[[2, 0, 1]]})
  for player in 'DG':
    close(apart[player][0], beside[player][0])


# --- the pool -------------------------------------------------------------------------------------


def full(objective, value):
  _, stored = objective.init()
  return jnp.int32(1000), {side: jnp.full_like(a, value) for side, a in stored.items()}


def test_cyclegan_shows_d_old_fakes_and_judges_g_on_fresh_ones():
  objective = cyclegan(COLUMNS, **CYCLEGAN)
  fresh, others = (costs(objective, 'G', carry=c)['G'][0] for c in (None, full(objective, 9.0)))
  assert fresh == others
  called, seen = [], []
  judge = lambda name: lambda a, key: (called.append(name), seen.append(a), a[..., 0])[2]
  nets = bound().let(D=judge('D'), D_X=judge('D_X'))
  _, scalars = paid(objective, nets, BATCH, full(objective, 9.0), seen=seen, players='D')['D']
  assert called == ['D', 'D', 'D_X', 'D_X']
  for shown, fakes, side in ((seen[1], G(X), 'to_y'), (seen[3], F(Y), 'to_x')):
    old = [bool(np.all(np.asarray(a) == 9)) for a in shown]
    np.testing.assert_allclose(shown[~np.array(old)], fakes[~np.array(old)], rtol=1e-5)
    kept = np.sum(np.any(np.asarray(scalars[f'pool_{side}']) != 9, axis=(1, 2, 3)))
    assert kept <= sum(old)  # an image of this batch may have been replaced by a later one


def test_cyclegan_carries_the_pools_and_counts_rounds():
  game = step.Game(NETS, PLAYERS, cyclegan(COLUMNS, **CYCLEGAN, pool=5), {})
  state = step.init(game, jax.random.key(0))
  play, batches = jax.jit(step.simultaneous(game)), jax.tree.map(lambda a: a[None], BATCH)
  for rounds in (1, 2, 3):
    state, log = play(state, batches, jax.random.key(1))
    assert state.carry[0] == rounds
    np.testing.assert_array_equal(state.carry[1]['to_y'], log['D/pool_to_y'])
    if rounds == 1:  # the first images are all kept
      np.testing.assert_allclose(state.carry[1]['to_y'][:3], G(X), rtol=1e-5)
      np.testing.assert_allclose(state.carry[1]['to_x'][:3], F(Y), rtol=1e-5)
  assert state.carry[1]['to_x'].shape == (5, 2, 2, 1)
  kept = np.asarray(state.carry[1]['to_y']).reshape(5, 4)
  assert np.all(np.any(kept != 0, axis=1))  # 9 images have gone through 5 places


def test_cyclegan_refuses_a_pool_for_each_device():
  game = step.Game(NETS, PLAYERS, cyclegan(COLUMNS, **CYCLEGAN, pool=5), {})
  state = step.init(game, jax.random.key(0))
  run = parallel.pmapped(lambda mean: step.simultaneous(game, mean), parallel.mesh(4, 2))
  batches = jax.tree.map(lambda a: np.concatenate([a, a])[None, :4], BATCH)
  with refused('D/pool_to_x', 'jitted'):
    jax.eval_shape(run, state, batches, jax.random.key(1))


# --- who moves ------------------------------------------------------------------------------------


def test_cyclegan_moves_change_what_their_player_owns_alone():
  game = step.Game(NETS, PLAYERS, cyclegan(COLUMNS, **CYCLEGAN, pool=0), {})
  assert moved(game, BATCH) == {'D': {'D', 'D_X'}, 'G': {'G', 'F'}}


def test_cyclegan_refuses_data_without_two_domains():
  with refused('source'):
    cyclegan({'image': ((2, 2, 1), 'float32')}, pair=pairs.hinge())
