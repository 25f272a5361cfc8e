"""CycleGAN (Zhu et al. 2017) and DualGAN (Yi et al. 2017): what goes there must come back.

They are one game: what tells them apart is the pair, the weights, the pool and the optimisers.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.errors import InputError
from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Key, Objective, Scalars, logit
from gan_jax.objectives.pool import query
from gan_jax.objectives.translation import judge, l1, round_trip
from gan_jax.pairs import Pair

FAKES = {'to_x': 'source', 'to_y': 'image'}  # and the column whose shape they have


def cyclegan(
  columns: Mapping[str, Any],
  *,
  pair: Pair,
  weight: float = 10.0,
  identity: float | None = 0.5,
  d_weight: float = 1.0,
  g_weight: float = 1.0,
  pool: int = 50,
) -> Objective:
  """L(G, D_Y) + L(F, D_X) + lambda L_cyc(G, F) (eq. 3); the batch is {'source', 'image'}, unpaired.

  Networks: G: source -> image, F: image -> source, D of images (the paper's D_Y), D_X of sources.
  Player G owns G and F, player D owns D and D_X. Every term is of one side alone, so that it does
  not matter which source lies beside which image.

  Args:
    columns: (shape, dtype) of each column as the networks see it; the program gives it.
    pair: of each side.
    weight: lambda, of E |F(G(x)) - x| + E |G(F(y)) - y| (eq. 2).
    identity: G(y) is to be y, and F(x) x (section 5.2): so many times lambda. None: no such term.
    d_weight: D pays so many times pair.d.
    g_weight: G pays so many times pair.g. CycleGAN's D has the half that is in `least_squares`, its
      G has not: 2 there.
    pool: of so many old fakes of each side D is shown some (section 4); 0 shows it the new ones.

  Raises InputError for data without two domains.
  """
  if missing := set(FAKES.values()) - set(columns):
    raise InputError(
      f'translation needs the columns source and image; this data has no {", ".join(missing)}.'
    )

  def init() -> Carry:
    """Rounds played, and the pools, empty."""
    empty = {s: jnp.zeros((pool, *columns[c][0]), jnp.float32) for s, c in FAKES.items() if pool}
    return jnp.zeros((), jnp.int32), empty

  def advance(carry: Carry, scalars: Scalars) -> Carry:
    rounds, pools = carry
    return rounds + 1, {side: scalars[f'D/pool_{side}'] for side in pools}

  def draw(batch: Batch, key: Key) -> Drawn:
    """Keys for the four translations, the four looks, the two identities and the two pools."""
    del batch
    return tuple(jax.random.split(key, 12))

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    rounds, pools = carry
    trip = round_trip(nets, batch, drawn[:4])
    kept: Scalars = {}
    for side, k in zip(sorted(pools), drawn[10:], strict=False):
      fakes = getattr(trip, side)
      shown, kept[f'pool_{side}'] = query(pools[side], rounds * len(fakes), fakes, k)
      trip = trip._replace(**{side: shown})
    y, x = ([logit(out) for out in side] for side in judge(nets, trip, drawn[4:8]))
    cost = d_weight * (pair.d(*y) + pair.d(*x))
    return cost, {'real': jnp.mean(y[0]), 'fake': jnp.mean(y[1]), **kept}

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    trip = round_trip(nets, batch, drawn[:4])
    y, x = ([logit(out) for out in side] for side in judge(nets, trip, drawn[4:8]))
    cycle = l1(trip.back_x, trip.x) + l1(trip.back_y, trip.y)
    cost = g_weight * (pair.g(*y) + pair.g(*x)) + weight * cycle
    if identity is None:
      return cost, {'cycle': cycle}
    same = l1(nets.G(trip.y, key=drawn[8]), trip.y) + l1(nets.F(trip.x, key=drawn[9]), trip.x)
    return cost + weight * identity * same, {'cycle': cycle, 'identity': same}

  return Objective({'D': d_loss, 'G': g_loss}, init, advance, draw)
