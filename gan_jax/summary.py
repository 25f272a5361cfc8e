"""What a population comes to: its file, its table, its curves.

population.json: what varies, the members and what each last measured, which of them diverged, and
mean and standard deviation over the seeds of each combination of what else varies.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from gan_jax import log as logs
from gan_jax import runs
from gan_jax.errors import InputError
from gan_jax.population import Member
from gan_jax.progress import moments

FILE = 'population.json'


def claim(workdir: pathlib.Path, members: Sequence[Member]) -> dict[str, str]:
  """Writes population.json, or checks that it is of these members: label -> how it diverged.

  Raises InputError if the folder holds another population or a run.
  """
  path = workdir / FILE
  if (workdir / 'config.json').exists():
    raise InputError(f'{workdir} holds a run; give the population a --workdir of its own.')
  labels = [m.label for m in members]
  if not path.exists():
    for member in members:  # runs of their own are welcome only where they were begun together
      if (member.workdir / 'config.json').exists():
        raise InputError(f'{member.workdir} holds a run already; give another --workdir.')
    _write(workdir, members, {})
    return {}
  was = runs.read_json(path)['members']
  if set(was) != set(labels):
    raise InputError(
      f'{workdir} holds a population of {", ".join(was)}; this one is of {", ".join(labels)}. Give '
      'another --workdir, or the --vary of before.'
    )
  return {label: was[label]['diverged'] for label in labels if was[label]['diverged']}


def mark(workdir: pathlib.Path, members: Sequence[Member], diverged: Mapping[str, str]) -> None:
  """Keeps in population.json which members diverged, and how."""
  _write(workdir, members, diverged)


def close(
  workdir: pathlib.Path, members: Sequence[Member], diverged: Mapping[str, str]
) -> dict[str, list[pathlib.Path]]:
  """Prints the table, writes the file, and returns the folders of each group of living members."""
  told = _write(workdir, members, diverged)
  for line in table(told['groups']):
    print(line)
  print(f'wrote    {workdir / FILE}')
  folders: dict[str, list[pathlib.Path]] = {}
  for member in members:
    if member.label not in diverged:
      folders.setdefault(_name(others(member.values)), []).append(member.workdir)
  return folders


def spread(values: Sequence[float]) -> dict[str, float | int | None]:
  """{'mean', 'sd' (of the sample; None of one value), 'n'}."""
  mean, sd = moments(values)
  return {'mean': mean, 'sd': sd, 'n': len(values)}


def table(groups: Sequence[Mapping[str, Any]]) -> list[str]:
  """A line for each group, a column for each number: mean +- s.d. over its members."""
  names = sorted({name for group in groups for name in group['numbers']})
  rows = [['', 'members', *names]]
  for group in groups:
    cells = [_cell(group['numbers'].get(name)) for name in names]
    rows.append([_name(group['values']), str(group['members']), *cells])
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  return ['  '.join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]


def _cell(numbers: Mapping[str, Any] | None) -> str:
  if numbers is None:
    return '-'
  mean = f'{numbers["mean"]:.4g}'
  return mean if numbers['sd'] is None else f'{mean} ± {numbers["sd"]:.2g}'


def _write(
  workdir: pathlib.Path, members: Sequence[Member], diverged: Mapping[str, str]
) -> dict[str, Any]:
  """population.json from the members' logs; returns what it holds. Raises InputError."""
  entries: dict[str, Any] = {}
  groups: dict[str, tuple[dict[str, float], list[dict[str, float]]]] = {}
  for member in members:
    round_, last = _last(member)
    how = diverged.get(member.label)
    entries[member.label] = dict(values=member.values, round=round_, diverged=how, last=last)
    if not how:
      groups.setdefault(_name(others(member.values)), (others(member.values), []))[1].append(last)
  told = dict(
    vary={key: sorted({m.values[key] for m in members}) for key in members[0].values},
    members=entries,
    groups=[
      dict(values=values, members=len(lasts), numbers=numbers(lasts))
      for values, lasts in groups.values()
    ],
  )
  runs.write_json(workdir / FILE, told)
  return told


def numbers(lasts: Sequence[Mapping[str, float]]) -> dict[str, Any]:
  """name -> its spread over the members that have it."""
  names = sorted({name for last in lasts for name in last})
  return {name: spread([last[name] for last in lasts if name in last]) for name in names}


def _last(member: Member) -> tuple[int, dict[str, float]]:
  """The last round in the member's log, and the last number of each loss and each eval."""
  round_ = 0
  last: dict[str, float] = {}
  for entry in logs.read(member.workdir):
    round_ = entry.pop('step')
    last |= entry
  evals = member.config['evals']
  kept = lambda name: name.endswith('/loss') or name.split('/')[0] in evals
  return round_, {name: value for name, value in last.items() if kept(name)}


def others(values: Mapping[str, float]) -> dict[str, float]:
  """What varies beside the seed: members that have it in common are a group."""
  return {key: value for key, value in values.items() if key != 'seed'}


def _name(values: Mapping[str, float]) -> str:
  return ' '.join(f'{key}={value:g}' for key, value in values.items())
