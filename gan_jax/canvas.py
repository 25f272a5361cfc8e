"""Pictures as arrays, which is what an eval returns: from matplotlib, and to Pillow."""

from typing import Any

import numpy as np


def blank(width: float, height: float, dpi: int = 100, layout: Any = 'constrained') -> Any:
  """An empty figure of so many inches, which belongs to no window.

  `layout` is matplotlib's: 'constrained' makes room for labels, 'none' is for axes that one
  places oneself.
  """
  from matplotlib.backends.backend_agg import FigureCanvasAgg
  from matplotlib.figure import Figure

  figure = Figure(figsize=(width, height), dpi=dpi, layout=layout)
  FigureCanvasAgg(figure)
  return figure


def pixels(figure: Any) -> np.ndarray:
  """A figure made by `blank` -> uint8[H,W,3]."""
  figure.canvas.draw()
  return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()


def image(pixels: np.ndarray) -> Any:
  """uint8[H,W,C] (C = 1, 3 or 4) as Pillow's image, which a notebook shows by itself."""
  from PIL import Image

  return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def plain(axes: Any, x: str = '', y: str = '') -> None:
  """Axes with small figures, no frame above and to the right, and what they measure."""
  axes.set_xlabel(x, fontsize=8)
  axes.set_ylabel(y, fontsize=8)
  axes.tick_params(labelsize=7)
  axes.spines[['top', 'right']].set_visible(False)
