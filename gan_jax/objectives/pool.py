"""The image pool of Shrivastava et al. 2017, as CycleGAN keeps it: D is shown old fakes too."""

import jax
import jax.numpy as jnp

from gan_jax.game import Array, Key
from gan_jax.ops import random


def query(pool: Array, stored: Array | int, fakes: Array, key: Key) -> tuple[Array, Array]:
  """(pool f32[P,...], how many images it has met, fakes f32[B,...]) -> what D is shown, the pool.

  Image by image (junyanz/CycleGAN, util/image_pool.lua): as long as there is room each is kept, and
  shown; then, with probability 1/2, an old one is shown and the new one takes its place, else the
  new one is shown and forgotten.
  """
  n, size = len(fakes), len(pool)
  k_swapped, k_place = jax.random.split(key)
  number = jnp.minimum(stored, size) + jnp.arange(n)
  room = number < size
  swapped = ~room & random.bernoulli(k_swapped, 0.5, (n,))
  place = jnp.where(room, number, jax.random.randint(k_place, (n,), 0, size))

  def one(pool: Array, each: tuple[Array, Array, Array, Array]) -> tuple[Array, Array]:
    fake, place, room, swapped = each
    old = pool[place]
    pool = pool.at[place].set(jnp.where(room | swapped, fake, old))
    return pool, jnp.where(swapped, old, fake)

  pool, shown = jax.lax.scan(one, pool, (fakes, place, room, swapped))
  return shown, pool
