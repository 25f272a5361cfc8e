"""Trials that one program plays: which of them can, and the process that does.

python -m gan_jax.executors.together FOLDER      of which members.json says who is in it

Every member lives in its own folder, as if it were played alone; FOLDER has what is theirs in
common: population.json, the lock, the output.
"""

import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from absl import app

from gan_jax import assemble, command, population, runs, train
from gan_jax.executors.job import Job
from gan_jax.population import Member

FILE = 'members.json'


def main(argv: list[str]) -> int:
  """Plays the members of a folder; 1 and a sentence if some of them diverged."""
  if len(argv) != 2:
    raise app.UsageError('one folder is to be named.')
  folder = pathlib.Path(argv[1])
  population.a_device_for_each_core()
  members = read(folder)
  train.run(members[0].config, folder, vary=members)
  return 0


def write(folder: pathlib.Path, jobs: Sequence[Job]) -> None:
  """Says in a folder, which is made, who plays in it."""
  folder.mkdir(parents=True, exist_ok=True)
  told = {j.name: dict(workdir=str(j.workdir.absolute()), config=j.config) for j in jobs}
  runs.write_json(folder / FILE, told)


def read(folder: pathlib.Path) -> list[Member]:
  """The members that a folder tells of, with what varies among them."""
  told = runs.read_json(folder / FILE)
  wholes = {name: assemble.complete(one['config']) for name, one in told.items()}
  found = {name: numbers(config) for name, config in wholes.items()}
  keys = list(next(iter(found.values())))
  varies = [key for key in keys if len({own[key] for own in found.values()}) > 1]
  return [
    Member(name, pathlib.Path(one['workdir']), wholes[name], {k: found[name][k] for k in varies})
    for name, one in told.items()
  ]


def kind(config: Mapping[str, Any]) -> str:
  """What trials must have in common to be played together: all but the seed and the game's floats.

  Whole numbers of the game most often are sizes, and never vary.
  """
  blank: dict[str, Any] = population.put(config, dict.fromkeys(numbers(config), 0.0))
  return hashlib.sha256(json.dumps(blank, sort_keys=True, default=str).encode()).hexdigest()[:8]


def numbers(config: Mapping[str, Any]) -> dict[str, float]:
  """Dotted key -> value of what may vary: the seed, and every float of the game."""
  found = {'seed': config.get('seed', 0)}
  for top in population.GAME:
    found |= _floats(config.get(top), top)
  return found


def _floats(value: Any, at: str) -> dict[str, float]:
  if isinstance(value, float):
    return {at: value}
  if isinstance(value, list | tuple):
    value = dict(enumerate(value))
  inner = value.items() if isinstance(value, Mapping) else ()
  return {k: v for word, each in inner for k, v in _floats(each, f'{at}.{word}').items()}


if __name__ == '__main__':
  command.start(main)
