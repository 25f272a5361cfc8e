"""Curves as SVG for a page: in the page's own colours, light or dark, with text that is text."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

POINTS = 500  # of a line; of a longer one the least and the greatest of each stretch
COLOURS = 8  # that the page has, --line-0 and on; then the lines are dashed
SIZE = 4.2, 2.7  # inches
_INK = '#010101'  # stands for the colour of the page's text
_LINE = '#0201{:02x}'  # stands for --line-N
_DASHES: tuple[Any, ...] = ('-', (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))


class Line(NamedTuple):
  """A number over the rounds of a run."""

  label: str
  x: np.ndarray  # f[T]
  y: np.ndarray  # f[T]
  error: np.ndarray | None = None  # f[T], drawn as bars
  colour: int = 0


class Panel(NamedTuple):
  """A chart of a page."""

  title: str
  svg: str
  alt: str


def panels(
  groups: Mapping[str, Sequence[Line]], *, legend: bool = True, x: str = 'round'
) -> list[Panel]:
  """title -> its lines, as a chart each; those without a finite number are left out."""
  finite = lambda line: np.isfinite(line.y).any()
  good = {title: [*filter(finite, lines)] for title, lines in groups.items()}
  return [
    Panel(title, draw(title, lines, legend=legend, x=x), said(title, lines))
    for title, lines in good.items()
    if lines
  ]


def draw(title: str, lines: Sequence[Line], *, legend: bool, x: str = 'round') -> str:
  """The SVG element; its colours are `currentColor` and the custom properties --line-N."""
  import matplotlib as mpl
  from matplotlib.figure import Figure

  style: Any = {
    'svg.fonttype': 'none', 'svg.hashsalt': title + ''.join(line.label for line in lines),
    'text.color': _INK, 'axes.edgecolor': _INK, 'axes.labelcolor': _INK, 'xtick.color': _INK,
    'ytick.color': _INK, 'text.parse_math': False,
  }  # fmt: skip
  with mpl.rc_context(style):
    figure = Figure(figsize=SIZE, layout='constrained')
    axes: Any = figure.add_subplot()
    for line in lines:
      at, y = thinned(line.x, line.y)
      look: dict[str, Any] = dict(
        color=_LINE.format(line.colour % COLOURS), linewidth=1.4, label=line.label,
        linestyle=_DASHES[line.colour // COLOURS % len(_DASHES)],
      )  # fmt: skip
      if len(at) == 1 or line.error is not None:
        error = np.zeros(len(line.y)) if line.error is None else np.nan_to_num(line.error)
        axes.errorbar(line.x, line.y, error, marker='o', markersize=4, capsize=3, **look)
      else:
        axes.plot(at, y, **look)
    if title == 'gradient norm' and min(np.nanmin(line.y) for line in lines) > 0:
      axes.set_yscale('log')
      axes.yaxis.set_major_formatter(lambda value, _: f'{value:g}')
      axes.yaxis.set_minor_formatter(lambda value, _: f'{value:g}' * (f'{value:e}'[0] in '25'))
    axes.set_xlabel(x, fontsize=9)
    axes.tick_params(labelsize=9)
    axes.xaxis.set_major_formatter(lambda value, _: f'{value:,.6g}')
    axes.locator_params(axis='x', nbins=5)
    axes.grid(color=_INK, alpha=0.12, linewidth=0.6)
    axes.spines[['top', 'right']].set_visible(False)
    if legend and (len(lines) > 1 or lines[0].label != title):
      axes.legend(fontsize=8, frameon=False, labelcolor=_INK)
    out = io.StringIO()
    nothing = dict.fromkeys(('Creator', 'Date', 'Format', 'Type'))
    figure.savefig(out, format='svg', transparent=True, metadata=nothing)
  return _in_page(out.getvalue())


def thinned(x: np.ndarray, y: np.ndarray, most: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
  """x, y [T] -> at most about `most` of the points: of each stretch the least and the greatest y.

  Both ends are kept; what is not finite is a gap.
  """
  y = np.where(np.isfinite(y), y, np.nan)
  if len(x) <= most:
    return x, y
  kept = {0, len(x) - 1}
  for part in np.array_split(np.arange(len(x)), most // 2):
    if np.isfinite(y[part]).any():
      kept |= {int(part[np.nanargmin(y[part])]), int(part[np.nanargmax(y[part])])}
    else:
      kept.add(int(part[0]))
  rows = sorted(kept)
  return x[rows], y[rows]


def said(title: str, lines: Sequence[Line]) -> str:
  """What a chart shows, for those who cannot see it: where each line begins and ends."""
  parts = []
  for line in lines:
    good = np.flatnonzero(np.isfinite(line.y))
    first, last = good[0], good[-1]
    parts.append(
      f'{line.label} from {line.y[first]:.4g} at {line.x[first]:,.0f} to {line.y[last]:.4g} at '
      f'{line.x[last]:,.0f}'
    )
  return f'Chart of {title}: {"; ".join(parts)}.'


def _in_page(svg: str) -> str:
  """Only the element, hidden from readers of the page aloud, since the figure about it is told."""
  svg = svg[svg.index('<svg') :].replace(_INK, 'currentColor')
  for i in range(COLOURS):
    svg = svg.replace(_LINE.format(i), f'var(--line-{i})')
  svg = re.sub(r"'?DejaVu Sans'?", 'system-ui', svg)
  svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r'\1', svg, count=1)
  svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r'\1', svg, count=1)
  return svg.replace('<svg', '<svg aria-hidden="true" focusable="false"', 1)
