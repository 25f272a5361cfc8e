"""The denoising autoencoder whose code is a hash (Radford et al. 2016, section 4.1.1)."""

import flax.linen as nn

from gan_jax.game import Array
from gan_jax.nets.layers import Dense, Dropout


class Denoising(nn.Module):
  """One layer of ReLUs between an image and its reconstruction, 3072-128-3072 in the paper.

  Handed a key, dropout falls on the image, which makes it noisy, and on the code.
  """

  dim: int = 128
  input_keep: float = 0.5
  keep: float = 0.5

  @nn.compact
  def __call__(self, x: Array) -> dict[str, Array]:
    """x f32[B,...] -> {'image': f32[B,...], 'code': f32[B,dim], at least 0}."""
    flat = x.reshape(len(x), -1)
    code = nn.relu(Dense(self.dim)(Dropout(self.input_keep)(flat)))
    image = Dense(flat.shape[1])(Dropout(self.keep)(code))
    return {'image': image.reshape(x.shape), 'code': code}
