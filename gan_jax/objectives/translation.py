"""What the translators between two domains share: there and back, who judges what, distances.

Domain X is the column 'source', domain Y the column 'image'; G: X -> Y and F: Y -> X translate,
D judges images of Y and D_X those of X.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp

from gan_jax.errors import InputError
from gan_jax.game import Array, Batch, Bound, Key


class Trip(NamedTuple):
  """Both domains, what they become in the other one, and what comes back; all f32[B,H,W,C]."""

  x: Array
  y: Array
  to_y: Array  # G(x)
  to_x: Array  # F(y)
  back_x: Array  # F(G(x))
  back_y: Array  # G(F(y))


def round_trip(nets: Bound, batch: Batch, keys: Sequence[Key]) -> Trip:
  """There and back; what a loss does not use of it is not computed. Takes four keys."""
  x, y = batch['source'], batch['image']
  to_y, to_x = nets.G(x, key=keys[0]), nets.F(y, key=keys[1])
  return Trip(x, y, to_y, to_x, nets.F(to_y, key=keys[2]), nets.G(to_x, key=keys[3]))


def judge(nets: Bound, trip: Trip, keys: Sequence[Key]) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
  """((D(y), D(G(x))), (D_X(x), D_X(F(y)))): what each critic makes of real and fake; four keys."""
  looks = (nets.D, trip.y), (nets.D, trip.to_y), (nets.D_X, trip.x), (nets.D_X, trip.to_x)
  r_y, f_y, r_x, f_x = (D(image, key=k) for (D, image), k in zip(looks, keys, strict=True))
  return (r_y, f_y), (r_x, f_x)


def l1(a: Array, b: Array) -> Array:
  """E |a - b| over all entries; InputError for images of different shapes."""
  return jnp.mean(jnp.abs(difference(a, b)))


def l2(a: Array, b: Array) -> Array:
  """E (a - b)^2 over all entries; InputError for images of different shapes."""
  return jnp.mean(difference(a, b) ** 2)


def difference(a: Array, b: Array) -> Array:
  """a - b without broadcasting."""
  if a.shape != b.shape:
    raise InputError(
      f'images of shape {a.shape[1:]} cannot be compared with images of shape {b.shape[1:]}: give '
      'the network that draws them the shape=(height, width, channels) of its domain.'
    )
  return a - b
