"""From the description of a source to the source: what a config's `data` or `of` stands for."""

from collections.abc import Mapping, Sequence
from typing import Any

from gan_jax import config as configs
from gan_jax.data.source import Source, in_memory
from gan_jax.errors import InputError


def opened(spec: str | Mapping[str, Any], **changes: Any) -> Source:
  """dict(name='mnist', split='train', ...) as a Source, with other arguments where `changes` say.

  A name may be 'tfds:celeb_a'. Raises InputError for a description that fits no reader, and what
  the reader raises.
  """
  spec = {'name': spec} if isinstance(spec, str) else configs.plain(spec)
  if spec.get('name', '').startswith('tfds:'):
    spec |= {'name': 'tfds', 'dataset': spec['name'].removeprefix('tfds:')}
  return configs.build({**spec, **changes}, 'data')


def images_at(path: str, shape: Sequence[int] | None = None, **changes: Any) -> Source:
  """The images in an .npz or .npy file, or below a folder or .zip, which are cut to `shape`.

  Raises InputError if arrays are of another shape (H,W,C), or folders of several if none is said.
  """
  if not path.endswith(('.npz', '.npy')):
    size = {} if shape is None else dict(size=tuple(shape[:2]), channels=shape[2])
    return opened('folder', path=path, **size, **changes)
  source = opened('arrays', path=path, **changes)
  found = source.arrays['image'].shape[1:]
  if shape is not None and found != tuple(shape):
    raise InputError(f'the images in {path} are {found}, but {tuple(shape)} are wanted.')
  return source


def remade(base: Source, arrays: Mapping[str, Any], did: str) -> Source:
  """A source made of another: these arrays, and the other's sidecar with what was `did` to it."""
  kept = {k: v for k, v in base.meta.items() if k not in ('where', 'columns', 'versions')}
  return in_memory(arrays, **kept | {'preprocessing': f'{kept.get("preprocessing")}; {did}'})
