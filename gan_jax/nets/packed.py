"""PacGAN (Lin et al. 2018): a discriminator that is shown m examples at once, side by side.

  D=dict(name='dcgan.Discriminator', inputs=('image',), pack=2)

A generator that lacks modes makes packs that are less diverse than real ones, which is easier to
see than what is missing from single images. Only D's first layer is wider, and every game, pair and
network of the project can be played so. A penalty sees D's slope at each image of a pack.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.errors import InputError
from gan_jax.game import Array, Net
from gan_jax.nets.layers import Example


def pack(x: Array, m: int) -> Array:
  """f32[B,...,C] -> f32[B/m,...,mC]: m examples in a row become one of m times the channels.

  Raises InputError unless m divides B, and for labels, which have no channels.
  """
  if m == 1:
    return x
  if x.ndim < 2:
    raise InputError('images, points and codes can be packed, but not labels.')
  if x.shape[0] % m:
    raise InputError(
      f'{x.shape[0]} examples make no packs of {m}: choose a batch that {m} divides.'
    )
  side_by_side = jnp.moveaxis(x.reshape(-1, m, *x.shape[1:]), 1, -2)
  return side_by_side.reshape(*side_by_side.shape[:-2], -1)


def widened(x: Example, m: int) -> Example:
  """An example of what a network of packs is made for: f32[B,...,C] -> f32[B,...,mC]."""
  side_by_side = lambda x: pack(jnp.concatenate([x] * m), m)
  return side_by_side(x) if isinstance(x, jax.Array) else jax.eval_shape(side_by_side, x)


def packed(net: Net, m: int) -> Net:
  """A network of packs (made for `widened` examples), given what is to be packed."""

  def of_packs(function: Callable) -> Callable:
    return lambda params, *inputs, **key: function(params, *[pack(x, m) for x in inputs], **key)

  statistics = net.statistics and of_packs(net.statistics)
  return net._replace(apply=of_packs(net.apply), statistics=statistics)
