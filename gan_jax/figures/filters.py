"""What D's features respond to: guided back-propagation, and the images that drive each most.

Springenberg et al. 2014: the gradient of a unit with respect to the image, of which each rectifier
on the way back lets through only what is positive. DCGAN's figure 5 shows it for the strongest
responses to the first features of D's last convolution, beside a network that has learnt nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import inside
from gan_jax.exposed import Exposed, exposed, last_maps
from gan_jax.exposed import columns as data_columns
from gan_jax.figures.beside import captioned, row
from gan_jax.figures.grids import grid
from gan_jax.game import Array
from gan_jax.inside import Layer
from gan_jax.sampling import Sampler, in_chunks

BATCH = 64


@jax.custom_vjp
def guided(x: Array) -> Array:
  """x as it is; of what comes back to it, what is positive.

  Ahead of a ReLU, or a leaky one, this makes the derivative the guided one.
  """
  return x


guided.defvjp(lambda x: (x, None), lambda _, g: (jax.nn.relu(g),))


def responses(function: Callable, layer: Layer) -> Callable[..., Array]:
  """(x, *rest) -> f32[B,C]: how strongly each feature of the layer responds, where it does most."""
  look = inside.seen(function, [layer])
  return lambda *inputs: jnp.max(_positions(look(*inputs)[0].before), axis=1)


def gradients(function: Callable, layers: Sequence[Layer], at: Layer) -> Callable[..., Array]:
  """(feature i32[B], x f32[B,...], *rest) -> the guided gradient f32[B,...] of each one's response.

  `layers` are those whose rectifiers guide it: all of the function, or none for the plain gradient.
  """
  strongest = responses(inside.changed(function, layers, guided), at)

  def response(x: Array, feature: Array, *rest: Array) -> Array:
    found = strongest(x, *rest)
    return jnp.sum(jnp.take_along_axis(found, feature[:, None], axis=1))

  return lambda feature, x, *rest: jax.grad(response)(x, feature, *rest)


def filters(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: int = 6,
  columns: int = 8,
  layer: str = '',
  network: str = 'D',
  inputs: Sequence[str] = ('image',),
  split: str = 'train',
  n: int = 10_000,
) -> Mapping[str, np.ndarray]:
  """{'filters': uint8[H,W,3]}: guided gradients of the first features, not picked; a row for each.

  In each row the `columns` images of the split's n, spread evenly, to which the feature responds
  most: what guides it of a network with fresh weights, of the trained one, and these images. Grey
  is 0; every gradient is scaled to its own largest entry. `layer` is one of `inside.find`, the last
  of convolutions if unsaid. Raises InputError if the data lack one of the network's `inputs`.
  """
  stored = data_columns(source, split, inputs, n)
  panels = []
  for caption, fresh in (('not trained', key), ('trained', None)):
    net = exposed(sampler, network, stored, fresh)
    best = strongest(net, last_maps(net.layers, network, layer), features, columns)
    guide = jax.jit(gradients(net.function, net.layers, best.layer))
    slopes = in_chunks(guide, BATCH, best.feature, *best.given)
    panels.append(_panel(f'{network}, {caption}: {best.layer.name}', shown(slopes), columns))
  panels.append(_panel('the images', sampler.display(best.given[0])[..., :3], columns))
  return {'filters': row(panels)}


def maximal(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: int = 8,
  columns: int = 10,
  layer: str = '',
  network: str = 'D',
  inputs: Sequence[str] = ('image',),
  split: str = 'train',
  n: int = 10_000,
) -> Mapping[str, np.ndarray]:
  """{'maximal': uint8[H,W,C]}: of each of the first features the images that drive it most.

  They are ordered from left to right; what lies outside of what the unit sees is faded. The options
  are those of `filters`.
  """
  net = exposed(sampler, network, data_columns(source, split, inputs, n))
  best = strongest(net, last_maps(net.layers, network, layer), features, columns)
  slope = jax.jit(gradients(net.function, (), best.layer))
  slopes = in_chunks(slope, BATCH, best.feature, *best.given)
  images = sampler.display(best.given[0]).astype(np.float32)
  outside = ~within(slopes)[..., None]
  faded = np.where(outside, 255 - (255 - images) / 4, images)
  return {'maximal': grid(faded.astype(np.uint8), columns)}


class Strongest(NamedTuple):
  """The examples to which each of F features responds most, R of each, best first."""

  layer: Layer  # whose features these are
  feature: np.ndarray  # i32[F*R]
  given: tuple[np.ndarray, ...]  # f32[F*R,...], as the network sees them


def strongest(net: Exposed, layer: Layer, features: int, most: int) -> Strongest:
  """Goes through all that the network is given; `most` is R."""
  found = in_chunks(jax.jit(responses(net.function, layer)), BATCH, *net.given)[:, :features]
  rows = np.argsort(-found, axis=0, kind='stable')[:most].T
  feature = np.repeat(np.arange(len(rows), dtype=np.int32), rows.shape[1])
  return Strongest(layer, feature, tuple(a[rows.ravel()] for a in net.given))


def shown(slopes: np.ndarray) -> np.ndarray:
  """Gradients f32[N,H,W,C] -> uint8[N,H,W,3]: 0 is grey, each one's largest is black or white."""
  size = np.abs(slopes).max(axis=(1, 2, 3), keepdims=True)
  pixels = np.round(127.5 + 127.5 * slopes / np.where(size > 0, size, 1)).astype(np.uint8)
  return np.broadcast_to(pixels[..., :3], (*pixels.shape[:3], 3))


def within(slopes: np.ndarray) -> np.ndarray:
  """Gradients f32[N,H,W,C] -> bool[N,H,W]: the smallest box around all that is not 0."""
  some = np.any(slopes != 0, axis=3)

  def between(line: np.ndarray) -> np.ndarray:
    """bool[N,L] -> from the first to the last that is True."""
    from_left = np.maximum.accumulate(line, axis=1)
    return from_left & np.maximum.accumulate(line[:, ::-1], axis=1)[:, ::-1]

  return between(some.any(axis=2))[:, :, None] & between(some.any(axis=1))[:, None]


def _positions(value: Array) -> Array:
  """f32[B,...,C] -> f32[B,P,C]."""
  return value.reshape(len(value), -1, value.shape[-1])


def _panel(caption: str, images: np.ndarray, columns: int) -> np.ndarray:
  return captioned(caption, grid(images, columns, max(1, round(42 / images.shape[2]))))
