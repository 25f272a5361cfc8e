"""Compiled programs, kept from one run of the tests to the next at a stable place, .jax_cache/.

They spare the next run its compiling (34 s became 24 for three files of commands and samplers);
that nothing depends on them is shown by every first run. Each worker writes into a folder of its
own, since jax's entries are not written whole or not at all; at its end they go to where the next
run finds them, the newest up to SIZE. One that is half there, of a process that was killed, is read
as none. A folder is for one set of versions on one kind of processor.
"""

import contextlib
import hashlib
import os
import pathlib
import shutil
import tempfile
import time

import jax
import jaxlib

ROOT = pathlib.Path(__file__).parents[1] / '.jax_cache'
SIZE = 300 * 2**20  # bytes


def place() -> pathlib.Path:
  """The folder for these versions on this processor: a compiled program may suit no other."""
  try:
    lines = pathlib.Path('/proc/cpuinfo').read_text().splitlines()
  except OSError:
    lines = []
  about = [jax.__version__, jaxlib.__version__, *{li for li in lines if li.startswith('flags')}]
  return ROOT / hashlib.sha256('\n'.join(about).encode()).hexdigest()[:12]


def begin() -> pathlib.Path:
  """A folder for this process, with all that is known."""
  place().mkdir(parents=True, exist_ok=True)
  for left in place().glob('own-*'):  # by a run that was killed
    with contextlib.suppress(FileNotFoundError):
      if time.time() - left.stat().st_mtime > 86_400:
        shutil.rmtree(left, ignore_errors=True)
  own = pathlib.Path(tempfile.mkdtemp(prefix='own-', dir=place()))
  for entry in _entries(place() / 'all'):
    with contextlib.suppress(OSError):  # another process has made room, or there are no links here
      os.link(entry, own / entry.name)
  return own


def end(own: pathlib.Path) -> None:
  """Gives what is in the folder to those who come after; only whole entries are ever seen there."""
  whole = place() / 'all'
  whole.mkdir(exist_ok=True)
  for entry in _entries(own):
    entry.replace(whole / entry.name)
  shutil.rmtree(own, ignore_errors=True)
  held, known = 0, {}
  for entry in _entries(whole):
    with contextlib.suppress(FileNotFoundError):
      known[entry] = entry.stat()
  for entry, facts in sorted(known.items(), key=lambda item: -item[1].st_mtime):
    held += facts.st_size
    if held > SIZE:
      entry.unlink(missing_ok=True)


def _entries(folder: pathlib.Path) -> list[pathlib.Path]:
  return list(folder.glob('*-cache'))
