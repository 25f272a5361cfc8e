"""Precision against recall of distributions, as a curve (Sajjadi et al. 2018).

All pairs (alpha, beta) such that a share alpha of the samples' distribution and a share beta of the
real one can be one distribution. Both are made discrete by clustering all images together.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics import pairwise
from gan_jax.metrics.charts import Line, chart
from gan_jax.metrics.look import look
from gan_jax.sampling import Sampler

ANGLES = 1001
EDGE = 1e-10  # how near to 0 and to a right angle the curve goes


class Curve(NamedTuple):
  """At `ANGLES` angles from the axis of precision to that of recall, f64[A] each."""

  precision: np.ndarray
  recall: np.ndarray


def curve(fake: np.ndarray, real: np.ndarray, angles: int = ANGLES) -> Curve:
  """Counts or proportions f[K] of the states -> Curve.

  alpha(l) = sum_k min(l real_k, fake_k), beta(l) = alpha(l) / l (eqs. 5 and 6), l the tangents of
  angles that are evenly spaced.
  """
  p, q = (np.asarray(x, np.float64) / np.sum(x) for x in (fake, real))
  if p.shape != q.shape or p.ndim != 1:
    raise InputError(f'distributions over {p.shape} and {q.shape} states cannot be compared.')
  ratio = np.tan(np.linspace(EDGE, np.pi / 2 - EDGE, angles))
  precision = np.minimum(ratio[:, None] * q, p).sum(axis=1)
  return Curve(np.minimum(precision, 1), np.minimum(precision / ratio, 1))


def f_score(of: Curve, beta: float) -> float:
  """max (1 + beta^2) P R / (beta^2 P + R) on the curve: recall's if beta > 1, precision's below."""
  numerator = (1 + beta**2) * of.precision * of.recall
  return float(np.max(numerator / (beta**2 * of.precision + of.recall + EDGE)))


def clustered(
  fake: np.ndarray, real: np.ndarray, k: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
  """Features [N,D] twice -> (fakes i64[k], real ones i64[k]) in each of k clusters of them all."""
  from sklearn.cluster import MiniBatchKMeans
  from threadpoolctl import threadpool_limits  # comes with scikit-learn

  fake, real = pairwise.flat(fake, 'features of samples'), pairwise.flat(real, 'real features')
  if len(fake) != len(real) or len(fake) < k:
    raise InputError(
      f'as many samples as real images are to be clustered together, {k} or more of each, not '
      f'{len(fake):,} and {len(real):,}: more of one kind would draw the clusters to it.'
    )
  both = np.concatenate([fake, real])
  model = MiniBatchKMeans(k, n_init=10, batch_size=min(1024, len(both)), random_state=seed)
  with threadpool_limits(1):  # so small are the batches that more threads wait for each other
    label = model.fit(both).labels_
  of = lambda rows: np.bincount(rows, minlength=k)
  return of(label[: len(fake)]), of(label[len(fake) :])


def prd(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  k: int = 20,
  runs: int = 10,
) -> Mapping[str, Any]:
  """The eval: {'prd': the best F_1, 'f8', 'f1_8', 'f8_sd', 'f1_8_sd', 'curve': a picture}.

  Of the mean curve of `runs` clusterings into k, as the authors have it: F_8 is recall's, F_1/8
  precision's. Deviations are those between clusterings, whose seeds are 0, 1, ....
  """
  n = min(n, len(source(split)))
  a = look(sampler, source, key, features=features, n=n, split=split)
  both = np.asarray(a.fake.features, np.float32), np.asarray(a.real.features, np.float32)
  found = [curve(*clustered(*both, k, seed)) for seed in range(runs)]
  whole = Curve(*(np.mean(values, axis=0) for values in zip(*found, strict=True)))
  spread = lambda beta: float(np.std([f_score(one, beta) for one in found]))
  line = Line('samples', whole.recall, whole.precision)
  return {
    'prd': f_score(whole, 1),
    'f8': f_score(whole, 8),
    'f1_8': f_score(whole, 1 / 8),
    'f8_sd': spread(8),
    'f1_8_sd': spread(1 / 8),
    'curve': chart([line], 'recall', 'precision', limits=(0, 1.02)),
    'protocol': {**a.protocol, 'clusters': k, 'runs': runs, 'angles': ANGLES},
  }
