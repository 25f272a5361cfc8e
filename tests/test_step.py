"""The invariants of the training step, on games small enough to be played by hand.

The first games have one number or one table per network, and gradients that say what was seen: with
`optax.scale(1.0)` a weight ends as the sum of its gradients.

Covers: game.py, parallel.py.
"""

import contextlib
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import pairs, parallel, penalties, priors
from gan_jax import step as steps
from gan_jax.game import Bound, Net, Objective
from gan_jax.nets import dcgan, plain
from gan_jax.nets.layers import net
from gan_jax.objectives.gan import gan
from gan_jax.step import Game, Player, alternating, extragradient, simultaneous
from tests.messages import refused

KEY = jax.random.key(7)
PLAYS = {
  'alternating': lambda game: alternating(game, tuple(sorted(game.players))),
  'simultaneous': simultaneous,
  'extragradient': extragradient,
}
each_play = pytest.mark.parametrize('play', PLAYS.values(), ids=PLAYS)


def table(start=0.0, shape=()):
  """A network that is its weight."""
  return Net(lambda key: jnp.full(shape, start), lambda w, key=None: w)


def game(losses, nets=None, owns=None, tx=None, ema=None, init=lambda: (), advance=lambda c, s: c):
  nets = nets or {name: table() for name in losses}
  tx = tx or {}
  players = {
    n: Player((owns or {}).get(n, (n,)), tx.get(n, optax.scale(1.0))) for n in losses
  }  # fmt: skip
  return Game(nets, players, Objective(losses, init, advance), ema or {})


def same(a, b):
  return all(
    np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
  )


def batches(*values):
  return {'image': jnp.float32(values)[:, None]}


def pulls(**toward):
  """Every player pulls its weight towards its own number, by half the square of the distance."""
  return {
    n: lambda nets, batch, key, carry, n=n, at=at: ((getattr(nets, n)() - at) ** 2 / 2, {})
    for n, at in toward.items()
  }


# --- who moves, and what it changes ---------------------------------------------------------------


def counting(start=0.0):
  """A network whose reparametrisation counts how often its state moved on."""
  return table(start)._replace(
    reparam=lambda w, s: (w, s + 1), reparam_init=lambda key, w: jnp.zeros((), jnp.int32)
  )


def three_players():
  nets = {n: counting() for n in ('D', 'G', 'E', 'idle')}
  tx = {'D': optax.adam(0.1), 'G': optax.sgd(0.1, momentum=0.9), 'E': optax.rmsprop(0.1)}
  return game(pulls(D=1.0, G=2.0, E=3.0), nets=nets, tx=tx)


@pytest.mark.parametrize('movers', [('D',), ('G', 'G'), ('E', 'D', 'D'), ('D', 'G', 'E')])
def test_alternating_move_changes_only_what_its_player_owns(movers):
  g = three_players()
  before = steps.init(g, KEY)
  after, _ = jax.jit(alternating(g, movers))(before, batches(0, 0), KEY)
  for n in g.nets:
    moved = n in movers
    assert same(before.params[n], after.params[n]) != moved
    assert after.reparam[n] == movers.count(n)
  for n in g.players:
    assert same(before.opt[n], after.opt[n]) == (n not in movers)
  assert after.step == 1


@pytest.mark.parametrize('play', [simultaneous, extragradient])
def test_simultaneous_and_extragradient_change_each_network_once(play):
  g = three_players()
  before = steps.init(g, KEY)
  after, _ = jax.jit(play(g))(before, batches(0, 0), KEY)
  assert {n: int(s) for n, s in after.reparam.items()} == dict(D=1, G=1, E=1, idle=0)
  assert same(before.params['idle'], after.params['idle'])
  for n in g.players:
    assert not same(before.params[n], after.params[n])
    assert not same(before.opt[n], after.opt[n])


@each_play
def test_plays_keep_one_players_loss_from_anothers_networks(play):
  """G's cost depends on D's weight with a steep slope, D's own cost does not."""

  def after(steepness):
    losses = pulls(D=1.0)
    losses['G'] = lambda nets, batch, key, carry: (steepness * nets.D() * nets.G(), {})
    g = game(losses, tx=dict.fromkeys('DG', optax.sgd(0.1)))
    state, _ = play(g)(steps.init(g, KEY), batches(0, 0), KEY)
    return state.params['D']

  after = jax.jit(after)
  assert after(0.0) == after(1e6) != 0


def test_simultaneous_player_moves_all_that_it_owns():
  losses = {
    'D': lambda nets, batch, key, carry: (nets.D() * 2.0, {}),
    'G': lambda nets, batch, key, carry: (nets.G() * 3.0 + nets.E() * 5.0, {}),
  }
  nets = {n: table() for n in ('D', 'G', 'E')}
  g = game(losses, nets=nets, owns={'G': ('G', 'E')})
  state, log = jax.jit(simultaneous(g))(steps.init(g, KEY), batches(0), KEY)
  assert {n: float(w) for n, w in state.params.items()} == dict(D=2.0, G=3.0, E=5.0)
  np.testing.assert_allclose(log['G/gradient_norm'], np.sqrt(34), rtol=1e-6)


# --- what a move sees -----------------------------------------------------------------------------


def diary(n, of):
  """Losses whose gradient is one-hot at what was seen: the weights count how often each was."""

  def loss(name):
    def loss(nets, batch, key, carry):
      return getattr(nets, name)() @ jax.nn.one_hot(of(batch, key), n), {}

    return loss

  return {name: loss(name) for name in ('D', 'G')}


def read(weights):
  return np.flatnonzero(weights).tolist()


def drawn(batch, key):
  return jax.random.randint(key, (), 0, 100_000)


def shown(batch, key):
  return jnp.int32(batch['image'][0])


def play_diary(of, make, rounds=1, n=100_000, values=(0, 1, 2, 3, 4, 5)):
  g = game(diary(n, of), nets={x: table(0.0, (n,)) for x in ('D', 'G')})
  state, step = steps.init(g, KEY), jax.jit(make(g))
  for _ in range(rounds):
    state, _ = step(state, batches(*values), KEY)
  return state.params


def test_alternating_shows_k_moves_k_different_minibatches():
  seen = play_diary(shown, lambda g: alternating(g, ('D',) * 5 + ('G',)), n=6)
  assert read(seen['D']) == [0, 1, 2, 3, 4]
  assert np.max(seen['D']) == 1
  assert read(seen['G']) == [0]


def test_alternating_goes_on_through_the_minibatches_of_each_player():
  seen = play_diary(shown, lambda g: alternating(g, ('D', 'G', 'D', 'D', 'G')), n=6)
  assert read(seen['D']) == [0, 1, 2]
  assert read(seen['G']) == [0, 1]


def test_alternating_schedule_may_say_which_minibatch_a_move_sees():
  schedule = (('D', 0), ('D', 2), ('G', 1))
  seen = play_diary(shown, lambda g: alternating(g, schedule), n=6)
  assert read(seen['D']) == [0, 2]
  assert read(seen['G']) == [1]
  schedule = (('D', 4), ('D', 4), ('G', 5))
  seen = play_diary(shown, lambda g: alternating(g, schedule), n=6)
  assert seen['D'][4] == 2
  assert read(seen['G']) == [5]


@pytest.mark.parametrize(
  ('play', 'options', 'k'),
  [
    (alternating, {}, 1),
    (alternating, dict(schedule=('D',) * 5 + ('G',)), 5),
    (alternating, dict(schedule=('D', 'G', 'D')), 2),
    (alternating, dict(schedule=(('D', 0), ('G', 1))), 2),
    (alternating, dict(schedule=(('D', 0), ('D', 1), ('G', 7))), 8),
    (simultaneous, {}, 1),
    (extragradient, {}, 2),
  ],
)
def test_minibatches_are_how_many_a_round_takes(play, options, k):
  assert steps.minibatches(play, **options) == k


# Mended: an index beyond the minibatches is clamped by XLA, so D moves k times on the same images.
@pytest.mark.parametrize('schedule', [('D',) * 3 + ('G',), ('D', ('G', 1))])
def test_alternating_refuses_fewer_minibatches_than_it_needs(schedule):
  g = game(pulls(D=1.0, G=1.0))
  needed = steps.minibatches(alternating, schedule=schedule)
  with refused(f'needs {needed}', 'given 1'):
    alternating(g, schedule)(steps.init(g, KEY), batches(0), KEY)


def test_alternating_draws_fresh_noise_in_every_move_and_round():
  make = lambda g: alternating(g, ('D',) * 5 + ('G', 'D', 'G', 'G'))
  seen = play_diary(drawn, make, rounds=4)
  d, g = read(seen['D']), read(seen['G'])
  assert len(d) == 4 * 6
  assert len(g) == 4 * 3
  assert not set(d) & set(g)


def test_simultaneous_draws_one_noise_for_all_anew_in_each_round():
  seen = play_diary(drawn, simultaneous, rounds=5)
  assert read(seen['D']) == read(seen['G'])
  assert len(read(seen['D'])) == 5


def test_extragradient_looks_ahead_on_other_images_with_other_noise():
  """Cost w^2/2 + w (x + u), rate 1/2: ahead at w' = -(10 + u) / 2, then w = -(w' + 100 + v) / 2."""

  def cost(nets, batch, key, carry):
    w = nets.D()
    return w**2 / 2 + w * (batch['image'][0] + jax.random.uniform(key)), {}

  g = game({'D': cost}, tx={'D': optax.sgd(0.5)})
  play = jax.jit(extragradient(g))
  for seed in range(5):
    state, _ = play(steps.init(g, KEY), batches(10, 100), jax.random.key(seed))
    rest = 2 * float(state.params['D']) + 100 - 5  # u / 2 - v
    assert -1 < rest < 0.5
    if rest > 0:
      return  # with u = v it is never above 0
  pytest.fail('the noise of the move is that of the look-ahead')


@each_play
def test_plays_of_one_seed_are_one_game_and_of_another_another(play):
  g = game(
    diary(1000, lambda batch, key: jax.random.randint(key, (), 0, 1000)),
    nets={n: table(0.0, (1000,)) for n in ('D', 'G')},
  )
  step = jax.jit(play(g))

  def final(key):
    state = steps.init(g, KEY)
    for _ in range(3):
      state, _ = step(state, batches(0, 1), key)
    return state

  assert same(final(KEY), final(KEY))
  assert not same(final(KEY).params, final(jax.random.key(8)).params)


# --- optimisers, averages, carry ------------------------------------------------------------------


def test_alternating_optimisers_count_the_moves_of_the_schedule():
  g = game(pulls(D=1.0, G=1.0), tx=dict.fromkeys('DG', optax.adam(0.1)))
  state, step = steps.init(g, KEY), jax.jit(alternating(g, ('D', 'D', 'D', 'D', 'G')))
  for _ in range(3):
    state, _ = step(state, batches(0, 0, 0, 0), KEY)
  assert state.opt['D'][0].count == 12
  assert state.opt['G'][0].count == 3


def linear_growth():
  return {'G': lambda nets, batch, key, carry: (nets.G() * 1.0, {})}  # w = t after t rounds


def test_ema_is_its_closed_form():
  """w_t = t, so ema_T = (1 - d) sum_t d^(T-t) t, from w_0 = 0."""
  g = game(linear_growth(), ema={'G': 0.9})
  state, step = steps.init(g, KEY), jax.jit(simultaneous(g))
  for _ in range(20):
    state, _ = step(state, batches(0), KEY)
  t = np.arange(1, 21)
  np.testing.assert_allclose(state.ema['G'], np.sum(0.1 * 0.9 ** (20 - t) * t), rtol=1e-5)
  assert state.params['G'] == 20


def test_ema_decay_may_follow_the_rounds():
  """decay = n / (n + 1) makes it the mean of all weights so far, the first round's included."""
  decay = lambda rounds: rounds / (rounds + 1.0)
  g = game(linear_growth(), ema={'G': decay})
  state, step = steps.init(g, KEY), jax.jit(simultaneous(g))
  for n in range(1, 9):
    state, _ = step(state, batches(0), KEY)
    np.testing.assert_allclose(state.ema['G'], np.mean(np.arange(1, n + 1)), rtol=1e-6)


def test_ema_is_of_what_is_asked_for_once_a_round():
  g = game(pulls(D=1.0, G=1.0), ema={'D': 0.0}, tx=dict.fromkeys('DG', optax.sgd(0.5)))
  play = jax.jit(alternating(g, ('D', 'D', 'G')))
  state, _ = play(steps.init(g, KEY), batches(0, 0), KEY)
  assert set(state.ema) == {'D'}
  assert state.ema['D'] == state.params['D'] == 0.75


@each_play
def test_plays_move_the_carry_once_a_round_with_its_scalars(play):
  losses = {
    'D': lambda nets, batch, key, carry: (nets.D() * 0.0, {'seen': carry[0] + 1.0}),
    'G': lambda nets, batch, key, carry: (nets.G() + 2.0, {'twice': 2 * carry[0]}),
  }
  advance = lambda c, s: (c[0] + s['D/seen'], c[1] + s['G/twice'], c[2] + s['G/loss'])
  init = lambda: (jnp.float32(1), jnp.float32(0), jnp.float32(0))
  g = game(losses, init=init, advance=advance, tx=dict.fromkeys('DG', optax.sgd(0.0)))
  state, step = steps.init(g, KEY), jax.jit(play(g))
  for _ in range(3):
    state, log = step(state, batches(0, 0), KEY)
  # x <- 2 x + 1 from 1: 1, 3, 7, 15; the second sums 2 x over 1, 3, 7.
  assert [float(c) for c in state.carry] == [15.0, 22.0, 6.0]
  assert set(log) == {
    f'{p}/{n}' for p, n in [('D', 'loss'), ('D', 'gradient_norm'), ('D', 'seen'),
                            ('G', 'loss'), ('G', 'gradient_norm'), ('G', 'twice')]
  }  # fmt: skip


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_alternating_logs_what_is_not_finite_in_a_middle_move(bad):
  """Only a scalar of it: the weights and the later moves are healthy, so no other would tell."""
  losses = {
    'D': lambda nets, batch, key, carry: (nets.D() * 1.0, {'seen': batch['image'][0]}),
    'G': lambda nets, batch, key, carry: (nets.G() * 1.0, {}),
  }
  g = game(losses)
  step = jax.jit(alternating(g, ('D', 'D', 'D', 'G')))
  _, log = step(steps.init(g, KEY), batches(1, bad, 3), KEY)
  assert not np.isfinite(log['D/seen'])
  assert np.isfinite(log['D/loss'])
  _, log = step(steps.init(g, KEY), batches(1, 2, 3), KEY)
  assert log['D/seen'] == 3


# --- the three ways to play, by hand --------------------------------------------------------------


def saddle():
  """min over x, max over y of x y + x^2 - y^2 / 2, from (1, 2)."""
  v = lambda n: n.x() * n.y() + n.x() ** 2 - n.y() ** 2 / 2
  losses = {
    'x': lambda nets, batch, key, carry: (v(nets), {}),
    'y': lambda nets, batch, key, carry: (-v(nets), {}),
  }
  return game(
    losses, nets={'x': table(1.0), 'y': table(2.0)}, tx=dict.fromkeys('xy', optax.sgd(0.1))
  )


def after(step, g):
  state, _ = jax.jit(step)(steps.init(g, KEY), batches(0, 0), KEY)
  return float(state.params['x']), float(state.params['y'])


def test_simultaneous_players_move_from_the_same_point():
  g = saddle()  # dV/dx = y + 2 x = 4, dV/dy = x - y = -1
  np.testing.assert_allclose(after(simultaneous(g), g), (1 - 0.4, 2 - 0.1), rtol=1e-6)


def test_alternating_player_answers_the_move_before_it():
  g = saddle()  # x = 0.6 first, so dV/dy = 0.6 - 2
  np.testing.assert_allclose(after(alternating(g, ('x', 'y')), g), (0.6, 2 - 0.14), rtol=1e-6)
  # y = 1.9 first, so dV/dx = 1.9 + 2
  np.testing.assert_allclose(after(alternating(g, ('y', 'x')), g), (1 - 0.39, 1.9), rtol=1e-6)


def test_extragradient_moves_from_here_by_the_gradients_ahead():
  g = saddle()  # ahead (0.6, 1.9): dV/dx = 3.1, dV/dy = -1.3
  np.testing.assert_allclose(after(extragradient(g), g), (1 - 0.31, 2 - 0.13), rtol=1e-6)


def bilinear(tx):
  losses = {
    'x': lambda nets, batch, key, carry: (nets.x() * nets.y(), {}),
    'y': lambda nets, batch, key, carry: (-nets.x() * nets.y(), {}),
  }
  return game(losses, nets={'x': table(1.0), 'y': table(0.5)}, tx=dict.fromkeys('xy', tx))


@pytest.mark.parametrize(
  ('play', 'growth'),
  [(simultaneous, np.sqrt(1 + 0.2**2)), (extragradient, np.sqrt(1 - 0.2**2 + 0.2**4))],
)
def test_simultaneous_spirals_out_of_a_saddle_and_extragradient_in(play, growth):
  g = bilinear(optax.sgd(0.2))
  step, state = jax.jit(play(g)), steps.init(g, KEY)
  for _ in range(50):
    state, _ = step(state, batches(0, 0), KEY)
  radius = np.hypot(state.params['x'], state.params['y']) / np.hypot(1.0, 0.5)
  np.testing.assert_allclose(radius, growth**50, rtol=1e-4)


# Mended: Algorithm 4 of Gidel et al. 2019 (Extra-Adam), which the docstring names, updates the
# moments in both half-steps (bias corrections 1 - b^(2t-1) and 1 - b^(2t)), as their code does;
# here the look-ahead's optimiser state is thrown away.
def test_extragradient_with_adam_is_algorithm_4_of_gidel_et_al():
  lr, b1, b2, rounds = 0.1, 0.5, 0.9, 6
  p = np.array([1.0, 0.5])
  m, v, count = np.zeros(2), np.zeros(2), 0
  slope = lambda p: np.array([p[1], -p[0]])
  for _ in range(rounds):
    at = p
    for _ in range(2):
      grad, count = slope(at), count + 1
      m, v = b1 * m + (1 - b1) * grad, b2 * v + (1 - b2) * grad**2
      at = p - lr * (m / (1 - b1**count)) / (np.sqrt(v / (1 - b2**count)) + 1e-8)
    p = at
  g = bilinear(optax.adam(lr, b1, b2))
  step, state = jax.jit(extragradient(g)), steps.init(g, KEY)
  for _ in range(rounds):
    state, _ = step(state, batches(0, 0), KEY)
  np.testing.assert_allclose([state.params['x'], state.params['y']], p, rtol=1e-4)


def flops(f, *given):
  """What XLA counts in the compiled program."""
  return jax.jit(f).lower(*given).compile().cost_analysis()['flops']


@functools.cache
def wide(kind='mlp'):
  """A game whose products outweigh all else, and the shapes of its state and of a minibatch."""
  if kind == 'mlp':
    x, hidden = jnp.zeros((32, 8)), (128, 128)
    G, D = plain.Generator((8,), hidden=hidden), plain.Discriminator(hidden=hidden)
  else:
    x = jnp.zeros((16, 8, 8, 3))
    G, D = dcgan.Generator((8, 8, 3), width=32), dcgan.Discriminator(width=8)
  nets = {'G': net(G, jnp.zeros((len(x), 8))), 'D': net(D, x)}
  objective = gan(priors.normal(8), pair=pairs.nonsaturating())
  g = Game(nets, {n: Player((n,), optax.sgd(0.1)) for n in 'DG'}, objective, {})
  return g, jax.eval_shape(lambda key: steps.init(g, key), KEY), {'image': x[None]}


def test_simultaneous_play_shares_the_forward_pass():
  """One program for both players costs clearly less than a program for each."""
  g, state, data = wide()
  both = flops(simultaneous(g), state, data, KEY)
  apart = sum(flops(alternating(g, (n,)), state, data, KEY) for n in 'DG')
  hidden = 8 * 128 + 128 * 128
  one_forward = 2 * 32 * (hidden + 128 * 8) + 2 * 32 * (hidden + 128)
  assert apart - both > 0.9 * one_forward


# --- state: donated, unaliased, one program -------------------------------------------------------


@functools.cache
def small_gan(kind='mlp', prior=None):
  x = jnp.zeros((8, 8, 8, 1))
  if kind == 'mlp':
    nets = {
      'G': net(plain.Generator((8, 8, 1), hidden=(16,)), jnp.zeros((8, 4))),
      'D': net(plain.Discriminator(hidden=(16,), slope=0.2), x),
    }
  else:
    nets = {
      'G': net(dcgan.Generator((8, 8, 1), width=2, stages=1), jnp.zeros((8, 4))),
      'D': net(dcgan.Discriminator(width=2, stages=2, norm='batch'), x),
    }
  objective = gan(prior or priors.normal(4), pair=pairs.nonsaturating())
  tx = optax.sgd(0.1, momentum=0.5)
  return Game(nets, {n: Player((n,), tx) for n in 'DG'}, objective, {'G': 0.9})


def images(k=2, batch=8):
  rng = np.random.default_rng(0)
  return {'image': jnp.float32(rng.uniform(-1, 1, size=(k, batch, 8, 8, 1)))}


def pointers(state):
  return [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(state)]


def test_init_and_a_donated_step_share_no_buffer_between_leaves():
  one = jnp.zeros(3)
  g = three_players()._replace(ema={'G': 0.9, 'D': 0.99})
  carried = g.objective._replace(init=lambda: (one, {'again': one}))
  g = g._replace(objective=carried)
  state = steps.init(g, KEY)
  assert len(set(pointers(state))) == len(pointers(state))
  step = jax.jit(alternating(g, ('D', 'D', 'G')), donate_argnums=0)
  for _ in range(2):
    old = state
    state, _ = step(old, batches(0, 0), KEY)
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(old))
    assert len(set(pointers(state))) == len(pointers(state))


@functools.cache
def compiled(name):
  return jax.jit(PLAYS[name](small_gan()))


COMPILED = '/jax/core/compile/backend_compile_duration'
TIMED = []  # names of what jax has timed so far; a listener stays: jax 0.7 cannot take it away
jax.monitoring.register_event_duration_secs_listener(lambda name, *_, **__: TIMED.append(name))


@contextlib.contextmanager
def nothing_compiled():
  """Fails if anything is compiled inside, for new shapes, types or shardings."""
  before = len(TIMED)
  yield
  assert COMPILED not in TIMED[before:]


def test_nothing_compiled_notices_what_is_compiled():
  step = jax.jit(lambda x: x * 2 + 1)
  step(jnp.zeros(3))
  with nothing_compiled():
    step(jnp.zeros(3))
  with pytest.raises(AssertionError), nothing_compiled():
    step(jnp.zeros(4, jnp.int32))


@pytest.mark.parametrize('name', PLAYS)
def test_plays_are_compiled_once(name):
  step, state = compiled(name), steps.init(small_gan(), KEY)
  batch, keys = images(), [jax.random.key(i) for i in range(4)]
  state, _ = step(state, batch, keys[0])
  with nothing_compiled():
    for key in keys[1:]:
      state, _ = step(state, batch, key)


# Mended: `init` keeps the weak type of a carry that is a Python number, so the second call, which
# gets a strong one back, compiles again.
def test_init_of_a_python_number_as_carry_compiles_a_step_once():
  losses = pulls(D=1.0)
  g = game(losses, init=lambda: 0.0, advance=lambda c, s: c + s['D/loss'])
  step, state = jax.jit(simultaneous(g)), steps.init(g, KEY)
  batch = batches(0)
  state, _ = step(state, batch, KEY)
  with nothing_compiled():
    for _ in range(2):
      state, _ = step(state, batch, KEY)


def test_alternating_rounds_in_one_scan_are_those_one_by_one():
  g = three_players()
  step, state = alternating(g, ('D', 'G', 'E')), steps.init(g, KEY)
  scanned, _ = jax.jit(lambda s: jax.lax.scan(lambda s, _: step(s, batches(0), KEY), s, None, 3))(
    state
  )
  one = jax.jit(step)
  for _ in range(3):
    state, _ = one(state, batches(0), KEY)
  for a, b in zip(jax.tree.leaves(scanned), jax.tree.leaves(state), strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-6)


def test_alternating_goes_on_from_the_host_bit_for_bit():
  step, straight = compiled('alternating'), steps.init(small_gan(), KEY)
  for _ in range(4):
    straight, _ = step(straight, images(), KEY)
  state = steps.init(small_gan(), KEY)
  for i in range(4):
    if i == 2:
      state = jax.tree.map(lambda a: jnp.asarray(np.asarray(a)), state)
    state, _ = step(state, images(), KEY)
  assert same(straight, state)


# --- devices --------------------------------------------------------------------------------------


@functools.cache
def begun(kind, prior=None):
  """The state before the first round, on the host: from one program."""
  g = small_gan(kind, prior)
  return jax.device_get(jax.jit(lambda key: steps.init(g, key))(KEY))


@functools.cache
def on(n, kind, prior=None, way=parallel.jitted):
  """The state and the log after three rounds on n devices."""
  g = small_gan(kind, prior)
  mesh = parallel.mesh(8, n)
  make = lambda mean: alternating(g, ('D', 'G'), mean)
  step = jax.jit(way(make, mesh), donate_argnums=0)
  state = jax.device_put(begun(kind, prior), parallel.replicated(mesh))
  data = jax.device_put(images(), parallel.split(mesh, axis=1))
  state, log = step(state, data, KEY)
  with nothing_compiled():
    for _ in range(2):
      jax.block_until_ready(log)
      state, log = step(state, data, KEY)
  return jax.device_get((state, log))


@pytest.mark.parametrize(
  ('kind', 'n'),
  [('mlp', 2)]
  + [
    pytest.param(*more, marks=pytest.mark.slow) for more in (('mlp', 4), ('dcgan', 2), ('dcgan', 4))
  ],
)
def test_jitted_gives_one_seed_the_same_numbers_on_1_2_and_4_devices(kind, n):
  """With noise drawn for the whole batch, and for the DCGAN its statistics taken over all of it."""
  for a, b in zip(jax.tree.leaves(on(1, kind)), jax.tree.leaves(on(n, kind)), strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def fixed(key, n):
  return jnp.tile(jnp.linspace(-1, 1, 4)[None], (n, 1))


def test_pmapped_is_jitted_where_nothing_is_drawn_or_normalised():
  a, b = on(4, 'mlp', fixed), on(4, 'mlp', fixed, parallel.pmapped)
  for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
    np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-5)


def test_jitted_normalises_the_whole_batch_and_pmapped_each_part():
  """Nothing is drawn by D, so after one round of it alone only BatchNorm can differ."""
  g = small_gan('dcgan', fixed)

  def cost(way, n):
    step = jax.jit(way(lambda mean: alternating(g, ('D',), mean), parallel.mesh(8, n)))
    _, log = step(begun('dcgan', fixed), images(), KEY)
    return float(log['D/real'])

  whole = cost(parallel.jitted, 1)
  np.testing.assert_allclose(cost(parallel.jitted, 2), whole, rtol=1e-3, atol=1e-5)
  assert abs(cost(parallel.pmapped, 2) - whole) > 1e-4


def test_pmapped_draws_other_noise_on_every_device():
  losses = {'D': lambda nets, batch, key, carry: (nets.D() * 1.0, {'u': jax.random.uniform(key)})}
  g = game(losses)
  keys = []
  for n in (1, 2, 4):
    mesh = parallel.mesh(4, n)
    step = jax.jit(parallel.pmapped(lambda mean: simultaneous(g, mean), mesh))
    state = jax.device_put(steps.init(g, KEY), parallel.replicated(mesh))
    _, log = step(state, {'image': jnp.zeros((1, 4))}, KEY)
    keys.append(float(log['D/u']))
  assert len(set(keys)) == 3  # means of 1, 2 and 4 draws


def test_mesh_refuses_a_batch_that_does_not_divide_with_the_nearest():
  with refused('batch of 10', '4 devices', '8 or 12'):
    parallel.mesh(10, 4)
  with refused('devices=64', 'there are 4'):
    parallel.mesh(64, 64)


def test_mesh_says_once_the_nearest_batch_for_too_many_devices():
  with refused('batch of 3', '4 can') as said:
    parallel.mesh(3, 4)
  assert '4 or 4' not in str(said.value)


# --- what cannot be played is said in a sentence --------------------------------------------------


@pytest.mark.parametrize(
  ('change', 'facts'),
  [
    (dict(players={'D': Player(('D',), optax.sgd(1.0))}), ('players are D,', 'D, G')),
    (dict(players={n: Player((n, 'Q'), optax.sgd(1.0)) for n in 'DG'}), ('owns Q', 'D, G')),
    (dict(ema={'E': 0.9}), ('averages E', 'D, G')),
  ],
)
def test_check_refuses_a_game_that_does_not_fit_together(change, facts):
  g = game(pulls(D=1.0, G=1.0))._replace(**change)
  with refused(*facts):
    steps.check(g)


# Mended: the docstring of `check` promises it ('every network one owner or none').
def test_check_refuses_a_network_with_two_owners():
  g = game(pulls(D=1.0, G=1.0), owns={'D': ('D',), 'G': ('G', 'D')})
  with refused('D'):
    steps.check(g)


def test_alternating_refuses_a_stranger_in_the_schedule():
  with refused('names Q', 'D, G'):
    alternating(game(pulls(D=1.0, G=1.0)), ('D', 'Q'))


def test_bound_names_a_network_it_lacks_with_those_it_has():
  bound = Bound({'D': table(), 'G': table()}, {'D': 1.0, 'G': 2.0})
  with refused("'E'", 'D, G', error=AttributeError):
    bound.E()


def test_bound_takes_other_weights_and_functions_without_changing():
  bound = Bound({'D': table(), 'G': table()}, {'D': 1.0, 'G': 2.0})
  assert bound.weights(D=5.0).D() == 5.0
  assert bound.let(D=lambda: 9.0).D() == 9.0
  assert bound.let(D=lambda: 9.0).G() == 2.0
  assert bound.D() == 1.0


# Mended: `weights` starts again from the networks and forgets what `let` replaced, so an unrolled D
# under instance noise or augmentation would be shown clean images.
def test_bound_weights_leave_the_functions_that_were_let():
  bound = Bound({'D': table(), 'G': table()}, {'D': 1.0, 'G': 2.0})
  assert bound.let(G=lambda: 9.0).weights(D=5.0).G() == 9.0


# --- and it learns --------------------------------------------------------------------------------


def test_alternating_teaches_a_linear_generator_a_gaussian():
  """x ~ N(3, 1/2), G(z) = a z + b, D quadratic, with R1 so that the game converges."""
  nets = {
    'G': Net(lambda key: {'a': jnp.float32(0.1), 'b': jnp.float32(-1)},
             lambda w, z, key=None: w['a'] * z + w['b']),
    'D': Net(lambda key: jnp.zeros(3),
             lambda w, x, key=None: w[0] + w[1] * x[:, 0] + w[2] * x[:, 0] ** 2),
  }  # fmt: skip
  objective = gan(
    priors.normal(1), pair=pairs.nonsaturating(), penalties=(penalties.r1(weight=0.5),)
  )
  players = {n: Player((n,), optax.adam(0.02, b1=0.0)) for n in 'DG'}
  g = Game(nets, players, objective, {'G': 0.995})
  step = alternating(g)

  def one(state, key):
    data = 3 + 0.5 * jax.random.normal(key, (1, 64, 1))
    return step(state, {'image': data}, KEY)[0], ()

  state, _ = jax.jit(lambda s: jax.lax.scan(one, s, jax.random.split(KEY, 3000)))(
    steps.init(g, KEY)
  )
  np.testing.assert_allclose(state.ema['G']['b'], 3, atol=0.1)
  np.testing.assert_allclose(abs(state.ema['G']['a']), 0.5, atol=0.1)


# slow: convolutions and BatchNorm
@pytest.mark.parametrize('kind', ['mlp', pytest.param('dcgan', marks=pytest.mark.slow)])
def test_alternating_with_shared_noise_is_one_forward_pass_of_g(kind):
  """G is judged on the fakes that D learnt from, and they are computed once, as XLA counts."""
  g, state, data = wide(kind)
  z = jnp.zeros((data['image'].shape[1], 8))
  forward = flops(g.nets['G'].apply, state.params['G'], z)
  fresh, shared = (
    flops(alternating(g, ('D', 'G'), noise=noise), state, data, KEY)
    for noise in ('fresh', 'shared')
  )
  assert 0.9 * forward < fresh - shared < 1.2 * forward


@pytest.mark.parametrize('k', [1, 3])
def test_alternating_shares_noise_from_ds_last_move_to_gs_first(k):
  seen = {'D': [], 'G': []}

  def loss(player):
    def cost(nets, batch, drawn, carry):
      jax.debug.callback(lambda u: seen[player].append(float(u)), drawn)
      return 0.0 * getattr(nets, player)(), {}

    return cost

  one = game({'D': loss('D'), 'G': loss('G')})
  one = one._replace(
    objective=one.objective._replace(draw=lambda batch, key: jax.random.uniform(key))
  )

  jax.jit(alternating(one, ('D',) * k + ('G', 'G'), noise='shared'))(
    steps.init(one, KEY), batches(*range(max(k, 2))), KEY
  )
  jax.effects_barrier()

  assert len(set(seen['D'])) == k
  assert len(set(seen['G'])) == 2
  assert seen['G'][0] == seen['D'][-1]
  assert seen['G'][1] not in seen['D']


def test_alternating_refuses_another_noise():
  with refused("'shared'"):
    alternating(game(pulls(D=1.0)), ('D',), noise='same')
