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
  most: its gradients by a network with fresh weights, by the trained one, and the images of these,
  each cut to what the unit sees of it. Grey is 0; a gradient is scaled to its own largest entry.
  `layer` is one of `inside.find`, the last of convolutions if unsaid. Raises InputError if the data
  lack one of the network's `inputs`.
  """
  stored = data_columns(source, split, inputs, n)
  panels = []
  for caption, fresh in (('not trained', key), ('trained', None)):
    net = exposed(sampler, network, stored, fresh)
    best = strongest(net, last_maps(net.layers, network, layer), features, columns)
    guide = jax.jit(gradients(net.function, net.layers, best.layer))
    slopes = in_chunks(guide, BATCH, best.feature, *best.given)
    boxes = seen_of(net, best)
    pictures = cut(shown(slopes), boxes)
    panels.append(_panel(f'{caption}: {_called(best.layer)}', pictures, columns))
  images = sampler.display(best.given[0])[..., :3]
  panels.append(_panel('what it saw', cut(images, boxes), columns))
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

  They are in order from left to right; what lies outside of what the unit sees is greyed. The
  options are those of `filters`.
  """
  net = exposed(sampler, network, data_columns(source, split, inputs, n))
  best = strongest(net, last_maps(net.layers, network, layer), features, columns)
  images = sampler.display(best.given[0]).astype(np.float32)
  outside = ~seen_of(net, best)[..., None]
  faded = np.where(outside, 128 + (images - 128) / 4, images)
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


def seen_of(net: Exposed, best: Strongest) -> np.ndarray:
  """The box of pixels that each strongest response depends on, bool[N,H,W]."""
  slope = jax.jit(gradients(net.function, (), best.layer))
  return within(in_chunks(slope, BATCH, best.feature, *best.given))


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


def cut(images: np.ndarray, boxes: np.ndarray) -> np.ndarray:
  """uint8[N,H,W,C] and boxes bool[N,H,W] -> uint8[N,h,w,C]: of the largest box's size."""
  out = images
  for axis in (1, 2):
    lines = boxes.any(axis=3 - axis)
    size = max(1, int(lines.sum(axis=1).max()))
    start = np.minimum(lines.argmax(axis=1), images.shape[axis] - size)
    rows = (start[:, None] + np.arange(size)).reshape(
      -1, *(size if a == axis else 1 for a in (1, 2)), 1
    )
    out = np.take_along_axis(out, rows, axis=axis)
  return out


def _called(layer: Layer) -> str:
  return f'{layer.name}, {"x".join(map(str, layer.shape))}'


def _panel(caption: str, images: np.ndarray, columns: int) -> np.ndarray:
  return captioned(caption, grid(images, columns, max(1, round(54 / images.shape[2]))))
