"""Autoencoders, the discriminators of EBGAN and BEGAN: an encoder, a code, and a decoder.

A decoder is a generator with the code for noise, so the two are put together from what there is.
"""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.nets import dcgan, plain
from gan_jax.nets.encoders import Perceptron, Point, Pyramid


class Autoencoder(nn.Module):
  """What the decoder makes of the encoder's code."""

  encoder: nn.Module  # image f32[B,...] -> f32[B,Z]
  decoder: nn.Module  # f32[B,Z] -> image f32[B,...]

  @nn.compact
  def __call__(self, x: Array) -> dict[str, Array]:
    """image f32[B,...] -> {'image': its reconstruction, 'code': f32[B,Z]}."""
    code = self.encoder(x)
    return {'image': self.decoder(code), 'code': code}


def perceptron(
  shape: Sequence[int], hidden: Sequence[int] = (512,), dim: int = 256, output: str = 'sigmoid'
) -> Autoencoder:
  """Dense ReLU layers down to a linear code, and the same sizes up again."""
  up = plain.Generator(tuple(shape), hidden=tuple(hidden)[::-1], output=output)
  return Autoencoder(Point(dim, Perceptron(tuple(hidden))), up)


def pyramid(
  shape: tuple[int, int, int],
  width: int = 64,
  stages: int | None = None,
  dim: int = 256,
  norm: str = 'batch',
  output: str = 'tanh',
) -> Autoencoder:
  """DCGAN's two networks, the discriminator's way down to a linear code before the generator's."""
  fields: dict[str, Any] = dict(width=width, stages=stages, norm=norm)
  up = dcgan.Generator(shape, output=output, **fields)
  return Autoencoder(Point(dim, Pyramid(**fields)), up)
