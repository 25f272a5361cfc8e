"""The U-Net of pix2pix (Isola et al. 2017): down to one pixel, and up again past what it was.

4x4 kernels at stride 2, no bias in any convolution, as in phillipi/pix2pix, whose code sets them to
zero before every step. In a batch of one, as all of pix2pix was trained, norm='batch' and
norm='instance' are the same; 'instance' stays the same when pictures are drawn in larger batches.
"""

from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.errors import InputError
from gan_jax.game import Array
from gan_jax.nets.layers import Conv, ConvTranspose, Dropout, activation, normalise


class Generator(nn.Module):
  """An encoder, and a decoder of which each layer also sees the encoder's of its size.

  The width doubles from layer to layer, to eight times `width` at most. There is no norm at the
  first and the last convolution and at the innermost, which would normalise single pixels.
  """

  shape: tuple[int, int, int]
  width: int = 64
  levels: int | None = None  # how often the size is halved; None: as often as it is even, 256 -> 1
  norm: str = 'batch'
  keep: float = 0.5  # dropout, the only noise of pix2pix
  dropped: int = 3  # of the decoder's layers, from the innermost on
  output: str = 'tanh'

  @nn.compact
  def __call__(self, source: Array) -> Array:
    """source f32[B,H,W,c] -> image f32[B,*shape] of the same size, in [-1, 1] for 'tanh'."""
    same_size(source.shape, self.shape)
    levels = halved(self.shape, self.levels)
    features = lambda i: self.width * min(1 << i, 8)
    x = Conv(features(0), use_bias=False)(source)
    passed = []
    for i in range(1, levels):
      passed.append(x)
      x = Conv(features(i), use_bias=False)(nn.leaky_relu(x, 0.2))
      x = normalise(self.norm if i < levels - 1 else 'none', x)
    for i in reversed(range(levels - 1)):
      x = ConvTranspose(features(i), use_bias=False)(nn.relu(x))
      x = normalise(self.norm, x)
      if levels - 2 - i < self.dropped:
        x = Dropout(self.keep)(x)
      x = jnp.concatenate([x, passed[i]], axis=-1)
    x = ConvTranspose(self.shape[-1], use_bias=False)(nn.relu(x))
    return activation(self.output)(x)


def same_size(source: Sequence[int], shape: Sequence[int]) -> None:
  """Raises InputError unless a source [B,H,W,c] has the height and width of the image (H,W,C)."""
  if len(source) != 4 or tuple(source[1:3]) != tuple(shape[:2]):
    raise InputError(
      f'a source of shape {tuple(source[1:])} cannot become an image of shape {tuple(shape)}: both '
      'must be pictures of one size.'
    )


def halved(shape: Sequence[int], levels: int | None) -> int:
  """How often an image (H,W,C) is halved: `levels` times, or as often as both sides are even.

  Raises InputError where that is not possible, or less than twice.
  """
  possible = 0
  while all(side % (2 << possible) == 0 for side in shape[:2]):
    possible += 1
  chosen = possible if levels is None else levels
  if not 2 <= chosen <= possible:
    raise InputError(
      f'an image of {shape[0]}x{shape[1]} can be halved {possible} times, and a U-Net needs '
      f'{levels or "two or more"}: give it sides that are multiples of {1 << max(levels or 0, 2)}.'
    )
  return chosen
