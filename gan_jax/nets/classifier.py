"""A small convolutional classifier: what metrics look at where there are labels to learn from."""

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.nets.layers import Dense, normalise
from gan_jax.nets.pyramid import ceil_halvings

HE = nn.initializers.he_uniform()
LARGE = 16  # sides above which a layer is only there to halve them


class Classifier(nn.Module):
  """Halved by 3x3 convolutions until no side is above 4, with one more at each size of 16 or less.

  From there on each halving doubles the width. BatchNorm wants to be calibrated
  (`sampling.calibrate`) before one image is looked at by itself.
  """

  classes: int
  width: int = 32
  units: int = 128  # features

  @nn.compact
  def __call__(self, x: Array) -> dict[str, Array]:
    """image f32[B,H,W,C] -> {'features': f32[B,units] >= 0, 'logits': f32[B,classes]}."""
    width = self.width
    sizes = ceil_halvings(x.shape[1:])  # the last is its own
    for size in reversed(sizes[:-1] or sizes):
      x = _convolution(x, width, stride=2 if size < x.shape[1:3] else 1)
      if max(size) <= LARGE:
        x = _convolution(x, width, stride=1)
        width *= 2
    x = Dense(self.units, use_bias=False, kernel_init=HE)(x.reshape(x.shape[0], -1))
    features = nn.relu(normalise('batch', x))
    return {'features': features, 'logits': Dense(self.classes)(features)}


def _convolution(x: Array, width: int, stride: int) -> Array:
  # XLA's own: ours (ops/conv.py), made for derivatives of derivatives, take 5 times as long to
  # compile, and as long as these to run.
  layer = nn.Conv(width, (3, 3), (stride, stride), use_bias=False, kernel_init=HE)
  return nn.relu(normalise('batch', layer(x)))
