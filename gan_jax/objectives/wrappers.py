"""Objectives from objectives: what D is shown is changed, the equations are not."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Key, Objective, Scalars
from gan_jax.ops import random


def instance_noise(
  base: Objective, *, sigma: float | Callable[[Array], Array] = 0.1, critic: str = 'D'
) -> Objective:
  """D sees every image, real or fake, with N(0, sigma^2) added (Sønderby et al. 2017, section 3).

  `sigma` may be a schedule of rounds, e.g. dict(name='linear_schedule', init_value=0.1,
  end_value=0.0, transition_steps=10_000): p_data and p_g overlap at first, and the noise goes.
  The noise comes from the key that the loss hands D, so each look has its own; the penalties look
  through it too. The carry is (the base's, rounds played).
  """
  at = sigma if callable(sigma) else lambda rounds: sigma

  def wrap(loss):
    def wrapped(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
      inner, rounds = carry
      D = getattr(nets, critic)

      def noisy(x: Array, *given: Array, key: Key) -> Array:
        k_noise, k_inner = jax.random.split(key)
        noise = random.normal(k_noise, x.shape).astype(x.dtype)
        return D(x + at(rounds) * noise, *given, key=k_inner)

      return loss(nets.let(**{critic: noisy}), batch, drawn, inner)

    return wrapped

  return Objective(
    losses={player: wrap(loss) for player, loss in base.losses.items()},
    draw=base.draw,
    init=lambda: (base.init(), jnp.zeros((), jnp.int32)),
    advance=lambda carry, scalars: (base.advance(carry[0], scalars), carry[1] + 1),
  )
