"""A game near its equilibrium: the field along which its players move, and the field's Jacobian.

With every player's cost L_i of weights w = (w_1, w_2, ...), the simultaneous gradient field is
v(w) = -(dL_1/dw_1, dL_2/dw_2, ...). Where v = 0 the game is at rest. Small moves lead back there if
all eigenvalues of v's Jacobian have a negative real part, and away if one is positive; imaginary
parts are rotation (Mescheder et al. 2017; Nagarajan & Kolter 2017; Mescheder et al. 2018). A round
with finite moves, as the optimisers make them, converges if all eigenvalues of its own Jacobian lie
within the unit circle.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from gan_jax.errors import InputError
from gan_jax.game import Array, Batch, Bound, Key, Params
from gan_jax.step import Game, Step, TrainState, effective

MOST = 4000  # weights: a Jacobian of that many is 64 MB, and its eigenvalues take minutes


class Field(NamedTuple):
  """v as a function of the weights that are trained, laid out in a row of P numbers."""

  value: Callable[[Array], Array]  # w f[P] -> v(w) f[P]
  at: Array  # f[P], the weights of the state that it was made from
  weights: Callable[[Array], dict[str, Params]]  # w f[P] -> network -> its weights


def field(game: Game, state: TrainState, batch: Batch, key: Key) -> Field:
  """The field of a game on one batch, leaves [B,...], with one draw of noise for all players.

  What is not trained (reparametrisation state, the objective's carry) stays as the state has it.
  """
  owned = sorted(name for player in game.players.values() for name in player.owns)
  at, weights = ravel_pytree({name: state.params[name] for name in owned})
  drawn = game.objective.draw(batch, key)

  def value(w: Array) -> Array:
    params = {**state.params, **weights(w)}

    def slope(name: str, owns: tuple[str, ...]) -> Params:
      def cost(own: Params) -> Array:
        bound, _ = effective(game.nets, {**params, **own}, state.reparam)
        loss = game.objective.losses[name]
        return loss(Bound(game.nets, bound), batch, drawn, state.carry)[0]

      return jax.grad(cost)({n: params[n] for n in owns})

    slopes = {k: v for n, p in game.players.items() for k, v in slope(n, p.owns).items()}
    return -ravel_pytree(slopes)[0]

  return Field(value, at, weights)


def jacobian(of: Field, at: Array | None = None) -> np.ndarray:
  """dv/dw f64[P,P] at weights `at`, by default the state's; InputError above MOST of them."""
  at = of.at if at is None else at
  _refuse_many(at)
  # Row by row: some layers (BatchNorm, convolutions) know no forward derivative.
  return np.asarray(jax.jit(jax.jacrev(of.value))(at), np.float64)


def of_round(step: Step, state: TrainState, batches: Batch, key: Key) -> np.ndarray:
  """The Jacobian f64[P,P] of one round as it is played: weights and moments before -> after.

  `step` and its batches, leaves [k,B,...], are those of `gan_jax.step`. Counts, which are no real
  numbers, stay as they are. Raises InputError above MOST numbers.
  """
  batches = jax.tree.map(jnp.asarray, batches)
  leaves, tree = jax.tree.flatten((state.params, state.opt))
  moves = [jnp.issubdtype(leaf.dtype, jnp.inexact) for leaf in leaves]
  at, back = ravel_pytree([leaf for leaf, is_real in zip(leaves, moves, strict=True) if is_real])
  _refuse_many(at)

  def played(w: Array) -> Array:
    real = iter(back(w))
    mixed = [next(real) if is_real else leaf for leaf, is_real in zip(leaves, moves, strict=True)]
    params, opt = jax.tree.unflatten(tree, mixed)
    after, _ = step(state.replace(params=params, opt=opt), batches, key)
    out = jax.tree.leaves((after.params, after.opt))
    return ravel_pytree([leaf for leaf, is_real in zip(out, moves, strict=True) if is_real])[0]

  return np.asarray(jax.jit(jax.jacrev(played))(at), np.float64)


def eigenvalues(matrix: np.ndarray) -> np.ndarray:
  """complex128[P], that of the largest real part first, of two with one real part the upper."""
  found = np.linalg.eigvals(np.asarray(matrix, np.float64)).astype(np.complex128)
  return found[np.lexsort((-found.imag, -found.real))]


def _refuse_many(weights: Any) -> None:
  if weights.size > MOST:
    raise InputError(
      f'the Jacobian of {weights.size:,} numbers is too large to be had whole; this is for games '
      f'of up to {MOST:,}.'
    )
