"""Where published weights are looked for, and how they become arrays.

Nothing here goes to the network: `python -m gan_jax.features.fetch` does, when it is asked to.
"""

import os
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data import cache
from gan_jax.data.download import File, sha256
from gan_jax.errors import InputError
from gan_jax.features import pth, safetensors
from gan_jax.game import Params

DIGEST = '__sha256__'  # the entry of a converted file that says which it was made of
VERSION = 1  # of what networks take; with another one, files are converted anew


class Published(NamedTuple):
  """Weights that somebody published: the file, and how a user says where it lies."""

  what: str  # 'Inception-v3'
  file: File
  variable: str  # of the environment
  base: str = ''  # the address up to the file's name; '' if there is none to fetch it from
  others: tuple[str, ...] = ()  # names that the same file has elsewhere


INCEPTION = Published(
  'Inception-v3',
  File(
    'pt_inception-2015-12-05-6726825d.pth',
    95_628_359,
    '6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2',
  ),
  'GAN_JAX_INCEPTION',
  'https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights',
  ('weights-inception-2015-12-05-6726825d.pth',),
)
GOOGLENET = Published(
  'GoogLeNet',
  File(
    'googlenet_bvlc_f16.npz',
    12_640_031,
    'db61a1cf1d587031279512d017d9e72624caf3ee2b5cccca7528347352a91b8d',
  ),
  'GAN_JAX_GOOGLENET',
)


def folder() -> pathlib.Path:
  """The part of the cache in which weights lie."""
  return cache.root() / 'weights'


def located(published: Published, path: str | os.PathLike[str] | None = None) -> pathlib.Path:
  """The file: `path` if given, else what the environment says, else in the cache or in torch's hub.

  Raises InputError that says what to put where, if there is none, and if it is not what the eight
  hexadecimal digits at the end of its name say it is.
  """
  given = path or os.environ.get(published.variable)
  places = [pathlib.Path(given).expanduser()] if given else _usual(published)
  at = next((place for place in places if place.is_file()), None)
  if at is None:
    raise _missing(published, places[0], bool(given))
  said = re.search(r'-([0-9a-f]{8})\.[a-z]+$', at.name)
  if said and not (found := sha256(at)).startswith(said[1]):
    raise InputError(f'{at} is damaged: its SHA-256 is {found[:8]}..., not {said[1]}...')
  return at


def load(at: pathlib.Path, convert: Callable[[Mapping[str, Any]], Params]) -> tuple[Params, str]:
  """(weights as the network takes them, the SHA-256 of the published file they come from).

  A file of PyTorch's or .safetensors is converted once and kept in the cache as an .npz, which may
  be given to others in its place; an .npz of another's names and layouts is converted each time.
  """
  if at.suffix == '.npz':
    arrays = _npz(at)
    return _parted(arrays) if DIGEST in arrays else (convert(arrays), sha256(at))
  digest = sha256(at)
  kept = folder() / f'{at.stem}-{digest[:12]}-v{VERSION}.npz'
  if not kept.exists():
    kept.parent.mkdir(parents=True, exist_ok=True)
    with cache.lock(kept):
      if not kept.exists():
        read = safetensors.read if at.suffix == '.safetensors' else pth.read
        _keep(kept, convert(read(at)), digest)
  return _parted(_npz(kept))


def fitting(tree: Params, module: nn.Module, shape: tuple[int, ...]) -> Params:
  """The tree, if it is the parameters of this module for an input of that shape; InputError."""
  example = jax.ShapeDtypeStruct(shape, jnp.float32)
  expected = jax.eval_shape(module.init, jax.random.key(0), example)['params']
  given, wanted = (
    {name: a.shape for name, a in flax.traverse_util.flatten_dict(nested, sep='/').items()}
    for nested in (tree, expected)
  )
  for name in sorted(given.keys() | wanted.keys()):
    if given.get(name) != wanted.get(name):
      raise InputError(
        f'these are not the weights of {type(module).__name__}: {name} is '
        f'{given.get(name, "not there")}, and should be {wanted.get(name, "not there")}.'
      )
  return tree


def _usual(published: Published) -> list[pathlib.Path]:
  home = pathlib.Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache').expanduser()
  hub = pathlib.Path(os.environ.get('TORCH_HOME') or home / 'torch').expanduser()
  names = published.file.name, *published.others
  return [folder() / names[0], *(hub / 'hub' / 'checkpoints' / name for name in names)]


def _missing(published: Published, at: pathlib.Path, given: bool) -> InputError:
  if given:
    return InputError(f'there is no file {at} with the weights of {published.what}.')
  ways = [
    f'put {published.file.name} there',
    f'say where it lies by path= or by the environment, {published.variable}=',
  ]
  if published.base:
    ways.insert(0, 'run `python -m gan_jax.features.fetch`')
  return InputError(
    f'the weights of {published.what} (SHA-256 {published.file.sha256[:8]}...) are not in '
    f'{at.parent}: {", or ".join(ways)}.'
  )


def _npz(at: pathlib.Path) -> dict[str, np.ndarray]:
  try:
    with np.load(at, allow_pickle=False) as found:
      return dict(found)
  except (OSError, ValueError, EOFError) as error:
    raise InputError(f'{at} cannot be read as .npz ({error}).') from None


def _parted(arrays: dict[str, np.ndarray]) -> tuple[Params, str]:
  digest = str(arrays.pop(DIGEST))
  return flax.traverse_util.unflatten_dict(arrays, sep='/'), digest


def _keep(kept: pathlib.Path, params: Params, digest: str) -> None:
  """Written whole or not at all."""
  beside = kept.with_name(f'{kept.name}.tmp')
  with open(beside, 'wb') as stream:
    flat: dict[str, Any] = {DIGEST: np.array(digest)}
    np.savez(stream, **flat, **flax.traverse_util.flatten_dict(params, sep='/'))
  beside.replace(kept)
