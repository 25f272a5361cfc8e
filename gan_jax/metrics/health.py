"""How samples are, from a few hundred of them: cheap enough to look at again and again."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.metrics.frechet import distance, moments
from gan_jax.metrics.look import look
from gan_jax.sampling import Sampler


def health(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 256,
  split: str = 'train',
  features: Any = 'random_conv',
) -> Mapping[str, Any]:
  """The eval {'health', 'diversity'}, by what a random network sees of n images of each kind.

  'health' is the Frechet distance from real images: its course tells, not its size. 'diversity' is
  the mean square distance between two samples, divided by that between two real images: 0 of a
  generator that has collapsed to one image, 1 of a good one.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  real, fake = (moments(seen.features) for seen in (a.real, a.fake))
  spread = [
    float(np.sum(np.var(seen.features, axis=0, dtype=np.float64))) for seen in (a.fake, a.real)
  ]
  return {
    'health': distance(real, fake),
    'diversity': spread[0] / max(spread[1], 1e-12),
    'protocol': a.protocol,
  }
