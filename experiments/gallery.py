"""Makes docs/gallery.md: trains what is missing, draws the figures, keeps small copies of them.

python experiments/gallery.py --mnist=FOLDER --faces=FOLDER
python experiments/gallery.py --mnist=FOLDER --faces=FOLDER --only=field     (one picture anew)

MNIST's IDX files and a folder of square pictures of faces (here 6,848 drawn ones of 64 pixels) are
all that it needs. With nothing trained it takes an hour on two CPU cores; what lies in --runs is
not trained again. Pictures are at most 480 pixels wide, animations 40 frames of 320.
"""

import importlib
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

from absl import app, flags
from PIL import Image, ImageSequence

_RUNS = flags.DEFINE_string('runs', 'runs/gallery', 'Where the runs are, or come to be.')
_MNIST = flags.DEFINE_string('mnist', None, 'The folder of its IDX files; else it is downloaded.')
_FACES = flags.DEFINE_string('faces', None, 'A folder of square pictures of faces.', required=True)
_DOCS = flags.DEFINE_string('docs', 'docs', 'Where gallery.md and gallery/ come to be.')
_ONLY = flags.DEFINE_list('only', [], 'The pictures to make; all if unsaid.')

WIDE, NARROW, FRAMES = 480, 320, 40

# The runs: the config, and what else is asked for; {mnist} and {faces} stand for those flags.
RUNS = {
  'dcgan_mnist': ('dcgan_mnist.py:width=32', '--config.rounds=3000 {mnist}'),
  'dcgan_faces': ('dcgan_folder.py:width=32', '--config.rounds=1500 --config.data.path={faces}'),
  'gan_line': ('gan_line.py', ''),
  'gan_mixture': ('gan_mixture.py:penalty=', '--config.evals.points.every=100'),
  'dirac': ('dirac.py', ''),
}


class Picture(NamedTuple):
  """What docs/gallery.md shows."""

  file: str  # in docs/gallery
  run: str
  figure: str  # as --figure says it; or the name of a file that the run left
  title: str
  said: str


PICTURES = (
  Picture('neighbours.png', 'dcgan_mnist', 'neighbours(rows=4)', 'Samples and their neighbours',
          'Random draws; framed, the training image nearest to the sample beside it (GAN paper, '
          'figure 2). G has not learnt its data by heart.'),
  Picture('interpolation.png', 'dcgan_mnist', 'interpolation(rows=6)', 'Lines through z',
          'Each row from one random z to another (GAN paper, figure 3): digits turn into digits.'),
  Picture('arithmetic.png', 'dcgan_mnist', 'arithmetic(a=7, b=1, c=0)', 'Sums of concepts',
          'A seven less a one and a nought (DCGAN paper, figure 7): three exemplars each, chosen '
          'by a classifier, and the image of their mean z. The noughts have got the bar of the '
          'seven; the same sum of pixels is no digit.'),
  Picture('turn.png', 'dcgan_mnist', 'turn(rows=6, exemplars=8)', 'The turn vector',
          'Random samples led along the direction from upright to slanted (DCGAN paper, '
          'figure 8).'),
  Picture('walk.png', 'dcgan_faces', 'walk(points=7)', 'A walk',
          'From one random face to the next (DCGAN paper, figure 4).'),
  Picture('tour.gif', 'dcgan_faces', 'tour(rows=3, columns=4)', 'A tour', 'The same, moving.'),
  Picture('truncation.png', 'dcgan_faces', 'truncation', 'Truncation',
          'Less and less of z may vary from below to above: faces become plainer, then nothing.'),
)  # fmt: skip


def main(argv: list[str]) -> None:
  """Makes the pictures and the page."""
  del argv
  wanted = [p for p in PICTURES if not _ONLY.value or p.file.split('.')[0] in _ONLY.value]
  for picture in wanted:
    workdir = trained(picture.run)
    target = pathlib.Path(_DOCS.value) / 'gallery' / picture.file
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
      shrink(_made(workdir, picture, pathlib.Path(made)), target)
    print(f'{target}: {target.stat().st_size / 1024:.0f} kB', flush=True)
  (pathlib.Path(_DOCS.value) / 'gallery.md').write_text('\n'.join(page()) + '\n')


def trained(name: str) -> pathlib.Path:
  """The folder of a run, which is gone on with or begun if it is not at its end."""
  workdir = pathlib.Path(_RUNS.value) / name
  mnist = f'--config.data.folder={shlex.quote(_MNIST.value)}' if _MNIST.value else ''
  config, flags_ = RUNS[name]
  words = shlex.split(flags_.format(mnist=mnist, faces=shlex.quote(_FACES.value)))
  command = [sys.executable, '-m', 'gan_jax.main', f'--config=experiments/{config}']
  subprocess.run([*command, *words, f'--workdir={workdir}'], check=True)
  return workdir


def shrink(source: pathlib.Path, target: pathlib.Path) -> None:
  """A copy no wider than `WIDE`, or of an animation of at most `FRAMES` frames than `NARROW`."""
  with Image.open(source) as whole:
    frames = [frame.convert('RGB') for frame in ImageSequence.Iterator(whole)]
    lasts = whole.info.get('duration', 50) * len(frames)
  step = -(-len(frames) // FRAMES)
  kept = [*frames[:-1:step], frames[-1]] if len(frames) > 1 else frames
  most = NARROW if len(kept) > 1 else WIDE
  if kept[0].width > most:
    size = (most, round(most * kept[0].height / kept[0].width))
    kept = [frame.resize(size, Image.Resampling.LANCZOS) for frame in kept]
  colours = 64 if len(kept) > 1 else 128
  first, *rest = [frame.quantize(colours) for frame in kept]
  if rest:
    each = round(lasts / len(kept))
    first.save(target, save_all=True, append_images=rest, duration=each, loop=0, optimize=True)
  else:
    first.save(target, optimize=True)


def page() -> Iterator[str]:
  """The lines of gallery.md."""
  yield '# Gallery\n'
  yield 'Made by `python experiments/gallery.py --mnist=FOLDER --faces=FOLDER`; every figure comes'
  yield 'from a run by one command, and all that a run can have by that without `--figure`.\n'
  for picture in PICTURES:
    yield f'## {picture.title}\n'
    yield f'![{picture.title}](gallery/{picture.file})\n'
    yield f'{picture.said}\n'
    yield f'```\n{_command(picture)}\n```\n'
  yield '## The runs\n\n```'
  for name, (config, flags_) in RUNS.items():
    told = flags_.format(mnist='--config.data.folder=FOLDER', faces='FOLDER')
    line = f'python -m gan_jax.main --config=experiments/{config} {told}'.strip()
    yield f'{line} --workdir=runs/gallery/{name}'
  yield '```'


def _command(picture: Picture) -> str:
  workdir = f'runs/gallery/{picture.run}'
  if '.' in picture.figure:
    return f'# {picture.figure} is what the run itself leaves in {workdir}'
  return f"python -m gan_jax.figures --workdir={workdir} --figure='{picture.figure}'"


def _made(workdir: pathlib.Path, picture: Picture, folder: pathlib.Path) -> pathlib.Path:
  """The picture as it was drawn: the first of what the figure gives, or a file of the run."""
  if re.search(r'\.(png|gif)$', picture.figure):
    return workdir / picture.figure
  figures = importlib.import_module('gan_jax.figures.__main__')
  figures.make(workdir, picture.figure, folder)
  suffix = picture.file.rpartition('.')[2]
  found = sorted(folder.glob(f'*.{suffix}')) or sorted(workdir.glob(f'*.{suffix}'))
  if not found:
    raise SystemExit(f'{picture.figure} of {workdir} gave no .{suffix}.')
  return found[0]


if __name__ == '__main__':
  app.run(main)
