"""Fetching a published file: with a bar, resumed where it was cut off, and checked."""

import hashlib
import http.client
import os
import pathlib
import urllib.error
import urllib.request
from typing import NamedTuple

import tqdm

from gan_jax.data import bar as bars
from gan_jax.data import cache
from gan_jax.errors import InputError

_BLOCK = 1 << 18  # bytes
_TRIES = 3
_SILENCE = 30  # seconds without a byte until a connection counts as dead


class File(NamedTuple):
  """A published file: its name, its size in bytes and its SHA-256."""

  name: str
  size: int
  sha256: str


def fetch(file: File, base: str, folder: pathlib.Path) -> pathlib.Path:
  """The file in `folder`, downloaded from the address `base` + its name when it is not there.

  What has arrived lies in `<name>.partial`, so that a second call goes on where the first was cut
  off. A file of another digest is removed.

  Raises:
    InputError: no connection, or the digest of what came is not the published one.
  """
  path = folder / file.name
  folder.mkdir(parents=True, exist_ok=True)
  with cache.lock(path):
    if not path.exists():
      partial = folder / f'{file.name}.partial'
      url = base.rstrip('/') + '/' + file.name
      _transfer(url, partial, file.size)
      if (found := sha256(partial)) != file.sha256:
        size = partial.stat().st_size
        partial.unlink()
        raise InputError(
          f'{url} is not the published file: {size} bytes with SHA-256 {found[:12]}..., not '
          f'{file.size} with {file.sha256[:12]}...; it was removed: try again or another mirror='
        )
      os.replace(partial, path)
  return path


def matches(file: File, path: pathlib.Path) -> None:
  """Raises InputError when the given file at `path` is not the published one."""
  if path.stat().st_size != file.size or sha256(path) != file.sha256:
    raise InputError(
      f'{path} is not the published {file.name} ({file.size} bytes, SHA {file.sha256[:12]}...); '
      f'give check=False if it is meant to differ'
    )


def sha256(path: pathlib.Path) -> str:
  """The digest of a file's bytes, in hexadecimal."""
  with open(path, 'rb') as stream:
    return hashlib.file_digest(stream, 'sha256').hexdigest()


def _transfer(url: str, partial: pathlib.Path, size: int) -> None:
  problem: object = 'the connection ended early'
  for _ in range(_TRIES):
    try:
      if _attempt(url, partial, size):
        return
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as e:
      problem = getattr(e, 'reason', None) or e
      if isinstance(e, urllib.error.HTTPError):
        problem = f'{e.code} {e.reason}'
        e.close()
  done = partial.stat().st_size if partial.exists() else 0
  kept = f'; {done} of {size} bytes are kept and the next call goes on there' if done else ''
  raise InputError(
    f'{url} could not be downloaded ({problem}){kept}; or fetch the file otherwise and put it into '
    f'{partial.parent}.'
  )


def _attempt(url: str, partial: pathlib.Path, size: int) -> bool:
  """One connection; True when all that the server has is there, whatever it is."""
  done = partial.stat().st_size if partial.exists() else 0
  if done >= size:
    return True
  request = urllib.request.Request(url, headers={'Range': f'bytes={done}-'} if done else {})
  with urllib.request.urlopen(request, timeout=_SILENCE) as response:
    done = done if response.status == 206 else 0  # a server without ranges sends all of it again
    expected = done + int(response.headers.get('Content-Length') or size - done)
    with open(partial, 'ab' if done else 'wb') as out, _bar(partial, done, expected) as bar:
      while block := response.read(_BLOCK):
        out.write(block)
        bar.update(len(block))
      return out.tell() >= expected


def _bar(partial: pathlib.Path, done: int, total: int) -> tqdm.tqdm:
  return bars.bar(desc=partial.stem, initial=done, total=total, unit='B', unit_scale=True)
