"""A data set without some of its classes: to learn what is usual, and then tell what is not."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gan_jax.data import split as splits
from gan_jax.data.opening import opened, remade
from gan_jax.data.source import Source
from gan_jax.errors import InputError


def without(
  of: str | Mapping[str, Any], classes: Sequence[int] = (9,), split: str = 'train'
) -> Source:
  """Another source, dict(name='mnist', ...), whose training examples of `classes` are left out.

  Only a split whose name begins with 'train' is without them: in any other they are what is to be
  told from the rest. The labels stay what they are; meta's 'left_out' names the classes. Raises
  InputError if there are no labels, or nothing is left.
  """
  base = opened(of, split=split)
  if 'label' not in base.arrays:
    raise InputError(f'{base.meta.get("name")} has no labels, so no class can be left out.')
  out = tuple(classes)
  if not any(part.name.startswith('train') for part in splits.parse(split)):
    return Source(base.arrays, {**base.meta, 'left_out': out})
  kept = np.flatnonzero(~np.isin(base.arrays['label'], out))
  if not len(kept):
    raise InputError(f'without classes {", ".join(map(str, out))} nothing is left of {split!r}.')
  columns = {name: np.asarray(column[kept]) for name, column in base.arrays.items()}
  made = remade(base, columns, f'without classes {", ".join(map(str, out))}')
  return Source(made.arrays, {**made.meta, 'left_out': out})
