"""The order in which examples are shown: a permutation for every epoch, computed, never stored.

`order` is a swap-or-not shuffle (Hoang, Morris & Rogaway 2012): in each of its rounds x and its
partner k - x (mod n) change places or not, as a hash of the pair says, which is a bijection for any
n. It is arithmetic on uint32 alone, so NumPy on the host and XLA on a device give the same order,
and the place of an example costs nothing but its own computation.
"""

from typing import Any

import jax
import numpy as np

ROUNDS = 48  # 24 would pass the tests; this is still nothing beside a training step
ROUND = np.uint32(0x85EBCA6B)
LIMIT = 2**32  # positions are uint32: this many examples can be shown in one run


def order(seed: Any, position: Any, n: int) -> Any:
  """Which of n examples stands at `position` of the endless sequence of epochs.

  seed: an int of which the low 32 bits count, or these as a uint32[] of jax.
  position: uint32[...], an array of numpy or jax, not a scalar of numpy (its overflow warns).
  Returns uint32[...] < n. Positions [e n, (e + 1) n) are epoch e, and hold every example once.
  """
  u = np.uint32
  epoch, x = position // u(n), position % u(n)
  word = seed if isinstance(seed, jax.Array) else u(seed & 0xFFFFFFFF)
  salt = _mix(epoch * u(0x9E3779B9) + word)

  def maybe_swap(k: Any, x: Any) -> Any:
    partner = (k % u(n) + u(n) - x) % u(n)
    larger = x + (partner - x) * (partner > x).astype(u)
    return x + (partner - x) * (_mix(larger ^ k) & u(1))

  if isinstance(position, jax.Array):  # a loop, since 48 rounds in a row are slow to compile
    return jax.lax.fori_loop(
      0, ROUNDS, lambda r, x: maybe_swap(_mix(salt + r.astype(u) * ROUND), x), x
    )
  for r in range(ROUNDS):
    x = maybe_swap(_mix(salt + np.array([r], u) * ROUND), x)
  return x


def _mix(h: Any) -> Any:
  """A 32-bit finaliser (murmur3's): every bit of the input moves every bit of the output."""
  h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
  h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
  return h ^ (h >> np.uint32(16))
