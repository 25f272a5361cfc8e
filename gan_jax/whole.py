"""What several runs come to together: the folder of an outer loop, such as stages and boosting.

whole.json    the runs, in order, and by which function (folder) -> Sampler they are sampled as one
log.jsonl     the numbers of what was looked at of the whole; samples/ its pictures
"""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gan_jax import log as logs
from gan_jax import loop, runs, train
from gan_jax.errors import InputError
from gan_jax.sampling import Sampler


def claim(workdir: pathlib.Path, sampler: str, names: Sequence[str], **facts: Any) -> None:
  """Writes that workdir holds the runs of those names, sampled by the function called `sampler`."""
  runs.write_json(workdir / runs.WHOLE, {'sampler': sampler, 'runs': list(names), **facts})


def facts(workdir: str | pathlib.Path) -> dict[str, Any]:
  """What `claim` wrote; raises InputError if the folder is none of several runs."""
  path = pathlib.Path(workdir) / runs.WHOLE
  if not path.exists():
    raise InputError(f'{workdir} holds no experiment of several runs: it has no {runs.WHOLE}.')
  return runs.read_json(path)


def folders(workdir: str | pathlib.Path) -> list[pathlib.Path]:
  """The runs' folders, in order."""
  return [pathlib.Path(workdir) / name for name in facts(workdir)['runs']]


def look(
  workdir: pathlib.Path,
  specs: Mapping[str, Mapping[str, Any]],
  sampler: Sampler,
  open_split: Callable,
  seed: int,
  at: int,
) -> None:
  """Runs evals on the whole, logged as of `at` (rounds, or how many runs there are): once each."""
  if any(entry['step'] == at for entry in logs.read(workdir)):
    return
  log = logs.open_log(workdir, at - 1)
  try:
    numbers = loop.measured(train.evals_of(specs), sampler, open_split, seed, log, at)
  finally:
    log.close()
  said = '  '.join(f'{name} {value:.4g}' for name, value in numbers.items())
  print(f'whole    {said or "looked at"}', flush=True)
