"""What the folder of a run tells of it, whole or not, without its data or its weights."""

import contextlib
import pathlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from gan_jax import log as logs
from gan_jax import runs, sessions, summary
from gan_jax.best import FILE as BEST
from gan_jax.best import FOLDER
from gan_jax.errors import InputError

_TAKEN = re.compile(r'(.+)_(\d{8})')  # how evals name their pictures


class Told(NamedTuple):
  """A run."""

  title: str
  workdir: pathlib.Path
  config: dict[str, Any]  # {} of a folder of several runs
  known: dict[str, Any]  # facts.json
  entries: list[dict[str, Any]]  # of the log
  sessions: list[dict[str, Any]]
  protocols: dict[str, Any]  # of the evals during training
  evaluation: dict[str, Any] | None  # the newest of evaluations/
  best: dict[str, Any] | None
  returns: list[dict[str, Any]]
  diverged: str | None = None  # how, of a member of a population

  @property
  def round(self) -> int:
    """The last that is in the log."""
    return max((entry['step'] for entry in self.entries), default=0)


def read(workdir: str | pathlib.Path, title: str = '', diverged: str | None = None) -> Told:
  """The run in a folder; raises InputError if there is none."""
  folder = pathlib.Path(workdir)
  path = folder / 'config.json'
  if not path.exists():
    raise InputError(
      f'{workdir} holds no run: there is no config.json in it, nor {summary.FILE} or {runs.WHOLE} '
      'of several. Give the --workdir of one that was begun.'
    )
  return _told(folder, title, runs.read_json(path), diverged)


def together(workdir: str | pathlib.Path) -> tuple[Told, list[Told]] | None:
  """A folder of several runs, a population or stages, and its runs; None if it is none of them."""
  folder = pathlib.Path(workdir)
  whole = _told(folder, '', {}, None)
  if (folder / summary.FILE).exists():
    members = runs.read_json(folder / summary.FILE)['members']
    how = {name: member['diverged'] for name, member in members.items()}
  elif (folder / runs.WHOLE).exists():
    how = dict.fromkeys(runs.read_json(folder / runs.WHOLE)['runs'])
  else:
    return None
  begun = [name for name in how if (folder / name / 'config.json').exists()]
  return whole, [read(folder / name, name, how[name]) for name in begun]


def pictures(folder: pathlib.Path) -> dict[str, list[tuple[int, pathlib.Path]]]:
  """What kind of picture -> (round, file) in order, of files called KIND_ROUND.png or .gif."""
  found: dict[str, list[tuple[int, pathlib.Path]]] = {}
  for path in sorted(folder.glob('*')):
    match = _TAKEN.fullmatch(path.stem)
    if match and path.suffix in ('.png', '.gif'):
      found.setdefault(match[1], []).append((int(match[2]), path))
  return found


def series(told: Told) -> dict[str, dict[int, float]]:
  """name -> round -> value, of what the log holds, but for the rate."""
  out: dict[str, dict[int, float]] = {}
  for entry in told.entries:
    for name, value in entry.items():
      if name not in ('step', 'images_per_second') and isinstance(value, int | float):
        out.setdefault(name, {})[entry['step']] = float(value)
  return out


def looked_at(told: Told) -> dict[str, dict[str, Any]]:
  """The evals during training: name -> {'values', 'protocol', 'round'}, of its last look.

  'protocol' is None of one that tells none.
  """
  out: dict[str, dict[str, Any]] = {}
  evals = {**told.config.get('evals', {}), **told.protocols}
  for entry in told.entries:
    for label, value in entry.items():
      name, _, inner = label.partition('/')
      if name in evals and isinstance(value, int | float):
        one = out.setdefault(name, dict(values={}, protocol=told.protocols.get(name), round=0))
        one['values'][inner or name] = float(value)
        one['round'] = entry['step']
  return out


def _told(folder: pathlib.Path, title: str, config: dict[str, Any], diverged: str | None) -> Told:
  measured = [p for p in sorted((folder / 'evaluations').glob('*.json')) if p.stem.isdigit()]
  return Told(
    title or folder.resolve().name,
    folder,
    config,
    _json(folder / 'facts.json', {}),
    logs.read(folder),
    sessions.read(folder),
    _json(folder / logs.PROTOCOLS, {}),
    _json(measured[-1], None) if measured else None,
    _json(folder / FOLDER / BEST, None),
    _json(folder / 'returns.json', []),
    diverged,
  )


def _json(path: pathlib.Path, otherwise: Any) -> Any:
  """What is in it; `otherwise` where there is nothing, or a kill has left something damaged."""
  with contextlib.suppress(InputError):
    return runs.read_json(path)
  return otherwise


def titled(workdirs: list[str]) -> Mapping[str, str]:
  """workdir -> the shortest end of its path that tells it from the others."""
  parts = {w: pathlib.Path(w).resolve().parts for w in workdirs}
  for n in range(1, max(map(len, parts.values())) + 1):
    ends = {w: '/'.join(p[-n:]) for w, p in parts.items()}
    if len(set(ends.values())) == len(workdirs):
      return ends
  raise InputError(f'the same run is given twice: {", ".join(workdirs)}.')
