"""The course of what was measured: each metric against the round, with its error, if it has one."""

import json
import pathlib
from typing import Any, NamedTuple

import numpy as np


class Course(NamedTuple):
  """A metric over the rounds; the arrays are f[T]."""

  rounds: np.ndarray
  values: np.ndarray
  errors: np.ndarray  # standard errors; NaN where there are none


def courses(workdir: pathlib.Path) -> list[pathlib.Path]:
  """Writes <workdir>/evaluations.png from evaluations/*.json; nothing of fewer than two rounds.

  One panel for each metric. Numbers of unlike protocols do not share a panel.
  """
  from matplotlib.figure import Figure

  found = {name: c for name, c in read(workdir).items() if len(c.rounds) > 1}
  if not found:
    return []
  columns = min(3, len(found))
  figure = Figure(figsize=(4.2 * columns, 2.8 * -(-len(found) // columns)), layout='constrained')
  for i, (name, course) in enumerate(found.items()):
    axes: Any = figure.add_subplot(-(-len(found) // columns), columns, i + 1)
    axes.errorbar(course.rounds, course.values, np.nan_to_num(course.errors), marker='.', capsize=2)
    axes.set_title(name, fontsize=10)
    axes.set_xlabel('round', fontsize=8)
    axes.tick_params(labelsize=7)
    axes.spines[['top', 'right']].set_visible(False)
  target = pathlib.Path(workdir) / 'evaluations.png'
  figure.savefig(target, dpi=120)
  return [target]


def read(workdir: pathlib.Path) -> dict[str, Course]:
  """metric -> its course; of a metric that was measured by several protocols, those of the last."""
  points: dict[str, list[tuple[int, float, float, Any]]] = {}
  for path in sorted((pathlib.Path(workdir) / 'evaluations').glob('*.json')):
    entry = json.loads(path.read_text())
    for name, metric in entry['metrics'].items():
      values = metric['values']
      main = values.get(name, next(iter(values.values())))
      error = values.get('stderr', values.get(f'{name}_sd', np.nan))
      points.setdefault(name, []).append((entry['of']['round'], main, error, metric['protocol']))
  alike = {n: [p[:3] for p in of if p[3] == of[-1][3]] for n, of in points.items()}
  columns = {n: [np.array(c, float) for c in zip(*of, strict=True)] for n, of in alike.items()}
  return {n: Course(*c) for n, c in columns.items()}
