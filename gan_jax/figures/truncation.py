"""Truncated z (Brock et al. 2019): samples become better, and more alike, the less z may vary.

So it is where G takes it well. G stays the function that it is, with BatchNorm's statistics of
whole draws: a DCGAN, whose first norm follows the projection of z, draws nothing for small z, and
statistics found anew for each threshold would scale the truncation away again (on `dcgan_mnist`:
precision .53 to .55 at any threshold).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from gan_jax import narrowed
from gan_jax.errors import InputError
from gan_jax.figures.grids import grid
from gan_jax.metrics import charts, look
from gan_jax.metrics.manifold import hits, shares
from gan_jax.sampling import Sampler

THRESHOLDS = 0.5, 0.75, 1.0, 1.5, 2.0, 3.0  # of a normal z, in deviations


def truncation(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  thresholds: Sequence[float] = THRESHOLDS,
  columns: int = 10,
  zoom: int = 0,
) -> Mapping[str, np.ndarray]:
  """{'truncation': uint8[H,W,C]}: a row for each threshold, least first; a column has one z.

  Raises InputError for a prior that cannot be truncated, or a generator of points.
  """
  rows = [look.drawn(narrowed.truncated(sampler, t), key, columns) for t in thresholds]
  if rows[0].dtype != np.uint8:
    raise InputError(f'truncation is shown as images; this G draws points {rows[0].shape[1:]}.')
  return {'truncation': grid(np.concatenate(rows), columns, zoom)}


def truncation_sweep(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  thresholds: Sequence[float] = THRESHOLDS,
  n: int = 2000,
  features: Any = 'random_conv',
  split: str = 'train',
  k: int = 3,
) -> Mapping[str, Any]:
  """{'truncation_sweep': uint8[H,W,3], 'precision_<t>', 'recall_<t>', ...}: what each t costs.

  Precision and recall (metrics.manifold) of n samples against n images of the split, at each
  threshold: the one rises as the other falls.
  """
  found = []
  for threshold in thresholds:
    a = look.look(
      narrowed.truncated(sampler, threshold), source, key, features=features, n=n, split=split
    )
    found.append(shares(hits(a.real.features, a.fake.features, k=k)))
  x = np.asarray(thresholds, float)
  lines = [
    charts.Line(name, x, np.array([f[name] for f in found])) for name in ('precision', 'recall')
  ]
  numbers = {
    f'{line.name}_{t:g}': float(y) for line in lines for t, y in zip(x, line.y, strict=True)
  }
  protocol = dict(features=look.built(features, source).name, n_fake=n, split=split, k=k)
  return {
    'truncation_sweep': charts.chart(lines, 'threshold of z', 'share'),
    **numbers,
    'protocol': {**protocol, **sampler.facts},
  }
