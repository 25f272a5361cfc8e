"""GoogLeNet as Caffe's authors trained it (BVLC; Szegedy et al. 2014, arXiv 1409.4842, table 1).

Pools round their sizes up, as Caffe does; the two losses on the way, which only training needs, are
left out. Modules have Caffe's names.
"""

import flax.linen as nn
import jax.numpy as jnp
from jax import lax

from gan_jax.game import Array
from gan_jax.nets.inception import Unit, halved, max_3x3
from gan_jax.nets.layers import Dense

SIDE = 224  # pixels of the images that it was trained on

# widths: 1x1; 3x3 after reduction to; 5x5 after reduction to; after the pool
WIDTHS = {
  '3a': (64, 96, 128, 16, 32, 32),
  '3b': (128, 128, 192, 32, 96, 64),
  '4a': (192, 96, 208, 16, 48, 64),
  '4b': (160, 112, 224, 24, 64, 64),
  '4c': (128, 128, 256, 24, 64, 64),
  '4d': (112, 144, 288, 32, 64, 64),
  '4e': (256, 160, 320, 32, 128, 128),
  '5a': (256, 160, 320, 32, 128, 128),
  '5b': (384, 192, 384, 48, 128, 128),
}


def response_norm(x: Array, size: int = 5, alpha: float = 1e-4, beta: float = 0.75) -> Array:
  """x [B,H,W,C] / (1 + alpha/size · sum of x² over `size` neighbouring channels)^beta.

  Local response normalisation as Caffe has it (Krizhevsky et al. 2012, section 3.3).
  """
  window, reach = (1, 1, 1, size), (size // 2, size // 2)
  zero, edges = jnp.zeros((), x.dtype), ((0, 0), (0, 0), (0, 0), reach)
  total = lax.reduce_window(x * x, zero, lax.add, window, (1, 1, 1, 1), edges)
  return x * (1 + alpha / size * total) ** -beta


class Block(nn.Module):
  """Windows of several sizes side by side."""

  widths: tuple[int, int, int, int, int, int]

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,H,W,I] -> f32[B,H,W,O], O the sum of the four branches' widths."""
    one, less3, three, less5, five, pooled = self.widths
    branches = [
      Unit(one, name='1x1')(x),
      Unit(three, (3, 3), name='3x3')(Unit(less3, name='3x3_reduce')(x)),
      Unit(five, (5, 5), name='5x5')(Unit(less5, name='5x5_reduce')(x)),
      Unit(pooled, name='pool_proj')(max_3x3(x)),
    ]
    return jnp.concatenate(branches, axis=-1)


class GoogLeNet(nn.Module):
  """The whole network."""

  @nn.compact
  def __call__(self, x: Array) -> dict[str, Array]:
    """image f32[B,224,224,3], blue, green, red less their means, -> features and logits.

    'features' f32[B,1024], the mean over the last map, >= 0; 'logits' f32[B,1000] of ImageNet's
    classes in the order of ILSVRC 2012.
    """
    x = Unit(64, (7, 7), 2, ((3, 3), (3, 3)), name='conv1|7x7_s2')(x)
    x = response_norm(halved(x))
    x = Unit(192, (3, 3), name='conv2|3x3')(Unit(64, name='conv2|3x3_reduce')(x))
    x = halved(response_norm(x))
    for name, widths in WIDTHS.items():
      x = Block(widths, name=f'inception_{name}')(x)
      if name in ('3b', '4e'):
        x = halved(x)
    features = jnp.mean(x, (1, 2))
    return {'features': features, 'logits': Dense(1000, name='loss3|classifier')(features)}
