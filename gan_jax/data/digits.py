"""The 8x8 digits that come with scikit-learn: a data set that needs no download and no disk."""

import importlib.util
import pathlib
from typing import Any

import numpy as np

from gan_jax.data import split as splits
from gan_jax.data.source import Source, in_memory

_TRAIN = 1500  # of 1797; the scans lie writer by writer, so the last 297 are of other hands


def digits(split: str = 'train') -> Source:
  """Alpaydin and Kaynak's scans -> image uint8[N,8,8,1] in [0, 255], label i32[N] in 0..9.

  Splits: 'train' (the first 1500) and 'test' (the last 297), all ten classes in both. The original
  counts of ink, 0..16, are rescaled to 0..255 and rounded. Source: UCI "Optical Recognition of
  Handwritten Digits" (its test half), as bundled by scikit-learn.
  """
  rows = _scans()
  image = np.rint(rows[:, :-1].reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
  label = rows[:, -1].astype(np.int32)
  parts = {'train': slice(None, _TRAIN), 'test': slice(_TRAIN, None)}

  def read(name: str) -> Source:
    return in_memory(
      {'image': image[parts[name]], 'label': label[parts[name]]},
      name='digits',
      origin='scikit-learn load_digits (UCI optical recognition of handwritten digits)',
      preprocessing='ink 0..16 rescaled to 0..255 and rounded',
      classes=[str(i) for i in range(10)],
    )

  return splits.select(split, tuple(parts), read, 'digits')


def _scans() -> np.ndarray:
  """f64[1797,65]: the ink of 64 pixels, and the class, from the file that `load_digits` reads.

  Importing scikit-learn for it would take two seconds and more.
  """
  spec: Any = importlib.util.find_spec('sklearn')
  file = pathlib.Path(spec.origin).parent / 'datasets' / 'data' / 'digits.csv.gz'
  return np.loadtxt(file, delimiter=',')
