"""Residual networks of SNGAN (Miyato et al. 2018), for CIFAR-10 and any size b·2ⁿ.

As in pfnet-research/sngan_projection: BatchNorm with eps 2e-5 in the generator, none in the
discriminator, whose weights are meant to be divided by their spectral norm (`spectral_norm`);
Glorot's uniform initialisation with gain sqrt(2) in the residual branch and 1 elsewhere.

With classes they are those of cGANs with projection (Miyato & Koyama 2018): each class has scales
and biases of its own in the generator's blocks, and the discriminator adds <V y, phi(x)>.
"""

from functools import partial
from typing import Any

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.nets.conditional import batch_norm, projected
from gan_jax.nets.layers import BatchNorm, Conv, Dense, Heads, activation, verdict
from gan_jax.nets.pyramid import halvings
from gan_jax.ops.pool import mean_pool, upsample

GLOROT = nn.initializers.glorot_uniform()
RESIDUAL = nn.initializers.variance_scaling(2.0, 'fan_avg', 'uniform')  # gain sqrt(2)

conv3 = partial(Conv, size=3, stride=1, kernel_init=RESIDUAL)
conv1 = partial(Conv, size=1, stride=1, kernel_init=GLOROT)


class Up(nn.Module):
  """A block of twice the size: norm, ReLU, twice the size, 3x3; norm, ReLU, 3x3."""

  features: int
  classes: int = 0
  epsilon: float = 2e-5

  @nn.compact
  def __call__(self, x: Array, label: Array | None = None) -> Array:
    """x f32[B,H,W,C] (and label i32[B]) -> f32[B,2H,2W,features]."""
    y = upsample(nn.relu(batch_norm(x, label, self.classes, self.epsilon)))
    y = nn.relu(batch_norm(conv3(self.features)(y), label, self.classes, self.epsilon))
    # A 1x1 convolution commutes with repeating pixels and is four times cheaper before it.
    return conv3(self.features)(y) + upsample(conv1(self.features)(x))


class Down(nn.Module):
  """A block of half the size: ReLU, 3x3, ReLU, 3x3, mean."""

  features: int

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,H,W,C] -> f32[B,H/2,W/2,features]."""
    y = conv3(self.features)(nn.relu(x))
    y = conv3(self.features)(nn.relu(y))
    # Here too the 1x1 convolution may come after the mean.
    return mean_pool(y) + conv1(self.features)(mean_pool(x))


class First(nn.Module):
  """The block that sees the image, which no ReLU precedes: 3x3, ReLU, 3x3, mean."""

  features: int

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """image f32[B,H,W,C] -> f32[B,H/2,W/2,features]."""
    y = nn.relu(conv3(self.features)(x))
    return mean_pool(conv3(self.features)(y)) + conv1(self.features)(mean_pool(x))


class Same(nn.Module):
  """A block that keeps size and features: ReLU, 3x3, ReLU, 3x3."""

  @nn.compact
  def __call__(self, x: Array) -> Array:
    """x f32[B,H,W,C] -> the same shape."""
    y = conv3(x.shape[-1])(nn.relu(x))
    return conv3(x.shape[-1])(nn.relu(y)) + x


class Generator(nn.Module):
  """One `Up` block per doubling, all of one width: 32 = 4·2³, 48 = 3·2⁴."""

  shape: tuple[int, int, int]
  width: int = 256
  stages: int | None = None
  output: str = 'tanh'
  classes: int = 0
  epsilon: float = 2e-5  # of every BatchNorm

  @nn.compact
  def __call__(self, z: Array, label: Array | None = None) -> Array:
    """z f32[B,Z] (and label i32[B]) -> image f32[B,*shape], in [-1, 1] for 'tanh'."""
    (h, w), stages = halvings(self.shape, self.stages)
    x = Dense(h * w * self.width, kernel_init=GLOROT)(z).reshape(-1, h, w, self.width)
    for _ in range(stages):
      x = Up(self.width, self.classes, self.epsilon)(x, label)
    x = nn.relu(BatchNorm(self.epsilon)(x))  # the authors' last norm knows no class
    return activation(self.output)(conv3(self.shape[-1], kernel_init=GLOROT)(x))


class Discriminator(nn.Module):
  """`First`, more `Down` blocks, blocks that keep the size, and the sum over all positions phi."""

  width: int = 128
  halved: int = 2  # 32 -> 8 by default
  kept: int = 2
  classes: int = 0
  heads: Heads | None = None

  @nn.compact
  def __call__(self, x: Array, label: Array | None = None) -> Any:
    """image f32[B,H,W,C] (and label i32[B]) -> logit f32[B], or with heads `layers.verdict`."""
    halvings(x.shape[1:], self.halved)  # refuses a size that cannot be halved so often
    hidden = trunk(x, self.width, self.halved, self.kept)
    phi = nn.relu(hidden[-1]).sum((1, 2))
    out = verdict([*hidden, phi], self.heads, GLOROT, use_bias=False)
    return projected(out, phi, label, self.classes)


def trunk(x: Array, width: int, halved: int, kept: int) -> list[Array]:
  """image f32[B,H,W,C] -> what each block of a discriminator makes of it."""
  hidden = [First(width)(x)]
  for _ in range(halved - 1):
    hidden.append(Down(width)(hidden[-1]))
  for _ in range(kept):
    hidden.append(Same()(hidden[-1]))
  return hidden
