"""The course of a run, or of several: losses, and what D says of real and fake."""

import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gan_jax import log as logs


class Line(NamedTuple):
  """A number over the rounds."""

  name: str  # 'D/loss'
  label: str
  steps: np.ndarray  # i[T]
  middle: np.ndarray  # f[T]
  sd: np.ndarray | None  # f[T], half the height of the band about it


def curves(workdir: pathlib.Path) -> list[pathlib.Path]:
  """Writes <workdir>/curves.png from log.jsonl and returns it; nothing if nothing was logged.

  One panel for each kind of number ('loss', 'gradient_norm', ...), one line for each player.
  """
  found = _series(workdir)
  lines = [
    Line(n, n, np.array([*s]), np.array([*s.values()], float), None) for n, s in found.items()
  ]
  return _draw(lines, pathlib.Path(workdir) / 'curves.png')


def bands(
  workdir: pathlib.Path, groups: Mapping[str, Sequence[pathlib.Path]]
) -> list[pathlib.Path]:
  """The same of several runs: a line for the mean of each group, and one s.d. either way.

  groups: what the runs of a group have in common -> their folders. A group is drawn over the rounds
  that all its runs have logged.
  """
  lines = []
  for group, folders in groups.items():
    runs = [_series(folder) for folder in folders]
    for name in runs[0]:
      having = [run[name] for run in runs if name in run]
      steps = sorted(set.intersection(*map(set, having)))
      values = np.array([[run[s] for s in steps] for run in having], float).reshape(-1, len(steps))
      values = np.where(np.isfinite(values), values, np.nan)
      sd = np.std(values, axis=0, ddof=1) if len(having) > 1 else None
      label = f'{name} {group}'.strip()
      lines.append(Line(name, label, np.array(steps), np.mean(values, axis=0), sd))
  return _draw(lines, pathlib.Path(workdir) / 'curves.png')


def _series(workdir: pathlib.Path) -> dict[str, dict[int, float]]:
  """name -> round -> value, of what the log holds."""
  series: dict[str, dict[int, float]] = {}
  for entry in logs.read(workdir):
    for name, value in entry.items():
      if name not in ('step', 'images_per_second'):
        series.setdefault(name, {})[entry['step']] = value
  return series


def _draw(lines: Iterable[Line], target: pathlib.Path) -> list[pathlib.Path]:
  from matplotlib.figure import Figure

  panels: dict[str, list[Line]] = {}
  for line in lines:
    panels.setdefault(_panel(line.name), []).append(line)
  if not panels:
    return []
  columns = min(3, len(panels))
  rows = -(-len(panels) // columns)
  figure = Figure(figsize=(4.2 * columns, 2.8 * rows), layout='constrained')
  for i, (title, drawn) in enumerate(panels.items()):
    axes: Any = figure.add_subplot(rows, columns, i + 1)
    for line in drawn:
      (stroke,) = axes.plot(line.steps, line.middle, label=line.label, linewidth=1)
      if line.sd is not None:
        low, high = line.middle - line.sd, line.middle + line.sd
        axes.fill_between(line.steps, low, high, color=stroke.get_color(), alpha=0.2, linewidth=0)
    if title == 'gradient norm' and min(np.min(line.middle) for line in drawn) > 0:
      axes.set_yscale('log')
    axes.set_title(title, fontsize=10)
    axes.set_xlabel('round', fontsize=8)
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=7, frameon=False)
    axes.spines[['top', 'right']].set_visible(False)
  figure.savefig(target, dpi=120)
  return [target]


def _panel(name: str) -> str:
  """Which panel a scalar belongs in: D(x) and D(G(z)) share one, so do the players' losses."""
  last = name.split('/')[-1]
  return {'real': "D's output", 'fake': "D's output"}.get(last, last.replace('_', ' '))
