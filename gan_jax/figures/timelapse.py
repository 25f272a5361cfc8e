"""A run's grids, one after another, as an animation."""

import pathlib
from collections import defaultdict

import numpy as np

from gan_jax import log


def timelapse(
  workdir: pathlib.Path, *, seconds: float = 8.0, most: int = 100
) -> list[pathlib.Path]:
  """Writes <workdir>/<name>.gif for every kind of picture that was taken more than once.

  At most `most` frames, evenly chosen; the last is held. Returns what was written.
  """
  from PIL import Image

  pictures: dict[str, list[pathlib.Path]] = defaultdict(list)
  for path in sorted((pathlib.Path(workdir) / 'samples').glob('*_????????.png')):
    pictures[path.stem[:-9]].append(path)
  written = []
  for name, paths in pictures.items():
    if len(paths) < 2:
      continue
    step = max(1, -(-len(paths) // most))
    chosen = [*paths[:-1:step], paths[-1]]
    frames = [np.asarray(Image.open(path).convert('RGB')) for path in chosen]
    frames = [frame for frame in frames if frame.shape == frames[-1].shape]
    target = pathlib.Path(workdir) / f'{name}.gif'
    log.save_gif(target, frames, seconds, last=1.5)
    written.append(target)
  return written
