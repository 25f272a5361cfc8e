"""How typical samples are, and how much of what is typical they cover (Alaa et al. 2022, sec. 3-4).

alpha-precision: the share of samples within the smallest ball around the mean of the real images
that holds a share alpha of these. beta-recall: the share of real images that have a sample nearby,
of the share beta of such samples that are nearest to the mean of all. Both are diagonals where the
two distributions are one; what is reported is how far they are from that, over all alpha and beta.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.metrics import pairwise
from gan_jax.metrics.look import look
from gan_jax.metrics.nearest import nearest, nearest_others
from gan_jax.sampling import Sampler

SHARES = np.linspace(0, 1, 30)  # the alphas and betas, the authors' own


class Curves(NamedTuple):
  """At each of `SHARES`, f64[30]."""

  precision: np.ndarray
  recall: np.ndarray


def curves(real: np.ndarray, fake: np.ndarray, *, k: int = 5) -> Curves:
  """Features real f[N,D], fake f[M,D] -> Curves.

  A sample is near a real image if it is no further than its k-th nearest real one. The authors' own
  code has k=1, with which half of the real images have none where the distributions are one. In the
  features as they are: of the hypersphere into which the authors embed them we make no use.
  """
  real, fake = pairwise.flat(real, 'real features'), pairwise.flat(fake, 'features of samples')
  centre, middle = (np.mean(v, axis=0, dtype=np.float64) for v in (real, fake))
  from_centre = lambda v, c: np.linalg.norm(np.asarray(v, np.float64) - c, axis=1)
  radii = np.quantile(from_centre(real, centre), SHARES)
  square, row = nearest(real, fake)
  near = square[:, 0] <= nearest_others(real, k).square[:, -1]
  reach = from_centre(fake, middle)
  of_nearest = reach[row[:, 0]]
  typical = np.quantile(of_nearest, SHARES)
  return Curves(
    np.mean(from_centre(fake, centre) <= radii[:, None], axis=1),
    np.mean(near & (of_nearest <= typical[:, None]), axis=1),
  )


def integrated(curve: np.ndarray) -> float:
  """1 - 2 times the area between a curve f64[30] and the diagonal: 1 on it, 0 furthest from it."""
  return float(1 - 2 * np.sum(np.abs(curve - SHARES)) * (SHARES[1] - SHARES[0]))


def alpha_beta(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  k: int = 5,
) -> Mapping[str, Any]:
  """The eval {'alpha_precision', 'beta_recall'}, both `integrated`, of n samples and n images."""
  a = look(sampler, source, key, features=features, n=n, split=split)
  found = curves(a.real.features, a.fake.features, k=k)
  return {
    'alpha_precision': integrated(found.precision),
    'beta_recall': integrated(found.recall),
    'protocol': {**a.protocol, 'k': k},
  }
