"""Samples of several runs side by side: what the papers print to compare a GAN with a VAE.

python -m gan_jax.figures.beside --out=beside.png GAN=runs/gan_mnist VAE=runs/vae_mnist
"""

import pathlib
from collections.abc import Mapping, Sequence

import jax
import numpy as np

from gan_jax import command
from gan_jax.errors import InputError
from gan_jax.figures.grids import grid


def beside(
  workdirs: Mapping[str, str | pathlib.Path],
  *,
  rows: int = 8,
  columns: int = 8,
  seed: int = 0,
  width: int = 360,
) -> np.ndarray:
  """uint8[H,W,3]: caption -> workdir, each as a grid of random samples beneath its caption.

  Samples are not picked. Each grid is about `width` pixels wide; grey images become RGB.
  """
  from gan_jax import runs

  panels = []
  for caption, workdir in workdirs.items():
    sampler = runs.sampler(workdir)
    drawn = sampler.draw(jax.random.key(seed), rows * columns)
    if drawn.ndim != 4:
      raise InputError(f'{workdir} draws points, not images; figures.plane shows those.')
    images = sampler.display(drawn)[..., :3]
    zoom = max(1, round(width / (columns * images.shape[2])))
    panels.append(captioned(caption, grid(images, columns, zoom)))
  return row(panels)


def captioned(caption: str, image: np.ndarray, height: int = 28) -> np.ndarray:
  """uint8[H,W,1 or 3] -> uint8[H+height,W,3], the caption above the image, black on white."""
  from PIL import Image, ImageDraw, ImageFont

  head = Image.new('RGB', (image.shape[1], height), 'white')
  font = ImageFont.load_default(size=height * 0.6)
  ImageDraw.Draw(head).text((head.width / 2, height / 2), caption, 'black', font, anchor='mm')
  return np.concatenate([np.asarray(head), np.broadcast_to(image, (*image.shape[:2], 3))])


def row(panels: Sequence[np.ndarray], gap: int = 16) -> np.ndarray:
  """uint8[H,W,3] of any sizes -> one picture, from left to right on white, their tops aligned."""
  height = max(len(panel) for panel in panels)
  out = []
  for panel in panels:
    short = height - len(panel)
    out += [
      np.pad(panel, ((0, short), (0, 0), (0, 0)), constant_values=255),
      np.full((height, gap, 3), 255, np.uint8),
    ]
  return np.concatenate(out[:-1], axis=1)


def write(words: Sequence[str], out: str | pathlib.Path) -> None:
  """Writes the picture of the words CAPTION=WORKDIR as a PNG; raises InputError."""
  from gan_jax import log

  parts = [word.partition('=') for word in words]
  if not parts or not all(caption and workdir for caption, _, workdir in parts):
    raise InputError('say which runs: python -m gan_jax.figures.beside CAPTION=WORKDIR ...')
  log.save_png(pathlib.Path(out), beside({caption: workdir for caption, _, workdir in parts}))


if __name__ == '__main__':
  from absl import flags

  flags.DEFINE_string('out', 'beside.png', 'The PNG to write.')
  flags.FLAGS.set_gnu_getopt(True)
  command.start(lambda argv: write(argv[1:], flags.FLAGS.out))
