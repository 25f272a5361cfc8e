"""A data set of which only a few labels are told: what semi-supervised learning learns from."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_jax.data.opening import opened
from gan_jax.data.source import Source, digest
from gan_jax.errors import InputError


def labelled(
  of: str | Mapping[str, Any], per_class: int = 10, seed: int = 1, split: str = 'train'
) -> Source:
  """`per_class` labels of each class of another source are told; two columns show what they are of.

  of: dict(name='mnist', ...), any source with labels; its split is the one given here.
  image uint8[N,H,W,C]: all images, and label i32[N]: theirs, -1 where it is not told.
  labelled uint8[N,H,W,C], known i32[N]: the images whose labels are told, and these, repeated to
  the same length N, each time in another order. So every minibatch has labelled
  examples, however few are told, and one order of the data serves both. They take the room of the
  images once more.

  Which are told depends on the seed alone: the first of each class in RandomState(seed)'s
  permutation, as in the authors' code (their seed_data, 1). A split whose name does not begin with
  'train' is given as it is, all its labels told: errors are counted on it. Raises InputError if
  there are no labels, or too few of a class.
  """
  source = opened(of, split=split)
  if not split.startswith('train'):
    return source
  if 'label' not in source.arrays:
    raise InputError(f'{source.meta.get("name")} has no labels, of which some could be told.')
  label = np.asarray(source.arrays['label'])
  if (least := int(np.bincount(label).min())) < per_class or per_class < 1:
    raise InputError(
      f'per_class={per_class} labels cannot be told: right would be 1 to {least}, the size of the '
      f'smallest class of {source.meta.get("name")}.'
    )
  rng = np.random.RandomState(seed)  # the authors' stream, frozen for good
  order = rng.permutation(len(label))
  told = np.concatenate([order[label[order] == k][:per_class] for k in range(label.max() + 1)])
  turns = -(-len(label) // len(told))
  rows = np.concatenate([rng.permutation(told) for _ in range(turns)])[: len(label)]
  columns = {
    'label': np.where(np.isin(np.arange(len(label)), told), label, -1).astype(np.int32),
    'labelled': np.asarray(source.arrays['image'][rows]),
    'known': label[rows].astype(np.int32),
  }
  digests = {**source.meta.get('sha256', {}), **{k: digest(v) for k, v in columns.items()}}
  meta = {**source.meta, 'sha256': digests, 'told': {'per_class': per_class, 'seed': seed}}
  return Source({**source.arrays, **columns}, meta)
