"""The duality gap of a trained game (Grnarova et al. 2019): how much either side has left to gain.

With V = -(the cost of D), the gap is max_D' V(G, D') - min_G' V(G', D): 0 where neither can do any
better, above 0 elsewhere. The first term alone, the minimax value, ranks generators. Both are found
by descent, so the gap is from below: it is to be compared at the same number of moves only.
"""

import pathlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import step as steps
from gan_jax.errors import InputError
from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Objective, Scalars
from gan_jax.step import Game, TrainState


class Gap(NamedTuple):
  """What was found, on batches that neither the game nor the searches had learnt from."""

  gap: float
  stderr: float  # of the gap, over those batches
  minimax: float  # V(G, D'), D' the worst for G that was found
  maximin: float  # V(G', D), G' the worst for D that was found
  value: float  # V(G, D)


def worst_cases(
  game: Game,
  state: TrainState,
  learnt: Callable[[int], Batch],
  held: Iterable[Batch],
  key: jax.Array,
  *,
  moves: int = 200,
  discriminator: str = 'D',
  generator: str = 'G',
) -> Gap:
  """`moves` of either player alone from where the game is, each by its own optimiser, afresh.

  G descends on V itself, whatever it was trained on. What projects weights (clipping) goes on doing
  so, and penalties are part of V.

  Args:
    game: of players called `discriminator` and `generator`, among others or not.
    state: where it is; the weights themselves, not their averages.
    learnt: i -> the batch of move i, leaves [B,...].
    held: two or more batches to take the values on.
    key: of noise; all values have the same.
    moves: of each search.
    discriminator: the player whose cost is -V.
    generator: the one that is to make it high.

  Raises:
    InputError: there are no such players, fewer than 2 held-out batches, or V is not finite.
  """
  sides = (discriminator, generator)
  if missing := [name for name in sides if name not in game.players]:
    raise InputError(f'this game has no player {missing[0]}, whose worst case could be looked for.')
  duel = _duel(game, discriminator, generator)
  state = state.replace(
    ema={},
    opt={name: duel.players[name].tx.init({n: state.params[n] for n in duel.players[name].owns})
         for name in sides},
  )  # fmt: skip
  k_move, k_value = jax.random.split(key)
  found = {}
  for name in sides:
    move, at = jax.jit(steps.alternating(duel, (name,))), state
    for i in range(moves):
      batch = jax.tree.map(lambda a: jnp.asarray(a)[None], dict(learnt(i)))
      at, _ = move(at, batch, k_move)
    found[name] = at
  value = jax.jit(partial(_value, duel, discriminator))
  each = [
    [float(value(at, batch, jax.random.fold_in(k_value, i))) for at in (state, *found.values())]
    for i, batch in enumerate(held)
  ]
  if len(each) < 2:
    raise InputError(f'{len(each)} held-out batches are too few for a gap with an error.')
  here, minimax, maximin = np.array(each).T
  apart = minimax - maximin
  if not np.all(np.isfinite(apart)):
    raise InputError('the worst case is infinitely bad: V came out as nan or inf.')
  stderr = float(np.std(apart, ddof=1) / np.sqrt(len(apart)))
  means = [float(np.mean(a)) for a in (apart, minimax, maximin, here)]
  return Gap(means[0], stderr, *means[1:])


def gap(
  workdir: str | pathlib.Path,
  source: Callable,
  *,
  moves: int = 200,
  batch: int = 64,
  n: int = 1024,
  round: int | None = None,
  splits: Sequence[str] = ('train', 'test'),
  seed: int = 0,
) -> Gap:
  """The gap of a saved run: searches on the first of the splits, values on n images of the second.

  `source(split)` gives the data, as stored. Raises InputError if the run cannot be loaded, or the
  data are not what it was trained on.
  """
  from gan_jax import assemble, runs

  run = runs.load(workdir, round)
  seen = assemble.transform(run.config)
  see = jax.jit(lambda x: seen.apply(x, jax.random.key(0)))
  learn, hold = (source(split).arrays for split in splits)
  if missing := set(run.known.columns) - set(learn):
    raise InputError(f'{workdir} was trained on {", ".join(sorted(missing))} too, unknown here.')
  rng = np.random.default_rng(seed)

  def batched(arrays: Any, rows: np.ndarray) -> Batch:
    from gan_jax.data.source import is_picture

    taken = {name: np.asarray(arrays[name][np.sort(rows)]) for name in run.known.columns}
    return {name: see(a) if is_picture(name, a) else jnp.asarray(a) for name, a in taken.items()}

  whole = len(hold['image'])
  size = min(batch, whole // 2)
  rows = np.arange(whole)[: min(n, whole) // size * size].reshape(-1, size)
  return worst_cases(
    run.game,
    run.state,
    lambda i: batched(learn, rng.choice(len(learn['image']), batch)),
    [batched(hold, r) for r in rows],
    jax.random.key(seed),
    moves=moves,
  )


def _duel(game: Game, d: str, g: str) -> Game:
  """The zero-sum game of the cost of D."""
  cost = game.objective.losses[d]

  def gain(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    return -cost(nets, batch, drawn, carry)[0], {}

  objective = Objective({d: cost, g: gain}, game.objective.init, draw=game.objective.draw)
  return Game(game.nets, {name: game.players[name] for name in (d, g)}, objective, {})


def _value(game: Game, d: str, state: TrainState, batch: Batch, key: jax.Array) -> Array:
  """V on a batch."""
  params, _ = steps.effective(game.nets, state.params, state.reparam)
  drawn = game.objective.draw(batch, key)
  return -game.objective.losses[d](Bound(game.nets, params), batch, drawn, state.carry)[0]
