"""Finds the z of which a trained generator makes given images (latent.py).

python -m gan_jax.fit --workdir=runs/anogan_digits
python -m gan_jax.fit --workdir=runs/dcgan_faces --images=FOLDER --features=0 --out=fit.png
python -m gan_jax.fit --workdir=runs/dcgan_faces --images=FILE.npz --out=fit.npz
"""

import pathlib

from absl import app, flags

from gan_jax import command
from gan_jax.errors import InputError

_WORKDIR = flags.DEFINE_string('workdir', None, 'The folder of the run.', required=True)
_IMAGES = flags.DEFINE_string(
  'images', None, "A folder, .zip, .npz or .npy of images; the run's own data if unsaid."
)
_SPLIT = flags.DEFINE_string('split', None, 'Which part of them.')
_OUT = flags.DEFINE_string(
  'out', 'fit.png', 'A .png: each image above what was made of it. An .npz: z, image and error.'
)
_N = flags.DEFINE_integer('n', 24, 'How many images, from the first on.', lower_bound=1)
_STEPS = flags.DEFINE_integer('steps', 500, 'Moves of each search.', lower_bound=1)
_RESTARTS = flags.DEFINE_integer('restarts', 3, 'Searches for each image.', lower_bound=1)
_RATE = flags.DEFINE_float('learning_rate', 0.1, "Adam's, at first.")
_FEATURES = flags.DEFINE_float('features', 0.1, "The weight of what D sees; AnoGAN's lambda.")
_ENCODER = flags.DEFINE_string('encoder', None, 'The network that guesses z, if there is one: E.')
_SEED = flags.DEFINE_integer('seed', 0, 'Another seed, other starts.')
_ROUND = flags.DEFINE_integer('round', None, 'Which checkpoint; the newest if unsaid.')


def main(argv: list[str]) -> int:
  """Searches as the flags say, writes what was found and says how well it fits."""
  if len(argv) > 1:
    raise app.UsageError(f'{argv[1]!r} is no flag.')
  import jax
  import numpy as np

  from gan_jax import log, runs
  from gan_jax.figures import grids
  from gan_jax.latent import fit

  sampler = runs.sampler(_WORKDIR.value, _ROUND.value)
  x = sampler.see(_stored())
  found = fit(
    sampler,
    x,
    jax.random.key(_SEED.value),
    start=sampler.apply(_ENCODER.value, x) if _ENCODER.value else None,
    steps=_STEPS.value,
    restarts=_RESTARTS.value,
    learning_rate=_RATE.value,
    features=_FEATURES.value,
  )
  out = pathlib.Path(_OUT.value)
  try:
    if out.suffix == '.png':
      log.save_png(out, _pairs(sampler.display(x), sampler.display(found.image), grids.grid))
    else:
      np.savez(out.with_suffix('.npz'), **found._asdict())
  except OSError as error:
    raise InputError(f'{out} cannot be written: {error.strerror}.') from error
  apart = float(np.mean(np.abs(sampler.unit(x) - sampler.unit(found.image))))
  print(
    f'{len(x)} images in {out}: mean error {np.mean(found.error):.4g}, worst '
    f'{np.max(found.error):.4g}; {apart:.3f} of the range of a pixel'
  )
  return 0


def _stored():
  """The images that are asked about, uint8[N,H,W,C], of the size that the run has."""
  import numpy as np

  from gan_jax import assemble, runs
  from gan_jax.data.opening import images_at

  shape = tuple(runs.read_json(pathlib.Path(_WORKDIR.value) / 'facts.json')['shape'])
  split = {'split': _SPLIT.value} if _SPLIT.value else {}
  if _IMAGES.value is None:
    config = runs.read_json(pathlib.Path(_WORKDIR.value) / 'config.json')
    source = assemble.open_source(config, **split)
  else:
    source = images_at(_IMAGES.value, shape, **split)
  images = np.asarray(source.arrays['image'][: _N.value])
  if images.shape[1:] != shape:
    raise InputError(f'the images are {images.shape[1:]}, but this run draws {shape}.')
  return images


def _pairs(real, made, grid):
  """Rows of real images, each above the row of what was made of them: uint8[H,W,C]."""
  import numpy as np

  n, columns = len(real), min(12, len(real))
  rows = -(-n // columns)
  full = lambda a: np.pad(a, [(0, rows * columns - n)] + [(0, 0)] * 3, constant_values=255)
  both = [full(a).reshape(rows, columns, *a.shape[1:]) for a in (real, made)]
  return grid(np.stack(both, 1).reshape(-1, *real.shape[1:]), columns)


if __name__ == '__main__':
  command.start(main)
