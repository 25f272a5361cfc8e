"""One process at a time in a folder: two that play one run would overwrite each other's work."""

import contextlib
import pathlib
from collections.abc import Iterator

from gan_jax.errors import InputError

FILE = '.lock'


@contextlib.contextmanager
def alone(workdir: str | pathlib.Path) -> Iterator[None]:
  """Holds the folder, which is made if need be; however the process ends, it is free again.

  Raises InputError if another process holds it, or if it cannot be written to.
  """
  workdir = pathlib.Path(workdir)
  try:
    workdir.mkdir(parents=True, exist_ok=True)
    file = (workdir / FILE).open('w')
  except OSError as error:
    raise InputError(f'{workdir} cannot be written to: {error.strerror}.') from error
  with file:
    try:
      import fcntl  # which Windows has not
    except ImportError:
      yield
      return
    try:
      fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
      raise InputError(
        f'another process is at work in {workdir}: wait for its end, stop it, or give another '
        '--workdir.'
      ) from None
    yield
