"""The training step: players move, each along the gradient of its own loss.

Nothing here knows what is real or fake. A step is `(state, batches, key) -> (state, scalars)` with
batches of leaves [k,B,...], and plays one round: `alternating` is Algorithm 1 of Goodfellow et al.
2014, `simultaneous` what their own code does, `extragradient` the look-ahead of Gidel et al. 2019.

A move changes only what the player owns: its networks' weights and reparametrisation state.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from gan_jax.errors import InputError
from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Key, Net, Objective, Params, Scalars


class Player(NamedTuple):
  """Who trains what, and how."""

  owns: tuple[str, ...]  # the networks it trains
  tx: optax.GradientTransformation  # how it moves; a projection of the weights is its last link


class TrainState(struct.PyTreeNode):
  """All that changes during training, and nothing else: arrays only, no two sharing a buffer."""

  step: Array  # i32[], rounds played
  params: dict[str, Params]  # network -> weights
  reparam: dict[str, Any]  # network -> state of its reparametrisation
  opt: dict[str, Any]  # player -> optimiser state
  ema: dict[str, Params]  # network -> averaged weights, for those that are averaged
  carry: Carry  # the objective's own state


class Game(NamedTuple):
  """All that does not change: what is played, by whom."""

  nets: Mapping[str, Net]
  players: Mapping[str, Player]
  objective: Objective
  ema: Mapping[str, Callable[[Array], Array] | float]  # network -> decay, or rounds -> decay


Step = Callable[[TrainState, Batch, Key], tuple[TrainState, Scalars]]
Mean = Callable[[Any], Any]
SCHEDULE = ('D', 'G')  # Algorithm 1 with k = 1


def identity(tree: Any) -> Any:
  """The mean over devices where one program sees the whole batch."""
  return tree


def check(game: Game) -> None:
  """Raises InputError unless every player has a loss and every network one owner or none."""
  nets, players, losses = set(game.nets), game.players, set(game.objective.losses)
  if set(players) != losses:
    raise InputError(
      f'the players are {_names(players)}, but the objective has losses for {_names(losses)}; '
      'config.players needs exactly one entry per loss.'
    )
  for name, player in players.items():
    if missing := set(player.owns) - nets:
      raise InputError(f'player {name} owns {_names(missing)}, but the nets are {_names(nets)}.')
  owned = [n for player in players.values() for n in player.owns]
  if shared := {n for n in owned if owned.count(n) > 1}:
    raise InputError(f'{_names(shared)} has more than one owner; one player trains a network.')
  if missing := set(game.ema) - nets:
    raise InputError(f'ema averages {_names(missing)}, but the nets are {_names(nets)}.')


def init(game: Game, key: Key) -> TrainState:
  """The state before the first round. Averages start as copies, so that all can be donated."""
  names = sorted(game.nets)
  keys = jax.random.split(key, (2, len(names)))
  k_init, k_reparam = (dict(zip(names, row, strict=True)) for row in keys)
  params = {n: game.nets[n].init(k_init[n]) for n in names}
  state = TrainState(
    step=jnp.zeros((), jnp.int32),
    params=params,
    reparam={n: game.nets[n].reparam_init(k_reparam[n], params[n]) for n in names},
    opt={n: p.tx.init({m: params[m] for m in p.owns}) for n, p in game.players.items()},
    ema={n: params[n] for n in game.ema},
    carry=game.objective.init(),
  )
  # With its dtype said, since a weak one (a Python 0.0 in a carry) would compile the step twice.
  return jax.tree.map(lambda a: jnp.array(a, jnp.result_type(a), copy=True), state)


def effective(
  nets: Mapping[str, Net], params: Mapping[str, Params], reparam: Mapping[str, Any]
) -> tuple[dict[str, Params], dict[str, Any]]:
  """The weights that the networks are applied with, and the reparametrisations' next state."""
  both = {n: net.reparam(params[n], reparam[n]) if net.reparam else (params[n], reparam[n])
          for n, net in nets.items() if n in params}  # fmt: skip
  return {n: p for n, (p, _) in both.items()}, {n: s for n, (_, s) in both.items()}


def alternating(
  game: Game,
  schedule: Sequence[str | tuple[str, int]] = SCHEDULE,
  mean: Mean = identity,
  noise: str = 'fresh',
  unroll: bool = False,
) -> Step:
  """Players move in turn: ('D',) * k + ('G',) is Algorithm 1.

  An entry is a player, whose i-th move in the round sees minibatch i, or (player, minibatch): with
  (('D', 0), ('G', 1)) G sees real images of its own. Equal moves in a row are one `lax.scan`, so
  compilation does not grow with k; with `unroll` it does, and who counts FLOPs counts all of them.

  `noise` is 'fresh' for each move, or 'shared': a turn begins with the noise that the one before
  it ended with, so that G is judged on the very fakes that D has just learnt from, as in the Torch
  code of DCGAN. What the two moves have in common, G(z), is computed once.
  """
  if noise not in ('fresh', 'shared'):
    raise InputError(f"noise={noise!r} is neither 'fresh' nor 'shared'.")
  shared = noise == 'shared'
  turns = _turns(game, schedule)
  if shared:
    turns = _peeled(turns)
  needed = minibatches(alternating, schedule=schedule)

  def step(state: TrainState, batches: Batch, key: Key) -> tuple[TrainState, Scalars]:
    _refuse_too_few(batches, needed)
    key = jax.random.fold_in(key, state.step)
    log: Scalars = {}
    drawn: tuple[str, Drawn] | None = None  # by whom, in the last move that was no loop's
    for turn, (name, minibatches) in enumerate(turns):
      draw = partial(_draw, game, batches, jax.random.fold_in(key, turn))

      def move(state, at_drawn, name=name):
        at, drawn = at_drawn
        batch = _minibatch(batches, at)
        grads, reparam, scalars = _gradient(game, name, state.params, state, batch, drawn, mean)
        return _update(game, name, state, grads, reparam), scalars

      if len(minibatches) == 1:
        by, value = drawn or (name, None)
        drawn = name, value if shared and by != name else draw(0, minibatches[0])
        state, scalars = move(state, (minibatches[0], drawn[1]))
      else:
        each = (jnp.arange(len(minibatches)), jnp.asarray(minibatches))

        def afresh(state, i_at, draw=draw, move=move):
          return move(state, (i_at[1], draw(*i_at)))

        state, scalars = jax.lax.scan(afresh, state, each, unroll=unroll)
        scalars = jax.tree.map(_last, scalars)
      log |= scalars
    return _close(game, state, log), log

  return step


def simultaneous(game: Game, mean: Mean = identity) -> Step:
  """All players move at once from the same weights, on the same minibatch, noise and masks.

  What their losses have in common (G(z), D(G(z))) the compiler computes once: one forward pass,
  and a pull-back for each player.
  """

  def step(state: TrainState, batches: Batch, key: Key) -> tuple[TrainState, Scalars]:
    batch, key = _minibatch(batches, 0), jax.random.fold_in(key, state.step)
    state, log = _all_move(game, state, state.params, batch, key, mean)
    return _close(game, state, log), log

  return step


def extragradient(game: Game, mean: Mean = identity) -> Step:
  """Each player looks one move ahead, and moves from here along the gradients found there.

  Gidel et al. 2019, Algorithm 4: both half-steps use the players' own optimisers, whose state (the
  moments of Adam) moves on in each; the look-ahead is on minibatch 0, the move on minibatch 1.
  """

  def step(state: TrainState, batches: Batch, key: Key) -> tuple[TrainState, Scalars]:
    _refuse_too_few(batches, 2)
    k_ahead, k_move = jax.random.split(jax.random.fold_in(key, state.step))
    ahead, _ = _all_move(game, state, state.params, _minibatch(batches, 0), k_ahead, mean)
    state = state.replace(opt=ahead.opt)
    state, log = _all_move(game, state, ahead.params, _minibatch(batches, 1), k_move, mean)
    return _close(game, state, log), log

  return step


def minibatches(play: Callable, **options: Any) -> int:
  """How many minibatches k a round of `play` (one of the three above) consumes."""
  if play is alternating:
    return 1 + max(at for _, at in numbered(options.get('schedule', SCHEDULE)))
  return 2 if play is extragradient else 1


# --- the parts that they share -------------------------------------------------------------------


def _gradient(
  game: Game,
  name: str,
  at: dict[str, Params],
  state: TrainState,
  batch: Batch,
  drawn: Drawn,
  mean: Mean,
) -> tuple[Params, dict[str, Any], Scalars]:
  """The player's gradient at weights `at`, its networks' next reparametrisation state, its log."""
  owns = game.players[name].owns

  def cost(own: Params):
    params, reparam = effective(game.nets, {**at, **own}, state.reparam)
    loss, scalars = game.objective.losses[name](Bound(game.nets, params), batch, drawn, state.carry)
    return loss, (scalars, {n: reparam[n] for n in owns})

  (loss, (scalars, reparam)), grads = jax.value_and_grad(cost, has_aux=True)(
    {n: at[n] for n in owns}
  )
  grads, loss, scalars = mean((grads, loss, scalars))
  return grads, reparam, _log(name, loss, grads, scalars)


def _update(game: Game, name: str, state: TrainState, grads: Params, reparam: Any) -> TrainState:
  """The state after the player moved along `grads`."""
  player = game.players[name]
  own = {n: state.params[n] for n in player.owns}
  updates, opt = player.tx.update(grads, state.opt[name], own)
  return state.replace(
    params={**state.params, **optax.apply_updates(own, updates)},
    opt={**state.opt, name: opt},
    reparam={**state.reparam, **reparam},
  )


def _all_move(
  game: Game, state: TrainState, at: dict[str, Params], batch: Batch, key: Key, mean: Mean
) -> tuple[TrainState, Scalars]:
  """Every player moves from `state` along its gradient at weights `at`."""
  drawn = game.objective.draw(batch, key)
  found = {name: _gradient(game, name, at, state, batch, drawn, mean) for name in game.players}
  log: Scalars = {}
  for name, (grads, reparam, scalars) in found.items():
    state, log = _update(game, name, state, grads, reparam), log | scalars
  return state, log


def _draw(game: Game, batches: Batch, key: Key, i: Any, at: Any) -> Drawn:
  """What move i of a turn, on minibatch `at`, takes at random."""
  return game.objective.draw(_minibatch(batches, at), jax.random.fold_in(key, i))


def _minibatch(batches: Batch, at: Any) -> Batch:
  return jax.tree.map(lambda x: x[at], batches)


def _refuse_too_few(batches: Batch, needed: int) -> None:
  """JAX would hand out the last minibatch again and again."""
  if (given := len(jax.tree.leaves(batches)[0])) < needed:
    raise InputError(f'a round of this play needs {needed} minibatches, but was given {given}.')


def _log(name: str, loss: Array, grads: Params, scalars: Scalars) -> Scalars:
  square = sum(_square(g) for g in jax.tree.leaves(grads))
  log = {'loss': loss, 'gradient_norm': jnp.sqrt(square), **scalars}
  return {f'{name}/{key}': value for key, value in log.items()}


def _square(g: Array) -> Array:
  """The sum of all squares; as a product with ones, which takes XLA half the time on CPU."""
  rows = jnp.square(g.reshape(-1, g.shape[-1] if g.ndim else 1))
  return jnp.sum(jnp.matmul(jnp.ones((1, len(rows)), g.dtype), rows, precision='highest'))


def _last(moves: Array) -> Array:
  """The last of [k] values, or NaN if any of them was not finite: no bad move goes unseen."""
  return jnp.where(jnp.all(jnp.isfinite(moves)), moves[-1], jnp.nan)


def _close(game: Game, state: TrainState, log: Scalars) -> TrainState:
  """The end of a round: averages and carry move on, and the round is counted."""

  def average(name: str, ema: Params) -> Params:
    decay = game.ema[name]
    kept = decay(state.step) if callable(decay) else decay
    return optax.incremental_update(state.params[name], ema, 1 - kept)

  return state.replace(
    step=state.step + 1,
    ema={n: average(n, e) for n, e in state.ema.items()},
    carry=game.objective.advance(state.carry, log),
  )


def numbered(schedule: Sequence[str | tuple[str, int]]) -> list[tuple[str, int]]:
  """Every entry of a schedule as (player, minibatch)."""
  seen: dict[str, int] = {}
  out = []
  for entry in schedule:
    name, at = (entry, seen.get(entry, 0)) if isinstance(entry, str) else entry
    seen[name] = at + 1
    out.append((name, int(at)))
  return out


def _turns(game: Game, schedule: Sequence[str | tuple[str, int]]) -> list[tuple[str, list[int]]]:
  """Runs of equal moves: [(player, its minibatches)]."""
  moves = numbered(schedule)
  if not moves:
    raise InputError('the schedule is empty; it must name the players in the order of their moves.')
  if strangers := {name for name, _ in moves} - set(game.players):
    raise InputError(
      f'the schedule names {_names(strangers)}, but the players are {_names(game.players)}.'
    )
  return [(name, [at for _, at in run]) for name, run in groupby(moves, key=lambda m: m[0])]


def _peeled(turns: list[tuple[str, list[int]]]) -> list[tuple[str, list[int]]]:
  """The first and the last move of every longer turn as turns of their own.

  A loop hides from the compiler what its moves have in common with those around it.
  """
  return [
    (name, part)
    for name, moves in turns
    for part in (moves[:1], moves[1:-1], moves[1:][-1:])
    if part
  ]


def _names(names) -> str:
  return ', '.join(sorted(names)) or 'none'
