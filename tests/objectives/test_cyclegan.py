"""CycleGAN and DualGAN against NumPy, on networks of one or two weights each."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import pairs, parallel, step
from gan_jax.errors import InputError
from gan_jax.game import Bound, Net
from gan_jax.objectives.cyclegan import cyclegan

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 2, 2, 1)).astype(np.float32)
Y = rng.normal(size=(3, 2, 2, 1)).astype(np.float32)
BATCH = {'source': jnp.asarray(X), 'image': jnp.asarray(Y)}
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


def cost(objective, player, batch=BATCH, carry=None):
  carry = objective.init() if carry is None else carry
  drawn = objective.draw(batch, jax.random.key(0))
  return objective.losses[player](bound(), batch, drawn, carry)


def close(found, wanted):
  np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_ds_cost_is_numpys():
  """Each side half of the squares: (D(y) - 1)^2 and D(G(x))^2."""
  d, scalars = cost(cyclegan(COLUMNS, **CYCLEGAN, pool=0), 'D')
  side = lambda r, f: (np.mean((r - 1) ** 2) + np.mean(f**2)) / 2
  close(d, side(D(Y), D(G(X))) + side(D_X(X), D_X(F(Y))))
  close([scalars['real'], scalars['fake']], [D(Y).mean(), D(G(X)).mean()])
  assert set(scalars) == {'real', 'fake'}


@pytest.mark.parametrize('identity', [None, 0.5])
def test_gs_cost_is_numpys(identity):
  """Whole squares, ten times what did not come back, five times what changed for nothing."""
  g, scalars = cost(cyclegan(COLUMNS, **CYCLEGAN, identity=identity), 'G')
  fooled = np.mean((D(G(X)) - 1) ** 2) + np.mean((D_X(F(Y)) - 1) ** 2)
  cycle = np.abs(F(G(X)) - X).mean() + np.abs(G(F(Y)) - Y).mean()
  changed = np.abs(G(Y) - Y).mean() + np.abs(F(X) - X).mean()
  close(g, fooled + 10 * cycle + 10 * (identity or 0) * changed)
  close(scalars['cycle'], cycle)
  assert ('identity' in scalars) == (identity is not None)


def test_dualgan_is_the_same_game_with_another_pair():
  options = dict(pair=pairs.wasserstein(), weight=500.0, identity=None, pool=0)
  d, _ = cost(cyclegan(COLUMNS, **options), 'D')
  close(d, D(G(X)).mean() - D(Y).mean() + D_X(F(Y)).mean() - D_X(X).mean())
  g, _ = cost(cyclegan(COLUMNS, **options), 'G')
  cycle = np.abs(F(G(X)) - X).mean() + np.abs(G(F(Y)) - Y).mean()
  close(g, 500 * cycle - D(G(X)).mean() - D_X(F(Y)).mean())


@pytest.mark.parametrize('player', ['D', 'G'])
def test_it_does_not_matter_which_source_lies_beside_which_image(player):
  objective = cyclegan(COLUMNS, **CYCLEGAN)
  moved = {**BATCH, 'source': BATCH['source'][jnp.array([2, 0, 1])]}
  close(cost(objective, player, moved)[0], cost(objective, player)[0])


# --- the pool -------------------------------------------------------------------------------------


def full(objective, value):
  _, stored = objective.init()
  return jnp.int32(1000), {side: jnp.full_like(a, value) for side, a in stored.items()}


def test_d_sees_old_fakes_and_g_is_judged_on_the_fresh_ones():
  objective = cyclegan(COLUMNS, **CYCLEGAN)
  fresh, others = cost(objective, 'G')[0], cost(objective, 'G', carry=full(objective, 9.0))[0]
  assert fresh == others
  drawn = objective.draw(BATCH, jax.random.key(0))
  seen = []
  judge = lambda name: lambda a, key: (seen.append((name, a)), a[..., 0])[1]
  nets = bound().let(D=judge('D'), D_X=judge('D_X'))
  _, scalars = objective.losses['D'](nets, BATCH, drawn, full(objective, 9.0))
  assert [name for name, _ in seen] == ['D', 'D', 'D_X', 'D_X']
  for (_, shown), fakes, side in ((seen[1], G(X), 'to_y'), (seen[3], F(Y), 'to_x')):
    old = [bool(np.all(np.asarray(a) == 9)) for a in shown]
    np.testing.assert_allclose(shown[~np.array(old)], fakes[~np.array(old)], rtol=1e-5)
    kept = np.sum(np.any(np.asarray(scalars[f'pool_{side}']) != 9, axis=(1, 2, 3)))
    assert kept <= sum(old)  # an image of this batch may have been replaced by a later one


def test_the_carry_keeps_the_pools_and_counts_rounds():
  game = step.Game(NETS, PLAYERS, cyclegan(COLUMNS, **CYCLEGAN, pool=5), {})
  state = step.init(game, jax.random.key(0))
  play, batches = step.simultaneous(game), jax.tree.map(lambda a: a[None], BATCH)
  for rounds in (1, 2, 3):
    state, log = play(state, batches, jax.random.key(1))
    assert state.carry[0] == rounds
    np.testing.assert_array_equal(state.carry[1]['to_y'], log['D/pool_to_y'])
  np.testing.assert_allclose(state.carry[1]['to_x'].shape, (5, 2, 2, 1))
  kept = np.asarray(state.carry[1]['to_y']).reshape(5, 4)
  assert np.all(np.any(kept != 0, axis=1))  # 9 images have gone through 5 places


def test_the_first_images_are_all_kept():
  game = step.Game(NETS, PLAYERS, cyclegan(COLUMNS, **CYCLEGAN, pool=5), {})
  state = step.init(game, jax.random.key(0))
  batches = jax.tree.map(lambda a: a[None], BATCH)
  state, _ = step.simultaneous(game)(state, batches, jax.random.key(1))
  np.testing.assert_allclose(state.carry[1]['to_y'][:3], G(X), rtol=1e-5)
  np.testing.assert_allclose(state.carry[1]['to_x'][:3], F(Y), rtol=1e-5)


def test_a_pool_is_refused_where_each_device_would_have_one_of_its_own():
  game = step.Game(NETS, PLAYERS, cyclegan(COLUMNS, **CYCLEGAN, pool=5), {})
  state = step.init(game, jax.random.key(0))
  run = parallel.pmapped(lambda mean: step.simultaneous(game, mean), parallel.mesh(4, 2))
  batches = jax.tree.map(lambda a: jnp.concatenate([a, a])[None, :4], BATCH)
  with pytest.raises(InputError, match=r'D/pool_to_.*jitted'):
    jax.eval_shape(run, state, batches, jax.random.key(1))


# --- who moves ------------------------------------------------------------------------------------


@pytest.mark.parametrize(('player', 'owned'), [('D', {'D', 'D_X'}), ('G', {'G', 'F'})])
def test_a_move_changes_what_its_player_owns_and_nothing_else(player, owned):
  game = step.Game(NETS, PLAYERS, cyclegan(COLUMNS, **CYCLEGAN, pool=0), {})
  state = step.init(game, jax.random.key(0))
  batches = jax.tree.map(lambda a: a[None], BATCH)
  after, _ = step.alternating(game, (player,))(state, batches, jax.random.key(1))
  changed = {n for n in NETS if after.params[n] != state.params[n]}
  assert changed == owned


def test_data_without_two_domains_is_refused():
  with pytest.raises(InputError, match='no source'):
    cyclegan({'image': ((2, 2, 1), 'float32')}, pair=pairs.hinge())
