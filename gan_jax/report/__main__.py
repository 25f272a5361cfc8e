"""Writes what a run is and what came of it, or how several compare, as one HTML page.

python -m gan_jax.report --workdir=runs/dcgan_mnist
python -m gan_jax.report --workdir=runs/a --workdir=runs/b --out=a_and_b.html
python -m gan_jax.report --workdir=runs/POPULATION

The page needs nothing beside it: it opens from disk, without network, on a telephone too. Of one
folder it is WORKDIR/report.html unless --out says otherwise, of several report.html.
"""

import pathlib
from collections.abc import Sequence

from absl import app, flags

from gan_jax import command
from gan_jax.errors import InputError


def main(argv: list[str]) -> int:
  """Writes the page that the flags ask for, and says where it is."""
  if len(argv) > 1:
    raise app.UsageError(f'{argv[1]!r} is no flag.')
  said = flags.FLAGS
  path = write(said.workdir, said.out, said.title)
  print(f'wrote    {path} ({path.stat().st_size / 1e6:.1f} MB)')
  return 0


def write(workdirs: Sequence[str], out: str | None = None, title: str = '') -> pathlib.Path:
  """The page of the runs in these folders, written whole or not at all; raises InputError."""
  from gan_jax.report import page

  text = page.html(workdirs, title)
  alone = pathlib.Path(workdirs[0]) / 'report.html' if len(workdirs) == 1 else None
  path = pathlib.Path(out or alone or 'report.html')
  beside = path.with_suffix('.tmp')
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside.write_text(text, encoding='utf-8')
    beside.replace(path)
  except OSError as error:
    raise InputError(f'{path} cannot be written: {error.strerror}.') from error
  return path


if __name__ == '__main__':
  flags.DEFINE_multi_string('workdir', [], 'The folder of a run; several are set side by side.')
  flags.DEFINE_string('out', None, 'The page; WORKDIR/report.html, or report.html of several.')
  flags.DEFINE_string('title', '', 'Its title, if it is not to be the name of the run.')
  command.start(main)
