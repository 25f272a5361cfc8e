"""Unrolled GAN (Metz et al. 2017): G answers the D that D is about to become."""

from collections.abc import Callable

import jax
import optax

from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Objective, Scalars


def unrolled(
  base: Objective, *, tx: optax.GradientTransformation, steps: int = 5, critic: str = 'D'
) -> Objective:
  """Every player but D pays its cost at D after `steps` moves along D's own cost (eqs. 4 and 5).

  The moves are on the same minibatch and noise, and are differentiated through: how D would answer
  a change of G is part of G's gradient. With the pair 'saddle' the cost is the paper's f itself,
  whose term of real images matters here too. D moves as ever, at its own weights.

  `tx` is how D moves in this look-ahead. Its state, the moments of Adam say, is differentiated
  through like the weights, but begins anew in each: what a player's optimiser remembers is no
  affair of the losses. (The released notebook begins at D's moments of now, so that its first moves
  are shorter than Adam's first ones.) The root of Adam has no slope at a gradient of 0, which a
  ReLU that sleeps gives: say eps_root=1e-16. With a reparametrised D, it is the weights that the
  networks are applied with that move. As a wrapper it comes after those that change what D sees.
  """

  def ahead(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> Bound:
    """The networks with the D of `steps` moves from now."""

    def move(at: tuple, _: None) -> tuple[tuple, None]:
      d, state = at
      cost = lambda d: base.losses[critic](nets.weights(**{critic: d}), batch, drawn, carry)[0]
      updates, state = tx.update(jax.grad(cost)(d), state, d)
      return (optax.apply_updates(d, updates), state), None

    now = nets.params[critic]
    (later, _), _ = jax.lax.scan(move, (now, tx.init(now)), length=steps)
    return nets.weights(**{critic: later})

  def wrap(loss: Callable) -> Callable:
    def wrapped(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
      return loss(ahead(nets, batch, drawn, carry), batch, drawn, carry)

    return wrapped

  others = {player: wrap(loss) for player, loss in base.losses.items() if player != critic}
  return base._replace(losses={**base.losses, **others})
