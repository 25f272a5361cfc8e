"""Metrics of pairs: precision to coverage against the package `prdc`, and the Parzen protocol.

python experiments/benchmarks/evaluation_pairs.py --mnist=FOLDER
python experiments/benchmarks/evaluation_pairs.py --n=1000 --wide=64 --repeats=1     (to try it)

All four numbers of --n x --wide normal features, real and drawn, by gan_jax (with realism besides)
and by `prdc` take turns, each in a process of its own that waits while the other works; then ours
of twice as many, for its memory, and the likelihood of MNIST under 10,000 training images, by the
authors' protocol, from images as they are stored. Medians, with the least and the greatest; memory
is how far the peak rises above what imports and features take.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import machine
import numpy as np
from absl import app, flags

_N = flags.DEFINE_integer('n', 10_000, 'Images of each kind.')
_WIDE = flags.DEFINE_integer('wide', 2048, 'Features of each image.')
_REPEATS = flags.DEFINE_integer('repeats', 3, 'Turns that each contender takes.')
_MNIST = flags.DEFINE_string('mnist', None, 'The folder of its IDX files; without, no Parzen.')
_WORKER = flags.DEFINE_string('worker', None, 'A contender to be, instead of comparing them.')

Turn = Callable[[int], tuple[float, ...]]  # with so many of the features or images -> values
NAMES = ('precision', 'recall', 'density', 'coverage')


class Took(NamedTuple):
  """One turn."""

  seconds: float
  memory: float  # MiB that the peak of all turns so far is above what was there before the first
  values: tuple[float, ...]


def ours() -> Turn:
  """All four numbers by gan_jax, and the realism of each image."""
  from gan_jax.metrics.manifold import hits, shares

  real, fake = features()

  def turn(m: int) -> tuple[float, ...]:
    found = shares(hits(real[:m], fake[:m], k=5, near=5))
    return tuple(found[name] for name in NAMES)

  return turn


def prdc() -> Turn:
  """All four by Naeem et al.'s own package, whose radius is the same for all."""
  from prdc import compute_prdc

  real, fake = features()

  def turn(m: int) -> tuple[float, ...]:
    found = compute_prdc(real[:m], fake[:m], nearest_k=5)
    return tuple(float(found[name]) for name in NAMES)

  return turn


def likelihood() -> Turn:
  """The whole protocol, on stored images: scaling, ten widths on 1,000, one on 10,000."""
  from gan_jax.data.mnist import mnist
  from gan_jax.metrics.parzen import estimate

  stored = [
    mnist(split, folder=_MNIST.value).arrays['image']
    for split in ('train[:10000]', 'train[50000:51000]', 'test')
  ]

  def turn(m: int) -> tuple[float, ...]:
    scaled = [image[:m].astype(np.float32) / 255 for image in stored]
    found = estimate(*scaled)
    return found.sigma, found.mean, found.stderr

  return turn


def features() -> list[np.ndarray]:
  """Real and drawn, f32[n,wide] each."""
  rng = np.random.default_rng(0)
  return [rng.standard_normal((_N.value, _WIDE.value), np.float32) for _ in range(2)]


def work() -> None:
  """A contender's process: warms up on 100 rows, then answers each line with a `Took`."""
  answers = os.fdopen(os.dup(1), 'w', buffering=1)
  os.dup2(2, 1)  # what libraries print goes to stderr
  turn = dict(ours=ours, prdc=prdc, likelihood=likelihood)[_WORKER.value]()
  turn(100)
  peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
  before = peak()
  print('ready', file=answers)
  for _ in sys.stdin:
    began = time.perf_counter()
    values = turn(_N.value)
    print(json.dumps([time.perf_counter() - began, peak() - before, values]), file=answers)


def start(name: str, n: int) -> subprocess.Popen:
  """The process of a contender, warm."""
  given = dict(worker=name, n=n, wide=_WIDE.value, mnist=_MNIST.value or '')
  command = [sys.executable, __file__, *(f'--{flag}={value}' for flag, value in given.items())]
  pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
  worker = subprocess.Popen(command, text=True, **pipes)
  if worker.stdout.readline() != 'ready\n':
    raise SystemExit(f'{name} does not start; to see why: {" ".join(command)}')
  return worker


def turns(repeats: int, n: int, *names: str) -> list[list[Took]]:
  """Each contender's turns; they alternate."""
  workers = [start(name, n) for name in names]
  found: list[list[Took]] = [[] for _ in workers]
  for i in range(repeats):
    for j in range(len(workers))[:: -1 if i % 2 else 1]:
      print('go', file=workers[j].stdin, flush=True)
      found[j].append(Took(*json.loads(workers[j].stdout.readline())))
  for worker in workers:
    worker.stdin.close()
    worker.wait()
  return found


def row(title: str, took: list[Took], against: list[Took] | None = None) -> str:
  """A line of the table."""
  seconds = [one.seconds for one in took]
  ratio = ''
  if against:
    single = [b.seconds / a.seconds for a, b in zip(took, against, strict=True)]
    median = statistics.median(b.seconds for b in against) / statistics.median(seconds)
    ratio = f'{median:.2f} ({min(single):.2f} to {max(single):.2f})'
  values = ' '.join(f'{v:.7g}' for v in took[-1].values)
  spread = f'{statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})'
  return f'| {title} | {spread} | {took[-1].memory:,.0f} | {ratio} | {values} |'


def main(argv: list[str]) -> None:
  """Prints the table as it grows."""
  del argv
  if _WORKER.value:
    return work()
  n, wide, repeats = _N.value, _WIDE.value, _REPEATS.value
  print(f'{machine.described()}\n')
  print('| case | seconds | memory, MiB | time of prdc over it | values |\n|---|--:|--:|--:|---|')
  us, them = turns(repeats, n, 'ours', 'prdc')
  print(row(f'gan_jax, {n:,} x {wide}', us, them))
  print(row(f'prdc, {n:,} x {wide}', them), flush=True)
  print(row(f'gan_jax, {2 * n:,} x {wide}', *turns(1, 2 * n, 'ours')), flush=True)
  if _MNIST.value:
    (took,) = turns(repeats, 10_000, 'likelihood')
    print(row('Parzen, MNIST: sigma, nats, stderr', took))


if __name__ == '__main__':
  app.run(main)
