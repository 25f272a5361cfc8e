"""Stacked digits: three images of another source as one in colour, a thousand modes to find.

Metz et al. 2017, section 3.3.1, after Che et al. 2017: what a generator has lost is counted by
reading the digit in each channel (`metrics.modes.stacked_modes`).
"""

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_jax import config as configs
from gan_jax.data.opening import opened, remade
from gan_jax.data.source import Source
from gan_jax.errors import InputError

CHANNELS = 3


def stacked(
  of: str | Mapping[str, Any], n: int | None = None, seed: int = 0, split: str = 'train'
) -> Source:
  """dict(name='mnist', ...), of one channel and K classes -> n of its images for each channel.

  image uint8[n,H,W,3]: red, green and blue are images drawn with replacement, independently.
  label i32[n]: (red's K + green's) K + blue's, one of K³ modes. As many as there are in the other
  source, if n is unsaid. Which are drawn depends on the seed and on the split's name. meta's
  'stacked' is the other source's description, from which their classifier learns.

  Raises InputError for images in colour, or without a label for each.
  """
  base = opened(of, split=split)
  image, label = base.arrays['image'], base.arrays.get('label')
  name = base.meta.get('name')
  if image.ndim != 4 or image.shape[-1] != 1:
    raise InputError(f'to be stacked, images must have one channel; {name} has {image.shape[1:]}.')
  if label is None or np.min(label) < 0:
    raise InputError(f'to be stacked, each image must have a label; those of {name} have not.')
  count = int(np.max(label)) + 1
  names = base.meta.get('classes') or [str(i) for i in range(count)]
  rng = np.random.default_rng([seed, zlib.crc32(split.encode())])
  rows = rng.integers(len(base), size=(n or len(base), CHANNELS))
  weights = len(names) ** np.arange(CHANNELS - 1, -1, -1)
  columns = {
    'image': np.concatenate([image[r] for r in rows.T], axis=-1),
    'label': (np.asarray(label)[rows] @ weights).astype(np.int32),
  }
  made = remade(base, columns, f'{CHANNELS} stacked as channels, seed {seed}')
  spec = {'name': of} if isinstance(of, str) else configs.plain(of)
  modes = [f'{a} {b} {c}' for a in names for b in names for c in names]
  own = dict(name=f'stacked {name}', classes=modes, stacked=spec)
  return Source(made.arrays, {**made.meta, **own})
