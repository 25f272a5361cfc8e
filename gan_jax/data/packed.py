"""A packed set without what it was packed from: prepared on one machine, copied to another."""

import pathlib

from gan_jax.data import pack
from gan_jax.data import split as splits
from gan_jax.data.source import Source
from gan_jax.errors import InputError


def packed(path: str, split: str = 'train') -> Source:
  """A folder that `python -m gan_jax.prepare` wrote (its line 'where') -> what was packed in it.

  It holds one split, under the name that it has in its meta.json. InputError when there is none, or
  when it is damaged.
  """
  at = pathlib.Path(path).expanduser()
  if not (at / 'meta.json').is_file():
    raise InputError(f'{at} is no packed set: there is no meta.json in it')
  source = pack.read(at)
  return splits.select(split, [source.meta['split']], lambda name: source, str(at))
