"""From the description of a source to the source: what a config's `data` or `of` stands for."""

from collections.abc import Mapping
from typing import Any

from gan_jax import config as configs
from gan_jax.data.source import Source, in_memory


def opened(spec: str | Mapping[str, Any], **changes: Any) -> Source:
  """dict(name='mnist', split='train', ...) as a Source, with other arguments where `changes` say.

  A name may be 'tfds:celeb_a'. Raises InputError for a description that fits no reader, and what
  the reader raises.
  """
  spec = {'name': spec} if isinstance(spec, str) else configs.plain(spec)
  if spec.get('name', '').startswith('tfds:'):
    spec |= {'name': 'tfds', 'dataset': spec['name'].removeprefix('tfds:')}
  return configs.build({**spec, **changes}, 'data')


def remade(base: Source, arrays: Mapping[str, Any], did: str) -> Source:
  """A source made of another: these arrays, and the other's sidecar with what was `did` to it."""
  kept = {k: v for k, v in base.meta.items() if k not in ('where', 'columns', 'versions')}
  return in_memory(arrays, **kept | {'preprocessing': f'{kept.get("preprocessing")}; {did}'})
