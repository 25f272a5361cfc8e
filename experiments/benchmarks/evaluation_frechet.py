"""The Frechet step and the kernel distance against torch-fidelity and pytorch-fid.

python experiments/benchmarks/evaluation_frechet.py
python experiments/benchmarks/evaluation_frechet.py --wide=256 --many=2000 --few=100 --repeats=1

All contenders share one process and its features, f32[n,wide], and take turns in an order that
turns round; medians, with the least and the greatest. The second set is the first one through a
symmetric positive map, x -> a x + b, so that the distance is known: |m1 - m2|^2 + sum (1 - a)^2
var(x), computed in long double; errors are relative to it. "Step" is from statistics to the number,
"whole" from features to the number. Needs torch-fidelity and pytorch-fid.
"""

import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import machine
import numpy as np
from absl import app, flags

_WIDE = flags.DEFINE_integer('wide', 2048, 'Features of each image.')
_MANY = flags.DEFINE_integer('many', 10_000, 'Images of each kind, more than features.')
_FEW = flags.DEFINE_integer('few', 1000, 'Images of each kind, fewer than features.')
_REPEATS = flags.DEFINE_integer('repeats', 5, 'Turns that each contender takes.')
_SUBSETS = flags.DEFINE_integer('subsets', 100, "Of the kernel distance's.")
_SIZE = flags.DEFINE_integer('size', 1000, 'Images of each of these.')

OURS = 'gan_jax'
HEAD = '| | seconds | over gan_jax | relative error | value |\n|---|--:|--:|--:|--:|'


class Contender(NamedTuple):
  """Two halves of one number: of features f32[N,D], and of two sets' statistics."""

  gathered: Callable[[np.ndarray], Any]
  distance: Callable[[Any, Any], float]


class Took(NamedTuple):
  """What the turns of one contender came to."""

  seconds: list[float]
  value: float


def contenders() -> dict[str, Contender]:
  """gan_jax and its rivals."""
  _mend_torchvision()
  from pytorch_fid.fid_score import calculate_frechet_distance
  from torch_fidelity import metric_fid

  from gan_jax.metrics.frechet import distance
  from gan_jax.metrics.moments import moments

  of = lambda stats: (stats['mu'], stats['sigma'])
  # Both would take the mean of float32 features in float32.
  gathered = lambda x: {'mu': x.mean(0, dtype=np.float64), 'sigma': np.cov(x, rowvar=False)}
  return {
    OURS: Contender(moments, distance),
    'torch-fidelity': Contender(
      gathered,
      lambda a, b: metric_fid.fid_statistics_to_metric(a, b, False)[metric_fid.KEY_METRIC_FID],
    ),
    'pytorch-fid': Contender(
      gathered, lambda a, b: float(calculate_frechet_distance(*of(a), *of(b)))
    ),
  }


def pair(n: int, wide: int) -> tuple[np.ndarray, np.ndarray, float]:
  """Features like a network's, not below 0 and with few strong directions; their distance."""
  rng = np.random.default_rng(0)
  strength = np.arange(1, wide + 1) ** -0.5
  turned = np.linalg.qr(rng.standard_normal((wide, wide)))[0] * wide**0.5
  x = np.maximum((rng.standard_normal((n, wide)) * strength) @ turned + 0.5, 0)
  x = np.round(x * 1024).astype(np.float32) / 1024  # a x + b is then exact
  a = rng.integers(6, 11, wide).astype(np.float32) / 8
  b = rng.integers(-4, 5, wide).astype(np.float32) / 64
  long = x.astype(np.longdouble)
  gap = (a - 1).astype(np.longdouble) * long.mean(0) + b
  known = np.sum(gap**2) + np.sum((1 - a.astype(np.longdouble)) ** 2 * np.var(long, 0, ddof=1))
  return x, x * a + b, float(known)


def turns(jobs: dict[str, Callable[[], float]], repeats: int) -> dict[str, Took]:
  """Each job's turns; they alternate."""
  found = {name: Took([], job()) for name, job in jobs.items()}  # warm
  for i in range(repeats):
    for name in list(jobs)[:: -1 if i % 2 else 1]:
      began = time.perf_counter()
      jobs[name]()
      found[name].seconds.append(time.perf_counter() - began)
  return found


def table(title: str, found: dict[str, Took], known: float | None = None) -> str:
  """Markdown."""
  rows = []
  for name, took in found.items():
    least, most = min(took.seconds), max(took.seconds)
    over = statistics.median(took.seconds) / statistics.median(found[OURS].seconds)
    error = '' if known is None else f'{abs(took.value - known) / known:.1e}'
    seconds = f'{statistics.median(took.seconds):.3g} ({least:.3g} to {most:.3g})'
    rows.append(f'| {name} | {seconds} | {over:.2f} | {error} | {took.value:.10g} |')
  return '\n'.join([f'## {title}', '', HEAD, *rows, ''])


def frechet(n: int) -> None:
  """The step, and the whole."""
  x, y, known = pair(n, _WIDE.value)
  rivals = contenders()
  kept = {name: [c.gathered(v) for v in (x, y)] for name, c in rivals.items()}
  size = f'{n:,} x {_WIDE.value}'
  step = {name: lambda c=c, s=kept[name]: c.distance(*s) for name, c in rivals.items()}
  print(table(f'Frechet step, {size}', turns(step, _REPEATS.value), known), flush=True)
  whole = {
    name: lambda c=c: c.distance(*(c.gathered(v) for v in (x, y))) for name, c in rivals.items()
  }
  print(table(f'Frechet, whole, {size}', turns(whole, _REPEATS.value), known), flush=True)


def kernel(n: int) -> None:
  """Subsets, the same ones, and all pairs."""
  _mend_torchvision()
  import torch
  from torch_fidelity import metric_kid

  from gan_jax.metrics.discrepancy import discrepancy, subsets
  from gan_jax.metrics.kernel import drawn_subsets
  from gan_jax.metrics.kernel_sums import polynomial

  x, y, _ = pair(n, _WIDE.value)
  count, size = _SUBSETS.value, min(_SIZE.value, n)
  given = dict(kid_subsets=count, kid_subset_size=size, verbose=False)
  theirs = lambda: metric_kid.kid_features_to_metric(
    torch.from_numpy(x), torch.from_numpy(y), **given
  )[metric_kid.KEY_METRIC_KID_MEAN]
  ours = lambda: float(
    np.mean(subsets(x, y, polynomial(), drawn_subsets(len(x), len(y), size, count)))
  )
  whole = lambda: discrepancy(x, y, polynomial()).unbiased
  jobs = {OURS: ours, f'{OURS}, all pairs': whole, 'torch-fidelity': theirs}
  title = f'Kernel distance, {count} subsets of {size} of {n:,} x {_WIDE.value}'
  print(table(title, turns(jobs, _REPEATS.value)))
  found = discrepancy(x, y, polynomial())
  print(f'Of all pairs: {found.unbiased:.10g}, standard error {found.stderr:.2g}.\n', flush=True)


def _mend_torchvision() -> None:
  """Declares the operators that torchvision asks for, which a CPU build of torch cannot load."""
  import torch

  if not hasattr(torch.ops.torchvision, 'nms'):
    library = _KEPT.setdefault('library', torch.library.Library('torchvision', 'DEF'))
    for name in ('nms', 'qnms'):
      library.define(f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')


_KEPT: dict[str, Any] = {}  # a library that is forgotten takes its operators with it


def main(argv: list[str]) -> None:
  """Prints the tables as they come."""
  del argv
  warnings.simplefilter('ignore')
  try:
    contenders()
  except ImportError as error:
    raise SystemExit(f'{error}; pip install torch-fidelity pytorch-fid') from None
  print(f'# Frechet and kernel distances\n\n{machine.described()}\n', flush=True)
  frechet(_MANY.value)
  frechet(_FEW.value)
  kernel(_MANY.value)


if __name__ == '__main__':
  app.run(main)
