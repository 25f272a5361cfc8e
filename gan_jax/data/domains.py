"""Several sets as one, in which the label says which of them an image comes from."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_jax.data.opening import opened
from gan_jax.data.source import Source, in_memory
from gan_jax.errors import InputError


def domains(of: Mapping[str, Any], split: str = 'train') -> Source:
  """{name of a domain: description of its set, ...} -> image uint8[N,H,W,C], label i32[N].

  Domain k has label k, in the order of the names, which become the classes. A description that says
  its own split keeps it, so that two domains made of one set can have images of their own:
  dict(digit=dict(name='mnist', split='train[:30000]'), edge=dict(name='outlines', ...)).

  Raises:
    InputError: there are fewer than two, or their images differ in shape.
  """
  if len(of) < 2:
    raise InputError(f'domains are two or more; of={dict(of)!r} has {len(of)}.')
  names = sorted(of)
  sources = [opened({'split': split, **_spec(of[name])}) for name in names]
  images = [source.arrays['image'] for source in sources]
  if len({image.shape[1:] for image in images}) > 1:
    met = ', '.join(f'{n} {list(i.shape[1:])}' for n, i in zip(names, images, strict=True))
    raise InputError(f'the domains have images of different shapes: {met}.')
  label = np.repeat(np.arange(len(names), dtype=np.int32), [len(image) for image in images])
  told = lambda key: {n: s.meta.get(key) for n, s in zip(names, sources, strict=True)}
  return in_memory(
    {'image': np.concatenate(images), 'label': label},
    name='domains',
    split=split,
    origin='; '.join(f'{name}: {origin}' for name, origin in told('origin').items()),
    preprocessing='; '.join(f'{name}: {steps}' for name, steps in told('preprocessing').items()),
    parts=told('split'),
    classes=names,
  )


def _spec(spec: str | Mapping[str, Any]) -> Mapping[str, Any]:
  return {'name': spec} if isinstance(spec, str) else spec
