"""Is a sample new, or next to a training image? One verdict for each (Alaa et al. 2022, sec. 4.3).

A sample is authentic if the training image nearest to it has a nearer one among its own kind. The
share of those, in percent, is AuthPct. Of honest samples more than half are, of copies none.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.metrics import pairwise
from gan_jax.metrics.look import look
from gan_jax.metrics.nearest import nearest, nearest_others
from gan_jax.sampling import Sampler


def authentic(train: np.ndarray, fake: np.ndarray) -> np.ndarray:
  """Features train f[N,D], fake f[M,D] -> bool[M]: whether d(t, train less t) < d(fake, t).

  t is the training image that is nearest to the sample.
  """
  train, fake = pairwise.flat(train, 'training features'), pairwise.flat(fake, 'samples')
  own = nearest_others(train).square[:, 0]
  square, row = nearest(fake, train)
  return own[row[:, 0]] < square[:, 0]


def authenticity(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  train_n: int = 50_000,
) -> Mapping[str, Any]:
  """The eval {'authenticity', 'stderr'}: the share of n samples that are authentic, in [0, 1].

  Against up to `train_n` training images: copies of others are not noticed. The error is binomial.
  """
  a = look(sampler, source, key, features=features, n=n, split=split, real_n=train_n)
  share = authentic(a.real.features, a.fake.features)
  stderr = float(np.std(share) / np.sqrt(len(share)))
  return {'authenticity': float(np.mean(share)), 'stderr': stderr, 'protocol': a.protocol}
