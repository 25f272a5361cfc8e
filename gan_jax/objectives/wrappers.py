"""Objectives from objectives: what D is shown is changed, the equations are not."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.augmentations import Augmentation
from gan_jax.errors import InputError
from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Key, Objective, Scalars
from gan_jax.objectives.gan import at_round, count, no_rounds
from gan_jax.ops import random

Look = Callable[[Key, Array, Carry], Array]  # (key, x, the wrapper's own carry) -> what D sees of x


def seen_through(
  base: Objective,
  look: Look,
  init: Callable[[], Carry] = no_rounds,
  advance: Callable[[Carry, Scalars], Carry] = count,
  critic: str = 'D',
) -> Objective:
  """The same game whose critic sees every image x, real or fake, as look(key, x, own).

  The key comes from the one that the loss hands D, so each look at an image draws for itself; the
  penalties look through it too: they are slopes of what D makes of the image that was changed, at
  the image as it was. The carry is (the base's, the wrapper's own).
  """

  def wrap(loss: Callable) -> Callable:
    def wrapped(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
      inner, own = carry
      D = getattr(nets, critic)

      def sees(x: Array, *given: Array, key: Key) -> Array:
        k_look, k_inner = jax.random.split(key)
        return D(look(k_look, x, own), *given, key=k_inner)

      return loss(nets.let(**{critic: sees}), batch, drawn, inner)

    return wrapped

  return Objective(
    losses={player: wrap(loss) for player, loss in base.losses.items()},
    draw=base.draw,
    init=lambda: (base.init(), init()),
    advance=lambda carry, scalars: (base.advance(carry[0], scalars), advance(carry[1], scalars)),
  )


def instance_noise(
  base: Objective, *, sigma: float | Callable[[Array], Array] = 0.1, critic: str = 'D'
) -> Objective:
  """D sees every image, real or fake, with N(0, sigma^2) added (Sønderby et al. 2017, section 3).

  `sigma` may be a schedule of rounds, e.g. dict(name='linear_schedule', init_value=0.1,
  end_value=0.0, transition_steps=10_000): p_data and p_g overlap at first, and the noise goes.
  """

  def noisy(key: Key, x: Array, rounds: Array) -> Array:
    return x + at_round(sigma, rounds) * random.normal(key, x.shape).astype(x.dtype)

  return seen_through(base, noisy, critic=critic)


def augmented(
  base: Objective,
  *,
  augmentations: Sequence[Augmentation],
  p: float | Callable[[Array], Array] = 1.0,
  critic: str = 'D',
) -> Objective:
  """D sees every image, real or fake, augmented, and G learns through it (Zhao et al. 2020).

  `augmentations`, of gan_jax/augmentations.py, follow one another; DiffAugment is ('jitter',
  'translation', 'cutout'). `p` may be a schedule of rounds, as R3GAN's. What a critic is given
  besides the image is left alone.
  """
  change = _in_turn(augmentations)
  return seen_through(base, lambda key, x, n: change(key, x, at_round(p, n)), critic=critic)


class Adaptation(NamedTuple):
  """What adaptive augmentation remembers."""

  p: Array  # f32[], how likely an augmentation is
  signs: Array  # f32[], the sum of D/sign since p last moved
  rounds: Array  # i32[]


def adaptive(
  base: Objective,
  *,
  augmentations: Sequence[Augmentation],
  climb: float,
  target: float = 0.6,
  every: int = 4,
  critic: str = 'D',
) -> Objective:
  """Augmented with a p that is as large as D's overfitting asks for (Karras et al. 2020, sec. 3).

  r_t = E[sign(D(x))] on the real images of `every` rounds is 1 where D knows each by heart; p moves
  up when it is above `target`, else down, and would rise from 0 to 1 in `climb` rounds: theirs are
  500,000 images / batch. The base's loss logs 'sign', as those of `gan` do; with a relativistic
  pair, to which D's zero means nothing, r_t means nothing too. 'p' is logged beside it.
  """
  change, told = _in_turn(augmentations), f'{critic}/sign'

  def advance(own: Adaptation, scalars: Scalars) -> Adaptation:
    if told not in scalars:
      raise InputError(f'adaptive augmentation reads {told!r}, which this objective does not log.')
    signs, rounds = own.signs + scalars[told], own.rounds + 1
    moves = rounds % every == 0
    p = own.p + jnp.sign(signs / every - target) * (every / climb)
    return Adaptation(
      p=jnp.where(moves, jnp.maximum(p, 0.0), own.p),
      signs=jnp.where(moves, 0.0, signs),
      rounds=rounds,
    )

  start = lambda: Adaptation(jnp.zeros(()), jnp.zeros(()), no_rounds())
  look = lambda key, x, own: change(key, x, own.p)
  seen = seen_through(base, look, start, advance, critic)

  def loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    cost, scalars = seen.losses[critic](nets, batch, drawn, carry)
    return cost, {**scalars, 'p': carry[1].p}

  return seen._replace(losses={**seen.losses, critic: loss})


def _in_turn(augmentations: Sequence[Augmentation]) -> Augmentation:
  """One after another, each with a key of its own."""

  def change(key: Key, x: Array, p: Array | float) -> Array:
    if x.ndim != 4:
      raise InputError(f'only images [B,H,W,C] can be augmented; D judges {list(x.shape)}.')
    for augment, k in zip(augmentations, jax.random.split(key, len(augmentations)), strict=True):
      x = augment(k, x, p)
    return x

  return change
