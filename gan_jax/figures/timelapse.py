"""A run's grids, one after another, as an animation."""

import pathlib
from collections import defaultdict


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
    frames = [Image.open(path).convert('RGB') for path in chosen]
    frames = [f.quantize(256) for f in frames if f.size == frames[-1].size]
    each = max(20, int(1000 * seconds / len(frames)))
    durations = [each] * (len(frames) - 1) + [max(each, 1500)]
    target = pathlib.Path(workdir) / f'{name}.gif'
    frames[0].save(target, save_all=True, append_images=frames[1:], duration=durations, loop=0)
    written.append(target)
  return written
