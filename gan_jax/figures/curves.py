"""The course of a run: losses, and what D says of real and fake."""

import pathlib
from typing import Any

import numpy as np

from gan_jax import log as logs


def curves(workdir: pathlib.Path) -> list[pathlib.Path]:
  """Writes <workdir>/curves.png from log.jsonl and returns it; nothing if nothing was logged.

  One panel for each kind of number ('loss', 'gradient_norm', ...), one line for each player.
  """
  from matplotlib.figure import Figure

  series: dict[str, tuple[list[int], list[float]]] = {}
  for entry in logs.read(workdir):
    for name, value in entry.items():
      if name not in ('step', 'images_per_second'):
        steps, values = series.setdefault(name, ([], []))
        steps.append(entry['step'])
        values.append(value)
  if not series:
    return []
  panels: dict[str, list[str]] = {}
  for name in series:
    panels.setdefault(_panel(name), []).append(name)
  columns = min(3, len(panels))
  rows = -(-len(panels) // columns)
  figure = Figure(figsize=(4.2 * columns, 2.8 * rows), layout='constrained')
  for i, (title, names) in enumerate(panels.items()):
    axes: Any = figure.add_subplot(rows, columns, i + 1)
    for name in names:
      steps, values = series[name]
      axes.plot(steps, values, label=name, linewidth=1)
    if title == 'gradient norm' and np.min([series[n][1] for n in names]) > 0:
      axes.set_yscale('log')
    axes.set_title(title, fontsize=10)
    axes.set_xlabel('round', fontsize=8)
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=7, frameon=False)
    axes.spines[['top', 'right']].set_visible(False)
  target = pathlib.Path(workdir) / 'curves.png'
  figure.savefig(target, dpi=120)
  return [target]


def _panel(name: str) -> str:
  """Which panel a scalar belongs in: D(x) and D(G(z)) share one, so do the players' losses."""
  last = name.split('/')[-1]
  return {'real': "D's output", 'fake': "D's output"}.get(last, last.replace('_', ' '))
