"""Makes the figures of the papers from a run.

python -m gan_jax.figures --workdir=runs/dcgan_mnist
python -m gan_jax.figures --workdir=runs/dcgan_mnist --figure='neighbours, interpolation(rows=4)'
python -m gan_jax.figures --workdir=runs/dcgan_mnist --round=5000 --seed=7
python -m gan_jax.figures --list

Without --figure, all that this run can have. They come to WORKDIR/figures, each with its round.
"""

import pathlib
from collections import Counter
from functools import lru_cache, partial
from typing import Any

from absl import app, flags

from gan_jax import command
from gan_jax.errors import InputError


def main(argv: list[str]) -> int:
  """Makes what the flags ask for, and says where it is; 1 if a figure asked for cannot be had."""
  if len(argv) > 1:
    raise app.UsageError(f'{argv[1]!r} is no flag.')
  from gan_jax import asking

  said = flags.FLAGS
  if said.list:
    for line in asking.listing('figures'):
      print(line)
    return 0
  if not said.workdir:
    raise InputError('say of which run: --workdir=RUN.')
  every = (f'{file}.{n}' for file, names in asking.vocabulary('figures').items() for n in names)
  names = said.figure or ', '.join(every)
  out = pathlib.Path(said.out or pathlib.Path(said.workdir) / 'figures')
  refused = make(said.workdir, names, out, round_=said.round, seed=said.seed)
  for line in refused if said.figure else ():
    print(line, flush=True)
  if refused and not said.figure:
    print(f'{len(refused)} others are of other kinds of runs; asked for by --figure, each says why')
  return int(bool(said.figure and refused))


def make(
  workdir: str | pathlib.Path,
  names: str,
  out: pathlib.Path,
  *,
  round_: int | None = None,
  seed: int | None = None,
) -> list[str]:
  """Writes the figures that `names` asks for, as `asking.asked` reads it, into the folder `out`.

  Prints a line for each, and returns one for each that cannot be had. Raises InputError for a name
  that there is not, or if there is no such run.
  """
  import jax

  from gan_jax import asking, assemble, runs

  evals = asking.asked(names, 'figures')
  config = runs.config(workdir)
  sampler = runs.sampler(workdir, round_)
  source = lru_cache(partial(assemble.open_source, config))
  # That of evals during training, so that a figure shows the same samples.
  key = jax.random.fold_in(jax.random.key(config.get('seed', 0) if seed is None else seed), 2)
  refused: list[str] = []
  times = Counter[str]()
  for each in evals:
    try:
      if asking.is_eval(each.function):
        found = each.function(sampler, source, key, **each.options)
        stem = each.name.split('.')[-1]
        times[stem] += 1  # asked for again, with other options, it is another picture
        told = stem if times[stem] == 1 else f'{stem}_{times[stem]}'
        written = _written(out, stem, told, sampler.round, found)
      else:
        written = [str(p) for p in each.function(pathlib.Path(workdir), **each.options)]
        if not written:
          raise InputError('the run has left nothing to make it of.')
      print(f'{each.name:28} {"; ".join(written)}', flush=True)
    except InputError as error:
      refused.append(f'{each.name:28} cannot be had: {error}')
  return refused


def _written(out: pathlib.Path, own: str, title: str, round_: int, found: Any) -> list[str]:
  """Writes the pictures, `own` under the title alone; their paths, and the numbers."""
  import numpy as np

  from gan_jax import log

  told = []
  for key, value in found.items():
    if np.ndim(value) > 2:
      label = title if key == own else f'{title}_{key}'
      told.append(str(log.save_picture(out / f'{label}_{round_:08d}', np.asarray(value))))
    elif key != 'protocol':
      told.append(f'{key} {float(value):.4g}')
  return told


if __name__ == '__main__':
  flags.DEFINE_string('workdir', None, 'The folder of the run.')
  flags.DEFINE_string('figure', None, "Such as 'neighbours, walk(points=5)'; all if unsaid.")
  flags.DEFINE_integer('round', None, 'Which checkpoint; the newest if unsaid.')
  flags.DEFINE_integer('seed', None, "Of the draws; the run's own if unsaid.")
  flags.DEFINE_string('out', None, 'The folder of the figures; WORKDIR/figures if unsaid.')
  flags.DEFINE_bool('list', False, 'Which figures there are.')
  command.start(main)
