"""The Toronto Face Database (Susskind, Anderson & Hinton 2010), from its MATLAB file.

The file may not be passed on, so it must be given. Its fields, and what `folds` means, are as in
pylearn2's datasets/tfd.py, which the 2014 paper's experiments used.
"""

import pathlib
from typing import Any

import numpy as np

from gan_jax.data import split as splits
from gan_jax.data.source import Source, in_memory
from gan_jax.errors import InputError

_SPLITS = ('unlabeled', 'train', 'valid', 'test')  # the value of `folds`: 0, 1, 2, 3
# The file numbers them 1..7; the order of the names is the technical report's.
_CLASSES = ('anger', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')


def tfd(path: str, split: str = 'unlabeled', fold: int = 0) -> Source:
  """Grey faces -> image uint8[N,48,48,1] (or 96), label i32[N] in 0..6 but in 'unlabeled'.

  Args:
    path: TFD_48x48.mat or TFD_96x96.mat, or the folder it lies in.
    split: 'unlabeled' (98,058 in all), 'train', 'valid', 'test', sliced or added; pylearn2's
      full_train is 'train+valid'.
    fold: 0 to 4, which of the five partitions of the 4,178 labelled faces.

  Raises:
    InputError: the file is not there or lacks a field, or there is no such fold.
  """
  at = _locate(pathlib.Path(path).expanduser())
  mat = _load(at)
  if fold not in range(mat['folds'].shape[1]):
    raise InputError(f'fold={fold!r}: {at.name} has folds 0 to {mat["folds"].shape[1] - 1}')

  def read(name: str) -> Source:
    rows = np.flatnonzero(mat['folds'][:, fold] == _SPLITS.index(name))
    arrays = {'image': mat['images'][rows][..., None]}
    label = mat['labs_ex'].reshape(-1)[rows].astype(np.int32) - 1
    if name != 'unlabeled':
      if len(label) and not 0 <= label.min() <= label.max() < len(_CLASSES):
        raise InputError(
          f'{at}: labs_ex of {name} runs {label.min() + 1} to {label.max() + 1}, not 1 to 7'
        )
      arrays['label'] = label
    return in_memory(
      arrays,
      name='tfd',
      fold=fold,
      origin=str(at.absolute()),
      preprocessing='none',
      classes=list(_CLASSES),
    )

  return splits.select(split, _SPLITS, read, f'fold {fold} of {at.name}')


def _locate(path: pathlib.Path) -> pathlib.Path:
  for at in (path, path / 'TFD_48x48.mat', path / 'TFD_96x96.mat'):
    if at.is_file():
      return at
  raise InputError(
    f'there is no TFD_48x48.mat at {path}: the Toronto Face Database may not be passed on, ask its '
    f'authors for the file and give its folder as path='
  )


def _load(at: pathlib.Path) -> dict[str, Any]:
  from scipy.io import loadmat

  fields = ('images', 'labs_ex', 'folds')
  try:
    mat = loadmat(at, variable_names=fields)
  except Exception as e:  # scipy's reader raises nearly anything on what is no .mat file
    raise InputError(f'{at} cannot be read as a MATLAB file: {e}') from None
  if missing := [f for f in fields if f not in mat]:
    raise InputError(f'{at} is not the Toronto Face Database: it has no {", ".join(missing)}')
  images = mat['images']
  if images.dtype != np.uint8 or images.ndim != 3:
    raise InputError(f'{at}: images are {images.dtype}{list(images.shape)}, not uint8[N,48,48]')
  for name in fields[1:]:
    if len(mat[name]) != len(images):
      raise InputError(f'{at}: {len(images)} images but {len(mat[name])} rows of {name}')
  return mat
