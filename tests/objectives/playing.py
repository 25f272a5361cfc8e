"""What an objective's players pay and what their moves change, each as one compiled program."""

from collections.abc import Collection
from typing import Any

import jax
import numpy as np

from gan_jax import step
from gan_jax.game import Batch, Bound, Objective, unchanged

KEY = jax.random.key(0)


def paid(
  objective: Objective,
  nets: Bound,
  batch: Batch,
  carry: Any = None,
  key: Any = KEY,
  seen: list | None = None,
  players: Collection[str] | None = None,
) -> dict[str, Any]:
  """player -> (cost, scalars) of those players, by default of all, as numbers.

  Arrays that the networks append to `seen` lie there as numbers afterwards.
  """
  carry = objective.init() if carry is None else carry
  losses = {n: loss for n, loss in objective.losses.items() if players is None or n in players}

  @jax.jit
  def look(batch, key, carry):
    drawn = objective.draw(batch, key)
    costs = {n: loss(nets, batch, drawn, carry) for n, loss in losses.items()}
    return costs, list(seen or ())

  costs, noted = jax.device_get(look(batch, key, carry))
  if seen is not None:
    seen[:] = noted
  return costs


def moved(game: step.Game, batch: Batch) -> dict[str, set[str]]:
  """player -> the networks that its move changes in every weight; all others keep every weight."""
  # Some carries look for both players' scalars, which a move alone does not give.
  game = game._replace(objective=game.objective._replace(advance=unchanged))

  @jax.jit
  def play(batch):
    before = step.init(game, KEY)
    batches = jax.tree.map(lambda a: a[None], batch)
    alone = {n: step.alternating(game, (n,))(before, batches, KEY)[0] for n in game.players}
    return before.params, {n: state.params for n, state in alone.items()}

  before, after = jax.device_get(play(batch))
  found = {}
  for player, params in after.items():
    same = {
      n: {np.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (w, params[n])), strict=True)}
      for n, w in before.items()
    }
    assert all(len(of_leaves) <= 1 for of_leaves in same.values()), (player, same)
    found[player] = {n for n, of_leaves in same.items() if of_leaves == {False}}
  return found
