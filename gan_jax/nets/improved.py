"""The networks of Improved GAN (Salimans et al. 2016), as in openai/improved-gan.

`Dense...` are those of MNIST, the others those of CIFAR-10 and SVHN. BatchNorm (eps 1e-6) has a
bias and no gain; the weights of all other layers are normalised, and where a layer's g and b are
fitted to data, so that `fit=500` belongs in the config of D (and fit=100 in that of the
convolutional G), g is trained in the last layer only.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import flax.linen as nn
import numpy as np
from jax.nn import logsumexp, softplus

from gan_jax.game import Array
from gan_jax.nets import layers, weight_norm
from gan_jax.nets.dcgan_authors import UP
from gan_jax.nets.layers import BatchNorm, Dropout, Heads, activation
from gan_jax.nets.minibatch import MinibatchDiscrimination
from gan_jax.nets.noise import Noise
from gan_jax.nets.pyramid import halvings
from gan_jax.ops import norm

GLOROT = nn.initializers.glorot_uniform()
BROAD = nn.initializers.normal(0.1)  # of the discriminator on MNIST
NORMAL = nn.initializers.normal(0.05)  # of every convolutional layer


class Centred(nn.Module):
  """BatchNorm with a bias and no gain."""

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,...,C] -> the same shape."""
    bias = self.param('bias', nn.initializers.zeros, x.shape[-1:])
    return BatchNorm(1e-6, affine=False)(x) + norm.rows(bias, x)


class DenseGenerator(nn.Module):
  """Softplus layers with BatchNorm, and an output of normalised weights, which are not fitted."""

  shape: tuple[int, ...]
  hidden: tuple[int, ...] = (500, 500)
  output: str = 'sigmoid'

  @nn.compact
  def __call__(self, z: Array) -> Array:
    """z f32[B,Z] -> image f32[B,*shape], in [0, 1] for 'sigmoid'."""
    x = z
    for units in self.hidden:
      x = softplus(Centred()(layers.Dense(units, use_bias=False, kernel_init=GLOROT)(x)))
    pixels = int(np.prod(self.shape))
    x = weight_norm.Dense(pixels, spread=None, trained=True, kernel_init=GLOROT)(x)
    return activation(self.output)(x).reshape(x.shape[0], *self.shape)


class DenseDiscriminator(nn.Module):
  """ReLU layers; handed a key, Gaussian noise is added to the image and after every layer."""

  hidden: tuple[int, ...] = (1000, 500, 250, 250, 250)
  input_noise: float = 0.3
  noise: float = 0.5
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array) -> Any:
    """image f32[B,...] -> logit f32[B], or with heads what `verdict` says."""
    x = Noise(self.input_noise)(x.reshape(x.shape[0], -1))
    hidden = []
    for units in self.hidden:
      hidden.append(nn.relu(weight_norm.Dense(units, kernel_init=BROAD)(x)))
      x = Noise(self.noise)(hidden[-1])
    return verdict(x, hidden, self.heads, partial(weight_norm.Dense, kernel_init=BROAD))


class Generator(nn.Module):
  """5x5 transposed convolutions, twice the size and half the width at each: 32 = 4·2³.

  `width` is that of the layer before the image. BatchNorm after the projection has one mean per
  unit; the image comes from normalised weights, fitted to a deviation of 0.1 before the tanh.
  """

  shape: tuple[int, int, int]
  width: int = 128
  stages: int | None = None
  output: str = 'tanh'

  @nn.compact
  def __call__(self, z: Array) -> Array:
    """z f32[B,Z] -> image f32[B,*shape], in [-1, 1] for 'tanh'."""
    (h, w), stages = halvings(self.shape, self.stages)
    top = self.width << stages - 1
    x = Centred()(layers.Dense(h * w * top, use_bias=False, kernel_init=NORMAL)(z))
    x = nn.relu(x).reshape(-1, h, w, top)
    up = partial(layers.ConvTranspose, size=5, padding=UP, use_bias=False, kernel_init=NORMAL)
    for i in reversed(range(stages - 1)):
      x = nn.relu(Centred()(up(self.width << i)(x)))
    last = weight_norm.ConvTranspose(
      self.shape[-1], size=5, padding=UP, kernel_init=NORMAL, spread=0.1, trained=True
    )
    return activation(self.output)(last(x))


class Discriminator(nn.Module):
  """Nine convolutions and the mean over all positions; width 96 for CIFAR-10, 64 for SVHN.

  Handed a key, dropout keeps `input_keep` of the image and `keep` after each third layer. For
  minibatch discrimination the authors take input_keep=1, noise=0.2 (on the image), kernels=100.
  """

  width: int = 96
  input_keep: float = 0.8
  noise: float = 0.0
  keep: float = 0.5
  kernels: int = 0  # of minibatch discrimination, each of `dims` numbers
  dims: int = 5
  slope: float = 0.2
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array) -> Any:
    """image f32[B,H,W,C] -> logit f32[B], or with heads what `verdict` says."""
    halvings(x.shape[1:], 2)  # refuses a size that cannot be halved twice
    x = Noise(self.noise)(Dropout(self.input_keep)(x))
    same, down, valid = (1, ((1, 1), (1, 1))), (2, ((1, 1), (1, 1))), (1, 'VALID')
    layer = lambda *of: lambda x: nn.leaky_relu(weight_norm.Conv(*of)(x), self.slope)
    hidden = []
    for width in (self.width, 2 * self.width):
      for stride, padding in (same, same, down):
        x = layer(width, 3, stride, padding)(x)
        hidden.append(x)
      x = Dropout(self.keep)(x)
    for size in (3, 1, 1):
      x = layer(2 * self.width, size, *valid)(x)
      hidden.append(x)
    hidden.append(x.mean((1, 2)))
    if self.kernels:
      hidden.append(MinibatchDiscrimination(self.kernels, self.dims)(hidden[-1]))
    return verdict(hidden[-1], hidden, self.heads, partial(weight_norm.Dense, spread=0.1))


def verdict(
  x: Array, hidden: Sequence[Array], heads: Heads | None, dense: Callable[..., nn.Module]
) -> Any:
  """What such a D returns, as `layers.verdict`, of what its last layer f32[B,F] is shown, `x`.

  With a head 'classes' there is no logit beside it: log D / (1 - D) is LSE of the classes' logits.
  """
  if heads is None:
    return dense(1, trained=True)(x)[:, 0]
  told = {name: dense(n, trained=True, name=name)(x) for name, n in heads.items()}
  logit = (
    logsumexp(told['classes'], axis=1) if 'classes' in told else dense(1, trained=True)(x)[:, 0]
  )
  features = hidden[-1].reshape(x.shape[0], -1)
  return {'logit': logit, 'features': features, 'hidden': tuple(hidden), **told}
