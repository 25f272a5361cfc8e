"""sessions.jsonl: every time that a run was begun or gone on with, when, by what, on what.

A line when the first round is about to be compiled, and another when it is over; a kill leaves out
the second. What a run's numbers are does not depend on it.
"""

import contextlib
import json
import os
import pathlib
import platform
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

FILE = 'sessions.jsonl'


@contextlib.contextmanager
def session(workdirs: Sequence[pathlib.Path], round_: int) -> Iterator[None]:
  """Notes in each of the folders that their runs are played on from `round_`, and how it ended."""
  told = dict(began=time.time(), round=round_, command=_command(), code=_code(), device=_device())
  _note(workdirs, told)
  how = 'finished'
  try:
    yield
  except BaseException as error:
    how = ' '.join(f'{type(error).__name__}: {error}'.split())
    raise
  finally:
    with contextlib.suppress(OSError):  # a full disk, of which the error tells
      _note(workdirs, dict(ended=time.time(), how=how))


def read(workdir: str | pathlib.Path) -> list[dict[str, Any]]:
  """The sessions of a run in order, each with its 'ended' and 'how' if it came to its end."""
  path = pathlib.Path(workdir) / FILE
  out: list[dict[str, Any]] = []
  for line in path.read_text().splitlines() if path.exists() else []:
    try:
      entry = json.loads(line)
    except json.JSONDecodeError:  # cut short by a kill
      continue
    if 'began' in entry:
      out.append(entry)
    elif out:
      out[-1] |= entry
  return out


def _note(workdirs: Sequence[pathlib.Path], entry: dict[str, Any]) -> None:
  for workdir in workdirs:
    with (workdir / FILE).open('a') as file:
      file.write(json.dumps(entry, default=str) + '\n')


def _command() -> str:
  """As it was typed, but for the path of the interpreter."""
  words = list(getattr(sys, 'orig_argv', sys.argv))
  return shlex.join([os.path.basename(words[0]), *words[1:]]) if words else ''


@cache
def _code() -> dict[str, str]:
  from gan_jax import measuring

  return measuring.code()


@cache
def _device() -> str:
  """'2 x cpu (Intel(R) Xeon(R) ...)', '1 x NVIDIA H100'."""
  import jax

  kinds = [device.device_kind for device in jax.devices()]
  kind = ' and '.join(dict.fromkeys(kinds))
  processor = f' ({_processor()})' if jax.default_backend() == 'cpu' else ''
  return f'{len(kinds)} x {kind}{processor}'


def _processor() -> str:
  with contextlib.suppress(OSError):
    for line in pathlib.Path('/proc/cpuinfo').read_text().splitlines():
      if line.startswith('model name'):
        return f'{line.partition(":")[2].strip()}, {os.cpu_count()} cores'
  return f'{platform.processor() or platform.machine()}, {os.cpu_count()} cores'
