"""The plots of a sweep: its metric by rows and columns, and as training went on.

A place in the table of rows and columns may hold several groups, which differ in what neither of
the two names (a learning rate, say). Its bar is the best of them, the others are dots; whoever
compares losses each with the best of equally many rates does as Lucic et al. 2018.
"""

import math
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gan_jax import canvas, log
from gan_jax.sweeps.book import Sweep

Place = tuple[str, str]  # (of a row, of a column)
Groups = Sequence[Any]  # of results.Group


def draw(workdir: pathlib.Path, groups: Groups, sweep: Sweep) -> Iterator[pathlib.Path]:
  """Writes metric.png and compute.png, as far as there are numbers for them."""
  placed = places(groups, sweep)
  if not placed:
    return
  if sweep.rows:
    yield _written(workdir / 'metric.png', _metric(placed, sweep))
  yield _written(workdir / 'compute.png', _compute(placed, sweep))


def places(groups: Groups, sweep: Sweep) -> dict[Place, list[Any]]:
  """The groups that have the metric, by place, the best of each first."""
  sign = -1 if sweep.better == 'more' else 1
  found: dict[Place, list[Any]] = {}
  for group in groups:
    if sweep.metric and np.isfinite(group.spread(sweep.metric)[0]):
      found.setdefault((_label(group, sweep.rows), _label(group, sweep.columns)), []).append(group)
  rank = lambda group: sign * group.spread(sweep.metric)[0]
  return {place: sorted(own, key=rank) for place, own in found.items()}


def _label(group: Any, keys: Sequence[str]) -> str:
  return ', '.join(str(group.overrides.get(key, '')) for key in keys)


def _metric(placed: Mapping[Place, list[Any]], sweep: Sweep) -> Any:
  """Rows along the axis, a bar for each column, the spread over seeds as its error."""
  across, kinds = _names(placed, 0), _names(placed, 1)
  figure = canvas.blank(max(5, 1.1 * len(across) + 1.5), 3.6, dpi=110)
  axes = figure.add_subplot()
  width = 0.8 / len(kinds)
  for i, kind in enumerate(kinds):
    own = [(row, placed[row, kind]) for row in across if (row, kind) in placed]
    x = [across.index(row) + (i - (len(kinds) - 1) / 2) * width for row, _ in own]
    best = [groups[0].spread(sweep.metric) for _, groups in own]
    errors = [sd or 0.0 for _, sd, _ in best]
    axes.bar(x, [m for m, _, _ in best], 0.9 * width, yerr=errors, capsize=2, label=kind or None)
    others = [
      (at, g.spread(sweep.metric)[0])
      for at, (_, groups) in zip(x, own, strict=True)
      for g in groups[1:]
    ]
    if others:
      axes.plot(*zip(*others, strict=True), 'o', color='0.35', markersize=3, fillstyle='none')
  canvas.plain(axes, y=f'{sweep.metric} ({sweep.better} is better)')
  axes.set_xticks(range(len(across)), across, fontsize=8)
  if any(kinds):
    title = ', '.join(key.lstrip(':') for key in sweep.columns)
    axes.legend(fontsize=8, frameon=False, title=title, title_fontsize=8)
  return figure


def _compute(placed: Mapping[Place, list[Any]], sweep: Sweep) -> Any:
  """A panel for each row, a line for each trial of the best groups, in its column's colour."""
  across, kinds = _names(placed, 0), _names(placed, 1)
  columns = min(3, len(across))
  lines = math.ceil(len(across) / columns)
  figure = canvas.blank(max(5, 2.9 * columns), 0.5 + 2.3 * lines, dpi=110)
  panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
  positive = True
  for n, (row, axes) in enumerate(zip(across, panels, strict=False)):
    for i, kind in enumerate(kinds):
      for j, one in enumerate(placed[row, kind][0].results if (row, kind) in placed else ()):
        label = kind if j == 0 else None
        axes.plot(*one.course, '.-', color=f'C{i % 10}', markersize=3, linewidth=1, label=label)
        positive &= bool(np.nanmin(one.course[1], initial=np.inf) > 0)
    axes.set_title(row, fontsize=9)
    below = n + columns < len(across)
    canvas.plain(axes, '' if below else 'seconds of training', '' if n % columns else sweep.metric)
    axes.tick_params(labelbottom=not below)
  if positive:
    panels[0].set_yscale('log')
  for axes in panels[len(across) :]:
    axes.set_axis_off()
  if any(kinds):
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside upper right', fontsize=8, frameon=False, ncols=9)
  return figure


def _names(placed: Mapping[Place, Any], axis: int) -> list[str]:
  return list(dict.fromkeys(place[axis] for place in placed))


def _written(path: pathlib.Path, figure: Any) -> pathlib.Path:
  log.save_png(path, canvas.pixels(figure))
  return path
