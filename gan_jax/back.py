"""Going back: a run whose samples are dying is played again from its last healthy checkpoint.

With the same noise it would come to the same end, so the noise of the rounds after each return is
other noise. returns.json, beside the checkpoints, says what was gone back from and to, and how
often: a run that is stopped and resumed goes on as one that never was.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax

from gan_jax import checkpoint, hosts, runs
from gan_jax.errors import Collapsed, InputError
from gan_jax.population import Member, Own
from gan_jax.step import TrainState
from gan_jax.watch import Watch, watch

FILE = 'returns.json'


def check(config: Mapping[str, Any], members: Sequence[Member]) -> None:
  """Raises InputError if the watch would go back where there is nothing to go back to."""
  limits = watch(config['watch'])
  if limits is None or limits.act != 'back':
    return
  if members[0].label:
    raise InputError("watch.act='back' is for a run alone; a population goes on with 'warn'.")
  every, kept = config['checkpoint']['every'], config['checkpoint']['keep']
  needed = 1 + -(-limits.patience * limits.every // every)
  if kept < needed:
    raise InputError(
      f'to go back {limits.patience} looks of {limits.every} rounds takes checkpoint.keep={needed} '
      f'or more with checkpoint.every={every}; it is {kept}.'
    )


def returns(workdir: pathlib.Path) -> list[dict[str, Any]]:
  """The returns of a run so far: [{'from', 'to', 'why'}], empty if it has gone straight on."""
  path = workdir / FILE
  return runs.read_json(path) if path.exists() else []


def renewed(owns: Sequence[Own], times: int) -> list[Own]:
  """What the program is handed after so many returns: other noise, the same data in their order."""
  fold = lambda key: jax.random.fold_in(key, times) if times else key
  return [own._replace(key=fold(own.key)) for own in owns]


def go(
  collapse: Collapsed, limits: Watch | None, workdir: pathlib.Path, manager: Any, like: TrainState
) -> tuple[int, TrainState]:
  """(round, state) to play on from, which is written down; raises the collapse if that is final."""
  assert limits is not None
  newest = max(manager.all_steps(), default=None)
  kept = 'there is no checkpoint' if newest is None else f'the newest checkpoint is {newest}'
  if limits.act != 'back':
    raise Collapsed(f'{collapse}. Stopped, as watch.act={limits.act!r} says; {kept}.') from None
  before, at = hosts.told(lambda: returns(workdir)), collapse.round
  if len(before) >= limits.times:
    raise Collapsed(f'{collapse}. It went back {len(before)} times already; {kept}.') from None
  healthy = [r for r in manager.all_steps() if r <= at - limits.patience * limits.every]
  if not healthy:
    raise Collapsed(f'{collapse}. No checkpoint is old enough to go back to; {kept}.') from None
  checkpoint.forget_after(manager, max(healthy))
  found = checkpoint.restore(manager, like, max(healthy))
  if found is None:
    raise Collapsed(f'{collapse}. The checkpoint to go back to is damaged.') from None
  print(f'back to round {found[0]:,}, on from there with other noise', flush=True)
  went = {'from': at, 'to': found[0], 'why': str(collapse)}
  hosts.told(lambda: runs.write_json(workdir / FILE, [*before, went]))
  return found
