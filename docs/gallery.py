"""Makes docs/gallery.md: trains what is missing, draws the figures, keeps small copies of them.

python docs/gallery.py --mnist=FOLDER --faces=FOLDER
python docs/gallery.py --mnist=FOLDER --faces=FOLDER --only=field     (one picture anew)

MNIST's IDX files and a folder of square pictures of faces (here 6,848 drawn ones of 64 pixels) are
all that it needs. With nothing trained it takes an hour and a half on two CPU cores; what
lies in --runs is not trained again.
"""

import importlib
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from absl import app, flags
from PIL import Image, ImageSequence

_RUNS = flags.DEFINE_string('runs', 'runs/gallery', 'Where the runs are, or come to be.')
_MNIST = flags.DEFINE_string('mnist', None, 'The folder of its IDX files; else it is downloaded.')
_FACES = flags.DEFINE_string('faces', None, 'A folder of square pictures of faces.', required=True)
_DOCS = flags.DEFINE_string('docs', 'docs', 'Where gallery.md and gallery/ come to be.')
_ONLY = flags.DEFINE_list('only', [], 'The pictures to make; all if unsaid.')

FRAMES = 24

# The runs: the config, and what else is asked for; {mnist} and {faces} stand for those flags.
RUNS = {
  'gan_line': ('gan_line.py', ''),
  'dirac': ('dirac.py', ''),
  'dirac_wgan_gp': ('dirac.py:pair=wasserstein,penalty=wgan_gp', ''),
  'dirac_r1': ('dirac.py:penalty=r1,weight=0.3', ''),
  'collapse': ('gan_mixture.py:pair=minimax,penalty=', '--config.evals.points.every=200'),
  'dcgan_mnist': ('dcgan_mnist.py:width=32', '--config.rounds=3000 {mnist}'),
  'vae_mnist': ('vae_mnist.py', '--config.batch=100 --config.rounds=30000 {mnist}'),
  'faces': ('dcgan_folder.py:width=32', '--config.rounds=1500 --config.data.path={faces}'),
}


class Picture(NamedTuple):
  """What docs/gallery.md shows."""

  file: str  # in docs/gallery
  run: str  # '' for a command of its own
  figure: str  # as --figure says it; a file that the run left; or the command, and CAPTION=RUN
  title: str
  said: str
  wide: int = 480  # pixels


PICTURES = (
  Picture('line.gif', 'gan_line', 'alive.gif', 'Figure 1, alive',
          'Data and samples on a line, D, the best D, and the way from z to x, as training goes '
          'on; beside them V(D, G), V(D*, G) and -log 4 + 2 JSD, each computed (GAN paper, figure '
          '1 and theorem 1).', wide=560),
  Picture('gradients.png', '', 'gradients', 'Why G does not play minimax',
          "Costs of G and their gradients over D(G(z)), of the very functions of `pairs.py`: "
          'minimax has none to give where D is sure.', wide=640),
  Picture('dynamics.png', 'gan_line', 'dynamics.png', 'Dynamics',
          'What D says, and the losses, with their values at rest drawn in; these are found from '
          'the pair, not looked up.', wide=640),
  Picture('dirac.png', 'dirac', 'portrait.png', 'The game at its smallest',
          'The Dirac-GAN of Mescheder et al. 2018: the field of its gradients, a run in it, and '
          "the eigenvalues of its Jacobian: on the axis, and the game goes round.", wide=720),
  Picture('dirac_r1.png', 'dirac_r1', 'portrait.png', 'The same with R1',
          'The penalty moves the eigenvalues to the left, and the game comes to rest.', wide=720),
  Picture('dirac_wgan_gp.png', 'dirac_wgan_gp', 'portrait.png', 'The same for WGAN-GP',
          'It never does: the penalty has no gradient that vanishes with the slope.', wide=720),
  Picture('collapse.gif', 'collapse', 'points.gif', 'Modes, lost',
          'Eight Gaussians, the game of 2014 without a penalty: samples over the data, and what D '
          'thinks of the land between.', wide=240),
  Picture('beside.png', '', 'beside DCGAN=dcgan_mnist VAE=vae_mnist', 'A GAN and a VAE',
          'Random draws of both, not picked: strokes that are sharp and sometimes no digit, digits '
          'that are sometimes fog. Of the VAE these are means of pixels; it has trained for 50 '
          'epochs, the DCGAN for 3.', wide=640),
  Picture('neighbours.png', 'dcgan_mnist', 'neighbours(rows=4)', 'Samples and their neighbours',
          'Random draws; framed, the training image nearest to the sample beside it (GAN paper, '
          'figure 2). G has not learnt its data by heart.'),
  Picture('interpolation.png', 'dcgan_mnist', 'interpolation(rows=6)', 'Lines through z',
          'Each row from one random z to another (GAN paper, figure 3): digits turn into digits.'),
  Picture('arithmetic.png', 'dcgan_mnist', 'arithmetic(a=7, b=1, c=0)', 'Sums of concepts',
          'A seven less a one and a nought (DCGAN paper, figure 7): three exemplars each, chosen '
          'by a classifier, below them the image of their mean z. The nought has got the bar of '
          'the seven; the same sum of pixels is no digit.'),
  Picture('turn.png', 'dcgan_mnist', 'turn(rows=6, exemplars=8)', 'The turn vector',
          'Random samples led along the direction from leaning left to leaning right (DCGAN '
          'paper, figure 8).'),
  Picture('walk.png', 'faces', 'walk(points=7)', 'A walk',
          'From one random face to the next (DCGAN paper, figure 4).'),
  Picture('tour.gif', 'faces', 'tour(rows=2, columns=4, points=4, steps=6)', 'A tour',
          'The same, moving.', wide=270),
  Picture('directions.png', 'faces', 'sefa(rows=5)', 'Directions nobody named',
          'Samples along eigenvectors of the first layer of G (SeFa, Shen & Zhou 2021).'),
  Picture('filters.png', 'faces', 'filters', 'What D looks for',
          'Guided gradients of features of its last convolution on the images that excite them '
          'most, cut to what a feature sees; on the left of a D that learnt nothing (DCGAN paper, '
          'figure 5): eyes and fringes.', wide=720),
  Picture('maximal.png', 'faces', 'maximal(features=5)', 'Maximal activations',
          'For each feature the training images that drive it most, greyed where it does not '
          'look.'),
  Picture('forgetting.png', 'faces', 'forgetting(boxes=[[0,26,8,44,56],[1,26,8,44,56],'
          '[3,26,8,44,56],[4,26,8,44,56],[5,26,8,44,56],[7,26,8,44,56],[9,26,8,44,56],'
          '[11,26,8,44,56],[13,26,8,44,56],[14,26,8,44,56]])', 'Forgetting to draw',
          'Boxes around eyes, the maps of G that a logistic regression finds in them, and the '
          'same samples without those maps (DCGAN paper, figure 6).', wide=640),
)  # fmt: skip


def main(argv: list[str]) -> None:
  """Makes the pictures and the page."""
  del argv
  wanted = [p for p in PICTURES if not _ONLY.value or p.file.split('.')[0] in _ONLY.value]
  for picture in wanted:
    workdir = trained(picture.run) if picture.run else pathlib.Path()
    target = pathlib.Path(_DOCS.value) / 'gallery' / picture.file
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
      shrink(_made(workdir, picture, pathlib.Path(made)), target, picture.wide)
    print(f'{target}: {target.stat().st_size / 1024:.0f} kB', flush=True)
  (pathlib.Path(_DOCS.value) / 'gallery.md').write_text('\n'.join(page()) + '\n')


@cache
def trained(name: str) -> pathlib.Path:
  """The folder of a run, which is gone on with or begun if it is not at its end."""
  workdir = pathlib.Path(_RUNS.value) / name
  mnist = f'--config.data.folder={shlex.quote(_MNIST.value)}' if _MNIST.value else ''
  config, flags_ = RUNS[name]
  words = shlex.split(flags_.format(mnist=mnist, faces=shlex.quote(_FACES.value)))
  command = [sys.executable, '-m', 'gan_jax.main', f'--config=experiments/{config}']
  subprocess.run([*command, *words, f'--workdir={workdir}'], check=True)
  return workdir


def shrink(source: pathlib.Path, target: pathlib.Path, wide: int) -> None:
  """A copy that is no wider, and of an animation no more than `FRAMES` frames."""
  with Image.open(source) as whole:
    frames = [frame.convert('RGB') for frame in ImageSequence.Iterator(whole)]
    lasts = whole.info.get('duration', 50) * len(frames)
  step = -(-len(frames) // FRAMES)
  kept = [*frames[:-1:step], frames[-1]] if len(frames) > 1 else frames
  if kept[0].width > wide:
    size = (wide, round(wide * kept[0].height / kept[0].width))
    kept = [frame.resize(size, Image.Resampling.LANCZOS) for frame in kept]
  colours = 48 if len(kept) > 1 else 128
  first, *rest = [frame.quantize(colours) for frame in kept]
  if rest:
    each = round(lasts / len(kept))
    first.save(target, save_all=True, append_images=rest, duration=each, loop=0, optimize=True)
  else:
    first.save(target, optimize=True)


def page() -> Iterator[str]:
  """The lines of gallery.md."""
  yield '# Gallery\n'
  yield 'Made by `python docs/gallery.py --mnist=FOLDER --faces=FOLDER`; every figure comes'
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
  if not picture.run:
    module, *words = picture.figure.split()
    given = ''.join(f' {word.replace("=", "=runs/gallery/")}' for word in words)
    return f'python -m gan_jax.figures.{module} --out={picture.file}{given}'
  if '.' in picture.figure:
    config, flags_ = RUNS[picture.run]
    told = f'{flags_.format(mnist="", faces="FOLDER")} --workdir={workdir}'.strip()
    return f'python -m gan_jax.main --config=experiments/{config} {told}   # {picture.figure}'
  return f"python -m gan_jax.figures --workdir={workdir} --figure='{picture.figure}'"


def _made(workdir: pathlib.Path, picture: Picture, folder: pathlib.Path) -> pathlib.Path:
  """The picture as it was drawn: the first of what the figure gives, or a file of the run."""
  if re.search(r'\.(png|gif)$', picture.figure):
    return workdir / picture.figure
  if not picture.run:  # what needs no run is a command of its own
    out = folder / picture.file
    module, *words = picture.figure.split()
    pairs = [word.split('=') for word in words]
    given = [f'{caption}={trained(run)}' for caption, run in pairs]
    command = [sys.executable, '-m', f'gan_jax.figures.{module}', f'--out={out}', *given]
    subprocess.run(command, check=True)
    return out
  figures = importlib.import_module('gan_jax.figures.__main__')
  figures.make(workdir, picture.figure, folder)
  suffix = picture.file.rpartition('.')[2]
  found = sorted(folder.glob(f'*.{suffix}')) or sorted(workdir.glob(f'*.{suffix}'))
  if not found:
    raise SystemExit(f'{picture.figure} of {workdir} gave no .{suffix}.')
  return found[0]


if __name__ == '__main__':
  app.run(main)
