"""Pictures of two domains that do not belong together: columns 'source' and 'image'.

Which source comes to lie beside which image is of no account: the costs of CycleGAN, DiscoGAN and
DualGAN are sums of terms that look at one domain each, so their expectation does not depend on it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_jax.data.opening import opened
from gan_jax.data.paired import together
from gan_jax.data.source import Source
from gan_jax.errors import InputError


def unpaired(of: Mapping[str, Any], split: str = 'train', seed: int = 0) -> Source:
  """Any two sources -> source, image; the shorter is repeated to the length of the longer.

  Repeated in an order of its own each time, which `seed` fixes. The same split is opened of both,
  before anything is repeated, so that no image of the one split is in another.

  Args:
    of: dict(source=..., image=...), the descriptions of two sources, e.g. dict(name='folder',
      path='horses', size=128). In a path, {split} stands for the split's name, for sets that lie in
      trainA, trainB, testA and testB: path='horse2zebra/{split}A'.
    split: of both.
    seed: of the order.

  Raises:
    InputError: there is another number of sources, or the images differ in size.
  """
  if set(of) != {'source', 'image'}:
    raise InputError(f'unpaired takes of=dict(source=..., image=...), not {", ".join(of)}.')
  parts = {column: _opened(of[column], split) for column in ('source', 'image')}
  n = max(len(part) for part in parts.values())
  longer = {column: _extended(part, n, seed) for column, part in parts.items()}
  return together(longer, 'unpaired')


def _opened(spec: Any, split: str) -> Source:
  """The split of a source, or all of one whose path names the split."""
  if not isinstance(spec, Mapping) or '{split}' not in str(spec.get('path')):
    return opened(spec, split=split)
  name, bracket, rows = split.partition('[')
  return opened(
    {**spec, 'path': spec['path'].replace('{split}', name)}, split='train' + bracket + rows
  )


def _extended(part: Source, n: int, seed: int) -> Source:
  """n rows: all as they are, and then all again in another order, as often as it takes."""
  image = part.arrays['image']
  if len(image) == n:
    return part
  rng = np.random.default_rng(seed)
  again = [rng.permutation(len(image)) for _ in range(1, -(-n // len(image)))]
  rows = np.concatenate([np.arange(len(image)), *again])[:n]
  steps = f'{part.meta.get("preprocessing", "none")}, {len(image)} repeated to {n}'
  return Source({'image': image[rows]}, {**part.meta, 'preprocessing': steps})
