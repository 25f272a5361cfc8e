"""Features of a convolutional network that was never trained: for any images, with no download.

What random filters respond to, at several scales, tells images of one kind from those of another
well enough to see a generator collapse (Naeem et al. 2020 use a random VGG).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.features.extractor import Extractor, named
from gan_jax.game import Array

SMALLEST = 4  # pixels a side, below which an image is not halved again


def random_conv(*, seed: int = 0, widths: tuple[int, ...] = (16, 24, 32)) -> Extractor:
  """'features' f32[B,D]: the mean and the deviation over the image of each channel of each level.

  A level is 3x3 filters, a rectifier, and averages over 2x2 pixels, as long as 4 a side are left;
  grey images are shown as colour. With the widths as they are D is 144. The weights depend on seed
  and widths alone.
  """
  rng = np.random.default_rng(seed)
  weights, before = [], 3
  for width in widths:
    kernel = rng.normal(size=(3, 3, before, width)) * np.sqrt(2 / (9 * before))
    weights.append(kernel.astype(np.float32))
    before = width
  return Extractor(named(f'random_conv:{seed}', weights), weights, _responses)


def _responses(weights: Any, images: Array) -> dict[str, Array]:
  x = images.astype(jnp.float32) / 127.5 - 1
  x = jnp.broadcast_to(x[..., :3], (*x.shape[:3], 3))
  out = []
  for kernel in weights:
    x = jax.lax.conv_general_dilated(
      x, kernel, (1, 1), 'SAME', dimension_numbers=('NHWC', 'HWIO', 'NHWC'), precision='highest'
    )
    x = jax.nn.relu(x)
    out += [jnp.mean(x, (1, 2)), jnp.std(x, (1, 2))]
    if min(x.shape[1:3]) >= 2 * SMALLEST:
      b, h, w, c = x.shape
      x = x[:, : h // 2 * 2, : w // 2 * 2].reshape(b, h // 2, 2, w // 2, 2, c).mean((2, 4))
  return {'features': jnp.concatenate(out, axis=1)}
