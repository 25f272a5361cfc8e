"""Where packed and downloaded data sets lie, and who may write there."""

import contextlib
import hashlib
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from gan_jax.errors import InputError

try:
  import fcntl
except ImportError:  # Windows: no lock, so do not pack one set from two processes at once there
  fcntl = None  # type: ignore[assignment]


def root() -> pathlib.Path:
  """The cache's folder, made when it is not there: $GAN_JAX_DATA, else ~/.cache/gan_jax.

  In place of ~/.cache that is $XDG_CACHE_HOME where the environment has it.
  """
  usual = os.path.join(os.environ.get('XDG_CACHE_HOME') or '~/.cache', 'gan_jax')
  folder = pathlib.Path(os.environ.get('GAN_JAX_DATA') or usual).expanduser()
  try:
    folder.mkdir(parents=True, exist_ok=True)
  except OSError as e:
    raise InputError(
      f'the cache folder {folder} cannot be made ({e.strerror}); set GAN_JAX_DATA to one that can'
    ) from None
  return folder


def place(name: str, recipe: dict[str, Any]) -> pathlib.Path:
  """The folder of the packed set that `recipe`, all that determines its content, leads to."""
  short = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12]
  return root() / f'{name}-{short}'


@contextlib.contextmanager
def lock(target: pathlib.Path) -> Iterator[None]:
  """Holds the right to write `target`; waits for another process that has it.

  The system drops the lock of a process that dies, however it dies, so none is ever stale. The
  lock's empty file stays: to delete it would be a race.
  """
  with open(target.parent / f'.{target.name}.lock', 'w') as file:
    if fcntl:
      fcntl.flock(file, fcntl.LOCK_EX)
    yield
