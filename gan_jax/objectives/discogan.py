"""DiscoGAN (Kim et al. 2017): there and back, with matched features and a weight that changes."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.errors import InputError
from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Key, Objective, Scalars, logit
from gan_jax.objectives.gan import count, no_rounds
from gan_jax.objectives.translation import judge, l2, round_trip
from gan_jax.pairs import Pair


def discogan(
  *,
  pair: Pair,
  d_weight: float = 0.5,
  matching: float = 0.9,
  rate: float = 0.5,
  early_rate: float = 0.01,
  early: int = 3333,
) -> Objective:
  """Each translator pays (1 - r)·(.1 L_GAN + .9 L_FM) + r·MSE(back, start); unpaired, as CycleGAN.

  Networks and owners are CycleGAN's: G: source -> image, F: image -> source, D, D_X, which must
  return all they see (heads=dict()). As in SKTBrain/DiscoGAN, image_translation.py: `matching` is
  the share of feature matching in the adversarial cost, and r is `early_rate` for `early` rounds
  and `rate` from then on. One round is three of their iterations, of which D moves in the first
  and G in the other two, so their 10,000 are 3,333 rounds.
  """

  def draw(batch: Batch, key: Key) -> Drawn:
    """Keys for the four translations and the four looks."""
    del batch
    return tuple(jax.random.split(key, 8))

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    sides = judge(nets, round_trip(nets, batch, drawn[:4]), drawn[4:])
    y, x = ([logit(out) for out in side] for side in sides)
    cost = d_weight * (pair.d(*y) + pair.d(*x))
    return cost, {'real': jnp.mean(y[0]), 'fake': jnp.mean(y[1])}

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    trip = round_trip(nets, batch, drawn[:4])
    sides = judge(nets, trip, drawn[4:])
    r = jnp.where(rounds < early, early_rate, rate)
    fooled = sum((pair.g(*map(logit, side)) for side in sides), jnp.zeros(()))
    matched = sum((mismatch(*side) for side in sides), jnp.zeros(()))
    cycle = l2(trip.back_x, trip.x) + l2(trip.back_y, trip.y)
    cost = (1 - r) * ((1 - matching) * fooled + matching * matched) + r * cycle
    return cost, {'cycle': cycle, 'matching': matched, 'rate': r}

  return Objective({'D': d_loss, 'G': g_loss}, no_rounds, count, draw)


def mismatch(real: Any, fake: Any) -> Array:
  """The squared distance of the batches' mean activations, layer by layer but for D's first."""
  if not isinstance(real, Mapping) or 'hidden' not in real:
    raise InputError('DiscoGAN matches what D sees: give nets.D and nets.D_X heads=dict().')
  layers = zip(real['hidden'][1:], fake['hidden'][1:], strict=True)
  return sum((jnp.mean((r.mean(0) - f.mean(0)) ** 2) for r, f in layers), jnp.zeros(()))
