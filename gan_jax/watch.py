"""The collapse watch: signs, in what a run has logged, that its samples are dying, put in words.

It reads numbers that are there anyway, D's outputs and the gradient norms, and those of the eval
`metrics.health.health`, a few hundred samples seen by a random network. A config asks for it:

  watch=dict(every=500, act='warn')

act: 'warn' says it and goes on; 'stop' ends the run; 'back' goes back to the last healthy
checkpoint and plays on from there with other noise, `times` times at most, and then ends.

  python -m gan_jax.watch --workdir=runs/dcgan_mnist

reads the log of any run afterwards.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from absl import app, flags

from gan_jax import command
from gan_jax import config as configs
from gan_jax.errors import InputError

ACTS = ('warn', 'stop', 'back')
HEALTH = 'health'  # the name of the eval that the watch adds

Entry = Mapping[str, Any]  # of a log: {'step': round, name: number}


class Watch(NamedTuple):
  """How closely is watched, and what is done."""

  every: int  # rounds between two looks
  act: str = 'warn'
  times: int = 2  # how often to go back
  n: int = 256  # samples of a look
  alike: float = 0.2  # a diversity, of that of real images, below which samples are all alike
  worse: float = 3.0  # times the best distance so far, above which samples have got worse
  apart: float = 10.0  # D's mean output on real minus that on fake images
  starved: float = 1e-3  # of the median gradient of a player so far, below which it stands still
  burst: float = 1e3  # of the same, above which it explodes
  patience: int = 2  # looks in a row that show it


def watch(spec: Mapping[str, Any] | None) -> Watch | None:
  """A config's watch=dict(every=500, ...), or none; raises InputError for what it does not take."""
  if spec is None:
    return None
  configs.refuse_strangers(spec, Watch._fields, 'watch')
  if 'every' not in spec or spec.get('act', 'warn') not in ACTS:
    raise InputError(f'watch must say its every=... so many rounds, and act one of {ACTS}.')
  return Watch(**spec)


def evals(spec: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
  """The eval that a watch adds to those of a config."""
  if (limits := watch(spec)) is None:
    return {}
  return {HEALTH: dict(name='metrics.health.health', every=limits.every, n=limits.n)}


def symptoms(entries: Sequence[Entry], limits: Watch) -> list[str]:
  """What is wrong, a sentence each; entries are those of a log, up to now.

  A sign counts when the last `patience` entries that could show it do.
  """
  return [
    *_no_diversity(entries, limits),
    *_worse(entries, limits),
    *_apart(entries, limits),
    *_gradients(entries, limits),
  ]


def _no_diversity(entries: Sequence[Entry], limits: Watch) -> list[str]:
  found = _last(entries, f'{HEALTH}/diversity', limits.patience)
  if not found or max(found) >= limits.alike:
    return []
  return [f'samples are nearly all alike: they differ {found[-1]:.2g} times as much as real images']


def _worse(entries: Sequence[Entry], limits: Watch) -> list[str]:
  course = _course(entries, HEALTH)
  before, now = course[: -limits.patience], course[-limits.patience :]
  if not before or min(now) <= limits.worse * min(before):
    return []
  return [
    f'samples have become worse: their distance from real images, seen by a random network, is '
    f'{now[-1]:.3g}, and was {min(before):.3g}'
  ]


def _apart(entries: Sequence[Entry], limits: Watch) -> list[str]:
  gaps = [e['D/real'] - e['D/fake'] for e in entries if 'D/real' in e and 'D/fake' in e]
  now = gaps[-limits.patience :]
  sure = [e['D/sign'] for e in entries if 'D/sign' in e][-limits.patience :]
  if len(now) < limits.patience or min(now) <= limits.apart or (sure and min(sure) < 0.99):
    return []
  return [
    f'D tells real from fake without fail: its outputs are {now[-1]:.3g} apart, and G may learn '
    'nothing more'
  ]


def _gradients(entries: Sequence[Entry], limits: Watch) -> list[str]:
  out = []
  for name in sorted({n for e in entries for n in e if n.endswith('/gradient_norm')}):
    course = _course(entries, name)
    before, now = course[: -limits.patience], course[-limits.patience :]
    usual = float(np.median(before)) if before else 0.0
    if usual and max(now) < limits.starved * usual:
      out.append(
        f'{name.split("/")[0]} stands still: its gradient is {now[-1]:.2g}, was {usual:.2g}'
      )
    if usual and min(now) > limits.burst * usual:
      out.append(f'the gradient of {name.split("/")[0]} explodes: {now[-1]:.2g}, was {usual:.2g}')
  return out


def _course(entries: Sequence[Entry], name: str) -> list[float]:
  return [float(e[name]) for e in entries if name in e]


def _last(entries: Sequence[Entry], name: str, count: int) -> list[float]:
  """The last `count` values; none if there are fewer."""
  course = _course(entries, name)
  return course[-count:] if len(course) >= count else []


def main(argv: list[str]) -> int:
  """Prints what was to be seen in the log of a run, round by round as it began."""
  if len(argv) > 1:
    raise app.UsageError(f'{argv[1]!r} is no flag.')
  from gan_jax import log

  entries = log.read(pathlib.Path(flags.FLAGS.workdir))
  if not entries:
    raise InputError(f'{flags.FLAGS.workdir} has no log.')
  said: set[str] = set()
  for i, entry in enumerate(entries):
    found = symptoms(entries[: i + 1], Watch(1))
    for sentence in [s for s in found if s.split(':')[0] not in said]:
      print(f'round {entry["step"]:,}: {sentence}')
    said = {s.split(':')[0] for s in found}
  print(f'{len(entries)} entries read; {"sick" if said else "healthy"} at the end')
  return 0


if __name__ == '__main__':
  flags.DEFINE_string('workdir', None, 'The folder of the run.', required=True)
  command.start(main)
