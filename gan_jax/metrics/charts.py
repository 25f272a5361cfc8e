"""Lines drawn into an array, for evals whose result is a curve."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gan_jax import canvas

COLOURS = ('0.35', 'tab:red', 'tab:blue', 'tab:green')  # what is real is grey
SIZE = 4.2, 3.2  # inches, of
DPI = 100  # pixels each


class Line(NamedTuple):
  """A curve, and a band about it."""

  name: str
  x: np.ndarray  # f[P]
  y: np.ndarray  # f[P]
  low: np.ndarray | None = None  # f[P]
  high: np.ndarray | None = None  # f[P]


def chart(
  lines: Sequence[Line],
  x: str,
  y: str,
  *,
  logarithmic: bool = False,
  limits: tuple[float, float] | None = None,
) -> np.ndarray:
  """uint8[H,W,3]: the lines over one another, `x` and `y` named, both axes within `limits`."""
  figure = canvas.blank(*SIZE, DPI)
  axes: Any = figure.add_subplot()
  for line, colour in zip(lines, COLOURS, strict=False):
    axes.plot(line.x, line.y, label=line.name, color=colour, linewidth=1.2)
    if line.low is not None and line.high is not None:
      axes.fill_between(line.x, line.low, line.high, color=colour, alpha=0.2, linewidth=0)
  if logarithmic:
    axes.set_xscale('log')
    axes.set_yscale('log')
    axes.xaxis.set_minor_formatter('')  # within a decade or two they would lie over each other
  if limits:
    axes.set_xlim(*limits)
    axes.set_ylim(*limits)
  axes.set_xlabel(x, fontsize=9)
  axes.set_ylabel(y, fontsize=9)
  axes.tick_params(labelsize=8)
  axes.legend(fontsize=8, frameon=False)
  axes.spines[['top', 'right']].set_visible(False)
  return canvas.pixels(figure)
