"""Stages: an experiment of several runs, each an ordinary one, played in order.

  config = dict(
    driver='stages.run',
    order=('pretrain', 'train'),
    stages=dict(
      pretrain=dict(rounds=...), train=dict(rounds=..., start=dict(stage='pretrain', ...))
    ),
    data=..., nets=..., ...
  )

What the stages have in common stands beside `stages`; what is each one's own is laid over it, dict
into dict. Each is played in the folder of its name in the workdir, where a stopped one goes on, so
that the same command goes on in whatever stage it was. Anywhere in a stage, `stage='pretrain'`
stands for `workdir=` and that stage's folder.

`whole=dict(sampler='chain.sampler', evals=...)` says by which function (folder) -> Sampler images
are drawn from all of them together, and what is looked at of these. By default the last stage is
what it was all for.
"""

import pathlib
from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from typing import Any

from gan_jax import assemble, runs, train
from gan_jax import config as configs
from gan_jax import whole as wholes
from gan_jax.errors import InputError
from gan_jax.sampling import Sampler
from gan_jax.step import TrainState

OWN = ('driver', 'order', 'stages', 'whole')  # keys that no single run has


def run(
  config: Mapping[str, Any],
  workdir: str | pathlib.Path,
  vary: Mapping[str, Iterable[float]] | None = None,
) -> TrainState:
  """Plays the stages in order, each in workdir/NAME; returns the last one's state.

  All are completed before the first begins. Raises InputError and the rest as `train.run` does, and
  for a population: its members would need stages of their own.
  """
  if vary is not None:
    raise InputError('a staged config cannot be varied; vary one of its stages, as a run alone.')
  workdir = pathlib.Path(workdir)
  each = {name: assemble.complete(one) for name, one in split(config, workdir).items()}
  together = {'sampler': 'stages.last', 'evals': {}, **configs.plain(config.get('whole') or {})}
  configs.refuse_strangers(together, ('sampler', 'evals'), 'whole')
  train.evals_of(together['evals'])  # raises now rather than after days
  wholes.claim(workdir, together['sampler'], list(each))
  for at, (name, one) in enumerate(each.items(), 1):
    print(f'stage    {at} of {len(each)}: {name}')
    state = train.run(one, workdir / name)
  if together['evals']:
    open_split = lru_cache(partial(assemble.open_source, one))
    drawn = runs.sampler(workdir)
    wholes.look(workdir, together['evals'], drawn, open_split, one['seed'], drawn.round)
  return state


def last(workdir: str | pathlib.Path) -> Sampler:
  """The generator of the last stage."""
  return runs.sampler(wholes.folders(workdir)[-1])


def split(config: Mapping[str, Any], workdir: str | pathlib.Path) -> dict[str, dict[str, Any]]:
  """The stages' configs in order, by name; raises InputError if what is named is not there."""
  given = configs.plain(config)
  order, own = given.get('order', []), given.get('stages', {})
  if not order or sorted(order) != sorted(own):
    raise InputError(
      f'order=({", ".join(order)}) must name each of the stages once, and these are '
      f'{", ".join(own) or "none"}.'
    )
  common = {key: value for key, value in given.items() if key not in OWN}
  out: dict[str, dict[str, Any]] = {}
  for name in order:
    earlier = {n: pathlib.Path(workdir) / n for n in out}
    out[name] = _found(configs.overlay(common, own[name]), name, earlier)
  return out


def _found(value: Any, name: str, earlier: Mapping[str, pathlib.Path]) -> Any:
  """`value` with every stage='NAME' replaced by the workdir of that earlier stage."""
  if isinstance(value, list):
    return [_found(v, name, earlier) for v in value]
  if not isinstance(value, dict):
    return value
  out = {k: _found(v, name, earlier) for k, v in value.items() if k != 'stage'}
  if 'stage' not in value:
    return out
  if value['stage'] not in earlier:
    raise InputError(
      f'stage {name} refers to stage {value["stage"]!r}, but those before it are '
      f'{", ".join(earlier) or "none"}.'
    )
  return out | {'workdir': str(earlier[value['stage']])}
