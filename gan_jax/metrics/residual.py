"""Detail: how much of an image is lost by halving it, in samples and in real images."""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from gan_jax.data.pyramid import doubled, shrunk
from gan_jax.sampling import Sampler


def residual(
  sampler: Sampler, source: Callable, key: jax.Array, *, n: int = 1000, split: str | None = None
) -> Mapping[str, float]:
  """{'drawn', 'real'}: the mean of |x - u(d(x))| over n images, in grey levels of 0..255.

  Blurred samples have less than real images have, noisy ones more.
  """
  real = (source(split) if split else source()).arrays['image'][:n]
  drawn = sampler.display(sampler.draw(key, n))
  return {'drawn': detail(drawn), 'real': detail(np.asarray(real))}


def detail(images: np.ndarray) -> float:
  """uint8[N,H,W,C] -> the mean of |x - u(d(x))|."""
  lost = images.astype(np.float32) - doubled(shrunk(images, 1))
  return float(np.mean(np.abs(lost)))
