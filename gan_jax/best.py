"""The best checkpoint by a number that evals give, kept as a run of its own in <workdir>/best.

  checkpoint=dict(every=1000, keep=2, best=dict(value='fid'))
  python -m gan_jax.sample --workdir=runs/dcgan_mnist/best

It is saved whenever the value, as the log names it, is better than ever before; with
better='higher' more is better.
"""

import math
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any, NamedTuple

from gan_jax import checkpoint, hosts, runs
from gan_jax import config as configs
from gan_jax.errors import InputError
from gan_jax.step import TrainState

FOLDER = 'best'
FILE = 'best.json'


class Best(NamedTuple):
  """Which number decides."""

  value: str  # as in the log: 'fid', 'prdc/recall'
  better: str = 'lower'  # or 'higher'


def best(spec: Mapping[str, Any] | None) -> Best | None:
  """A config's checkpoint.best, or none; raises InputError for what it does not take."""
  if spec is None:
    return None
  configs.refuse_strangers(spec, Best._fields, 'checkpoint.best')
  if 'value' not in spec or spec.get('better', 'lower') not in ('lower', 'higher'):
    raise InputError("checkpoint.best must say its value='...', and better='lower' or 'higher'.")
  return Best(**spec)


def keep(
  workdir: pathlib.Path,
  wanted: Best,
  numbers: Mapping[str, float],
  round_: int,
  state: TrainState,
) -> bool:
  """Saves the state if the number is there and better than the best so far; says whether.

  A run that was resumed further back than its best plays the rounds again, and keeps what it has.
  """
  value = numbers.get(wanted.value)
  if value is None or not math.isfinite(value):
    return False
  folder = workdir / FOLDER
  path = folder / FILE
  before = runs.read_json(path)['number'] if path.exists() else None
  lower = wanted.better == 'lower'
  if before is not None and not (value < before if lower else value > before):
    return False
  folder.mkdir(parents=True, exist_ok=True)
  for name in ('config.json', 'facts.json', 'examples.npz'):
    if (workdir / name).exists():
      shutil.copy(workdir / name, folder / name)
  manager = checkpoint.open_manager(folder, keep=1, together=not hosts.several())
  try:
    checkpoint.forget_after(manager, round_ - 1)
    checkpoint.save(manager, round_, state)
  finally:
    manager.close()
  runs.write_json(path, dict(value=wanted.value, number=value, round=round_))
  return True
