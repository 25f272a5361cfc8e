"""Inception-v3 as TensorFlow shipped it on 2015-12-05: the network behind FID and Inception score.

Szegedy et al. 2015 (arXiv 1512.00567). Not quite the paper's, nor torchvision's: means over 3x3
leave out the padding, the last block takes a maximum where the others take a mean, and there are
1008 logits. Modules have the names of the PyTorch ports (pytorch-fid, torch-fidelity).

It only infers: each normalisation, with the statistics of its training, is an affine map, which
lies in the kernel and the bias of the convolution before it.
"""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax import lax

from gan_jax.game import Array
from gan_jax.nets.layers import Dense
from gan_jax.ops import pool
from gan_jax.ops.conv import Padding
from gan_jax.ops.native import LAYOUT
from gan_jax.ops.norm import rows

SIDE = 299  # pixels of the images that it was trained on
SPATIAL = 7  # channels that sFID looks at


def mean_3x3(x: Array) -> Array:
  """x [B,H,W,C] -> the same shape: the mean of the neighbours that there are."""
  for axis in (1, 2):
    n = x.shape[axis]
    before, here, after = _slices(x, axis, 0)
    there = 3 - (np.arange(n) == 0) - (np.arange(n) == n - 1)
    counts = np.expand_dims(there, (0, 3 - axis, 3)).astype(x.dtype)
    x = (before + here + after) / counts
  return x


def max_3x3(x: Array) -> Array:
  """x [B,H,W,C] -> the same shape: the maximum of the neighbours."""
  for axis in (1, 2):
    before, here, after = _slices(x, axis, -jnp.inf)
    x = jnp.maximum(jnp.maximum(before, here), after)
  return x


def _slices(x: Array, axis: int, beyond: float) -> list[Array]:
  """The entries before, the entries themselves and those after, `beyond` where there are none."""
  edges = [(int(a == axis),) * 2 for a in range(4)]
  padded = jnp.pad(x, edges, constant_values=beyond)
  return [lax.slice_in_dim(padded, i, i + x.shape[axis], axis=axis) for i in range(3)]


halved = partial(pool.max_pool, size=3, stride=2)


class Unit(nn.Module):
  """A convolution, a bias and a rectifier."""

  features: int
  window: tuple[int, int] = (1, 1)
  stride: int = 1
  padding: Padding = 'SAME'

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,H,W,I] -> f32[B,h,w,features]."""
    shape = (*self.window, x.shape[-1], self.features)
    kernel = self.param('kernel', nn.initializers.he_normal(), shape)
    bias = self.param('bias', nn.initializers.zeros, (self.features,))
    if self.stride == 1 and self.padding == 'VALID':
      x = _unpadded(x, kernel)
    else:
      # Not by ops.conv, which here is no faster and takes seven times as long to compile.
      strides = (self.stride, self.stride)
      x = lax.conv_general_dilated(x, kernel, strides, self.padding, dimension_numbers=LAYOUT)
    return nn.relu(x + rows(bias, x))


def _unpadded(x: Array, kernel: Array) -> Array:
  """A convolution without padding, cut out of one with: three times faster by XLA on CPU."""
  y = lax.conv_general_dilated(x, kernel, (1, 1), 'SAME', dimension_numbers=LAYOUT)
  (h, w), (a, b) = x.shape[1:3], (k // 2 for k in kernel.shape[:2])
  return y[:, a : h - a, b : w - b]


Small = partial(Unit, stride=2, padding='VALID')


class BlockA(nn.Module):
  """35x35, with a 5x5 window and two of 3x3."""

  pooled: int

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,H,W,I] -> f32[B,H,W,224+pooled]."""
    five = Unit(48, name='branch5x5_1')(x)
    double = Unit(64, name='branch3x3dbl_1')(x)
    double = Unit(96, (3, 3), name='branch3x3dbl_2')(double)
    branches = [
      Unit(64, name='branch1x1')(x),
      Unit(64, (5, 5), name='branch5x5_2')(five),
      Unit(96, (3, 3), name='branch3x3dbl_3')(double),
      Unit(self.pooled, name='branch_pool')(mean_3x3(x)),
    ]
    return jnp.concatenate(branches, axis=-1)


class BlockB(nn.Module):
  """35x35 to 17x17."""

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,H,W,I] -> f32[B,h,w,480+I]."""
    double = Unit(64, name='branch3x3dbl_1')(x)
    double = Unit(96, (3, 3), name='branch3x3dbl_2')(double)
    branches = [
      Small(384, (3, 3), name='branch3x3')(x),
      Small(96, (3, 3), name='branch3x3dbl_3')(double),
      halved(x),
    ]
    return jnp.concatenate(branches, axis=-1)


class BlockC(nn.Module):
  """17x17, with windows of 7x1 and 1x7; returns the branch of 1x1 as well."""

  inner: int

  @nn.compact
  def __call__(self, x: Array) -> tuple[Array, Array]:
    """x f32[B,H,W,I] -> f32[B,H,W,768], f32[B,H,W,192]."""
    n = self.inner
    seven = Unit(n, name='branch7x7_1')(x)
    seven = Unit(n, (1, 7), name='branch7x7_2')(seven)
    double = Unit(n, name='branch7x7dbl_1')(x)
    double = Unit(n, (7, 1), name='branch7x7dbl_2')(double)
    double = Unit(n, (1, 7), name='branch7x7dbl_3')(double)
    double = Unit(n, (7, 1), name='branch7x7dbl_4')(double)
    branches = [
      Unit(192, name='branch1x1')(x),
      Unit(192, (7, 1), name='branch7x7_3')(seven),
      Unit(192, (1, 7), name='branch7x7dbl_5')(double),
      Unit(192, name='branch_pool')(mean_3x3(x)),
    ]
    return jnp.concatenate(branches, axis=-1), branches[0]


class BlockD(nn.Module):
  """17x17 to 8x8."""

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,H,W,I] -> f32[B,h,w,512+I]."""
    three = Unit(192, name='branch3x3_1')(x)
    seven = Unit(192, name='branch7x7x3_1')(x)
    seven = Unit(192, (1, 7), name='branch7x7x3_2')(seven)
    seven = Unit(192, (7, 1), name='branch7x7x3_3')(seven)
    branches = [
      Small(320, (3, 3), name='branch3x3_2')(three),
      Small(192, (3, 3), name='branch7x7x3_4')(seven),
      halved(x),
    ]
    return jnp.concatenate(branches, axis=-1)


class BlockE(nn.Module):
  """8x8, with windows of 1x3 and 3x1 side by side."""

  pool: Callable[[Array], Array]

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,H,W,I] -> f32[B,H,W,2048]."""
    three = Unit(384, name='branch3x3_1')(x)
    double = Unit(448, name='branch3x3dbl_1')(x)
    double = Unit(384, (3, 3), name='branch3x3dbl_2')(double)
    branches = [
      Unit(320, name='branch1x1')(x),
      Unit(384, (1, 3), name='branch3x3_2a')(three),
      Unit(384, (3, 1), name='branch3x3_2b')(three),
      Unit(384, (1, 3), name='branch3x3dbl_3a')(double),
      Unit(384, (3, 1), name='branch3x3dbl_3b')(double),
      Unit(192, name='branch_pool')(self.pool(x)),
    ]
    return jnp.concatenate(branches, axis=-1)


class Inception(nn.Module):
  """The whole network."""

  @nn.compact
  def __call__(self, x: Array) -> dict[str, Array]:
    """image f32[B,299,299,3], (pixels - 128) / 128, -> what metrics look at.

    'features' f32[B,2048], the mean over the last map; 'logits' f32[B,1008], without the bias, as
    the Inception score's authors had them; 'spatial' f32[B,2023], 7 channels of an inner 17x17 map
    (mixed_6/conv in the original graph), rows, then columns, then channels; and the means over
    inner maps, '64', '192' and '768', for comparison with other ports.
    """
    x = Small(32, (3, 3), name='Conv2d_1a_3x3')(x)
    x = Unit(32, (3, 3), padding='VALID', name='Conv2d_2a_3x3')(x)
    x = halved(Unit(64, (3, 3), name='Conv2d_2b_3x3')(x))
    out = {'64': jnp.mean(x, (1, 2))}
    x = Unit(80, name='Conv2d_3b_1x1')(x)
    x = halved(Unit(192, (3, 3), padding='VALID', name='Conv2d_4a_3x3')(x))
    out['192'] = jnp.mean(x, (1, 2))
    for letter, pooled in zip('bcd', (32, 64, 64), strict=True):
      x = BlockA(pooled, name=f'Mixed_5{letter}')(x)
    x = BlockB(name='Mixed_6a')(x)
    for letter, inner in zip('bcde', (128, 160, 160, 192), strict=True):
      x, plain = BlockC(inner, name=f'Mixed_6{letter}')(x)
      if letter == 'd':
        out['spatial'] = plain[..., :SPATIAL].reshape(x.shape[0], -1)
    out['768'] = jnp.mean(x, (1, 2))
    x = BlockD(name='Mixed_7a')(x)
    x = BlockE(mean_3x3, name='Mixed_7b')(x)
    x = BlockE(max_3x3, name='Mixed_7c')(x)
    out['features'] = jnp.mean(x, (1, 2))
    return {**out, 'logits': Dense(1008, use_bias=False, name='fc')(out['features'])}
