"""Convolutions one by one: XLA's own, its transposes, and what `gan_jax.ops` does instead on CPU.

  python experiments/benchmarks/convolutions.py --batch=64

For each layer of the networks that the tables train, milliseconds of the convolution (down), of its
derivative in the image (up) and in the kernel (taps); medians over turns.
"""

import argparse
import statistics
import time

import jax
import jax.numpy as jnp

from gan_jax.ops import bilinear, matrix, native
from gan_jax.ops.geometry import Geometry

ONE, SAME = ((1, 1), (1, 1)), ((1, 2), (1, 2))
LAYERS = {  # size, kernel, stride, padding, channels in and out
  'DCGAN-64, 1': (64, 4, 2, ONE, 3, 64),
  'DCGAN-64, 2': (32, 4, 2, ONE, 64, 128),
  'DCGAN-64, 3': (16, 4, 2, ONE, 128, 256),
  'DCGAN-64, 4': (8, 4, 2, ONE, 256, 512),
  'DCGAN-28, 2': (14, 4, 2, ONE, 64, 128),
  'WGAN-GP, 2': (16, 5, 2, SAME, 128, 256),
  'WGAN-GP, 3': (8, 5, 2, SAME, 256, 512),
  'ResNet, 16x16': (16, 3, 1, ONE, 128, 128),
  'ResNet, 8x8': (8, 3, 1, ONE, 256, 256),
}


def milliseconds(form, g: Geometry, *arrays, turns: int) -> float:
  """The median of some turns of the compiled map."""
  run = jax.jit(lambda *given: form(g, *given))
  jax.block_until_ready(run(*arrays))
  took = []
  for _ in range(turns):
    began = time.perf_counter()
    jax.block_until_ready(run(*arrays))
    took.append(time.perf_counter() - began)
  return 1e3 * statistics.median(took)


def main() -> None:
  """Prints the table."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--batch', type=int, default=64)
  parser.add_argument('--turns', type=int, default=7)
  parser.add_argument('--precision', default='float32', choices=('float32', 'bfloat16'))
  args = parser.parse_args()
  print(f'batch {args.batch}, {args.precision}, milliseconds: XLA / here\n')
  print('| layer | GFLOP | down | up | taps | short form |\n|---|--:|--:|--:|--:|---|')
  for name, (size, k, s, pads, inputs, outputs) in LAYERS.items():
    g = Geometry.of((size, size), (k, k), (s, s), pads)
    keys = jax.random.split(jax.random.key(0), 3)
    shapes = (size, size, inputs), (*g.small, outputs)
    x, y = (jax.random.normal(i, (args.batch, *at)) for i, at in zip(keys[:2], shapes, strict=True))
    w = 0.02 * jax.random.normal(keys[2], (k, k, inputs, outputs))
    x, y, w = (a.astype(jnp.dtype(args.precision)) for a in (x, y, w))
    flops = 2 * y.size * k * k * inputs / 1e9
    cells = []
    for part, given in dict(down=(x, w), up=(y, w), taps=(x, y)).items():
      both = [getattr(m, part) for m in (native, matrix)]
      theirs, ours = (milliseconds(f, g, *given, turns=args.turns) for f in both)
      cells.append(f'{theirs:.1f} / {ours:.1f}')
    short = 'yes' if bilinear.suits(g, inputs, outputs) else 'no'
    print(f'| {name} | {flops:.2f} | {" | ".join(cells)} | {short} |', flush=True)


if __name__ == '__main__':
  main()
