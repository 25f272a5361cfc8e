"""Draws images from a trained generator.

python -m gan_jax.sample --workdir=runs/gan_digits --out=grid.png
python -m gan_jax.sample --workdir=runs/gan_digits --n=1000 --seed=7 --out=FOLDER
python -m gan_jax.sample --workdir=runs/gan_digits --n=1000 --out=images.npy
python -m gan_jax.sample --workdir=runs/acgan_mnist --label=7 --truncation=1.5
"""

import pathlib

from absl import app, flags

from gan_jax import command
from gan_jax.errors import InputError

_WORKDIR = flags.DEFINE_string('workdir', None, 'The folder of the run.', required=True)
_OUT = flags.DEFINE_string(
  'out', 'samples.png', 'A .png for a grid, a .npy for uint8[N,H,W,C], anything else for a folder.'
)
_N = flags.DEFINE_integer('n', 64, 'How many.', lower_bound=1)
_SEED = flags.DEFINE_integer('seed', 0, 'Another seed, other images.')
_LABEL = flags.DEFINE_integer('label', None, 'One class alone; else all in turn.')
_TRUNCATION = flags.DEFINE_float('truncation', None, 'The largest that an entry of z may be.')
_ROUND = flags.DEFINE_integer('round', None, 'Which checkpoint; the newest if unsaid.')


def main(argv: list[str]) -> int:
  """Writes what the flags ask for, and says where."""
  if len(argv) > 1:
    raise app.UsageError(f'{argv[1]!r} is no flag.')
  import jax
  import numpy as np

  from gan_jax import log, narrowed, runs
  from gan_jax.figures import grids

  sampler = runs.sampler(_WORKDIR.value, _ROUND.value)
  if _LABEL.value is not None:
    sampler = narrowed.of_class(sampler, _LABEL.value, runs.classes(_WORKDIR.value))
  if _TRUNCATION.value is not None:
    sampler = narrowed.truncated(sampler, _TRUNCATION.value)
  drawn = sampler.draw(jax.random.key(_SEED.value), _N.value)
  out = pathlib.Path(_OUT.value)
  try:
    if drawn.ndim != 4:
      np.save(out.with_suffix('.npy'), drawn)
    elif out.suffix == '.npy':
      np.save(out, sampler.display(drawn))
    elif out.suffix == '.png':
      log.save_png(out, grids.grid(sampler.display(drawn)))
    else:
      for i, image in enumerate(sampler.display(drawn)):
        log.save_png(out / f'{i:06d}.png', image)
  except OSError as error:
    raise InputError(f'{out} cannot be written: {error.strerror}.') from error
  print(f'{_N.value} images of round {sampler.round:,} in {out}')
  return 0


if __name__ == '__main__':
  command.start(main)
