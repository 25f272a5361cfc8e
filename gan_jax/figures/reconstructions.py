"""Images and what comes back of them through a code: for encoders, and D's that autoencode."""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from gan_jax.figures.grids import grid
from gan_jax.sampling import Sampler

Pictures = Mapping[str, np.ndarray]


def encoded(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  split: str = 'test',
  pairs: int = 4,
  columns: int = 10,
  output: str | None = 'mean',
) -> Pictures:
  """{'reconstructions': uint8[H,W,C]}: `pairs` rows of images, G(E(x)) beneath each row.

  `output` is the entry of what E returns that is the code; None if E returns just that.
  """
  stored = _first(source, split, pairs * columns)
  code = sampler.apply('E', sampler.see(stored), output=output)
  return _interleaved(stored, sampler.display(sampler.generate(code)), columns)


def autoencoded(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  split: str = 'train',
  pairs: int = 4,
  columns: int = 10,
  net: str = 'D',
) -> Pictures:
  """The same for a network that returns {'image'}, the D of EBGAN or BEGAN."""
  stored = _first(source, split, pairs * columns)
  back = sampler.apply(net, sampler.see(stored), output='image')
  return _interleaved(stored, sampler.display(back), columns)


def _first(source: Callable, split: str, n: int) -> np.ndarray:
  return np.asarray(source(split).arrays['image'][:n])


def _interleaved(above: np.ndarray, below: np.ndarray, columns: int) -> Pictures:
  """Two lists of as many images as one grid, a row of each in turn."""
  n = len(above) // columns * columns or len(above)
  columns = min(columns, n)
  rows = lambda a: a[:n].reshape(-1, columns, *a.shape[1:])
  both = np.stack([rows(above), rows(below)], axis=1)
  return {'reconstructions': grid(both.reshape(-1, *above.shape[1:]), columns)}
