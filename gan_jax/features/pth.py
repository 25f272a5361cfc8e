"""Reading the weights that PyTorch saved, without PyTorch and without running what the file says.

A file is a pickle of an ordered dict, in which a tensor is a view of a numbered storage, and the
storages: in a zip archive since PyTorch 1.6, before that one after the other behind the pickle.
Only the few names that such a dict takes are looked up; any other is refused.
"""

import collections
import pathlib
import pickle
import zipfile
from typing import IO, Any

import numpy as np

from gan_jax.errors import InputError

MAGIC = 0x1950A86A20F9469CFC6C  # how files begin that are no archives
STORAGES = {
  'BoolStorage': '?',
  'ByteStorage': 'u1',
  'DoubleStorage': '<f8',
  'FloatStorage': '<f4',
  'HalfStorage': '<f2',
  'IntStorage': '<i4',
  'LongStorage': '<i8',
}


def read(path: pathlib.Path) -> dict[str, np.ndarray]:
  """Name -> array of a state dict that `torch.save` wrote, in either format.

  Raises InputError if it is another kind of file, cut off, or asks for anything but arrays.
  """
  try:
    found = _archive(path) if zipfile.is_zipfile(path) else _stream(path)
  except OSError as error:
    raise InputError(f'{path} cannot be read ({error.strerror or error}).') from None
  except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError) as error:
    raise _refused(path, error) from None
  except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
    raise _refused(path, f'{type(error).__name__}: {error}') from None
  if isinstance(found, dict) and isinstance(found.get('state_dict'), dict):
    found = found['state_dict']
  if not isinstance(found, dict):
    raise _refused(path, f'it holds a {type(found).__name__}')
  arrays = {str(k): v for k, v in found.items() if isinstance(v, np.ndarray)}
  if not arrays:
    raise _refused(path, 'it holds no tensors')
  return arrays


def _refused(path: pathlib.Path, why: object) -> InputError:
  return InputError(f'{path} is no whole file of weights as PyTorch saves them: {why}.')


def _archive(path: pathlib.Path) -> Any:
  with zipfile.ZipFile(path) as archive:
    (pickled,) = (name for name in archive.namelist() if name.endswith('data.pkl'))
    folder = pickled.removesuffix('data.pkl')
    order = f'{folder}byteorder'
    if order in archive.namelist() and archive.read(order) != b'little':
      raise ValueError('its numbers are big-endian')
    with archive.open(pickled) as stream:
      reader = _Reader(stream, path.stat().st_size)
      found = reader.load()
    for key, array in reader.storages.items():
      array.view(np.uint8)[:] = np.frombuffer(archive.read(f'{folder}data/{key}'), np.uint8)
  return found


def _stream(path: pathlib.Path) -> Any:
  with open(path, 'rb') as stream:
    if (magic := _Reader(stream).load()) != MAGIC:
      raise ValueError(f'it begins with {magic!r:.20}')
    _version, system = (_Reader(stream).load() for _ in range(2))
    if not system['little_endian']:
      raise ValueError('its numbers are big-endian')
    reader = _Reader(stream, path.stat().st_size)
    found = reader.load()
    for key in _Reader(stream).load():
      array = reader.storages[key]
      n = int(np.frombuffer(stream.read(8), '<i8')[0])
      if n != len(array) or stream.readinto(array.data.cast('B')) != array.nbytes:
        raise EOFError(f'storage {key} has {n} numbers in place of {len(array)}')
  return found


class _Reader(pickle.Unpickler):
  """Of tensors it makes views of arrays that are filled afterwards."""

  def __init__(self, stream: IO[bytes], most: int = 0):
    super().__init__(stream, encoding='utf-8')
    self.storages: dict[str, np.ndarray] = {}
    self.most = most  # bytes there can be, so that no file makes us ask for more

  def find_class(self, module: str, name: str) -> Any:
    """What the few names that a state dict is made of stand for here."""
    if (module, name) == ('collections', 'OrderedDict'):
      return collections.OrderedDict
    if module == 'torch' and name in STORAGES:
      return np.dtype(STORAGES[name])
    if (module, name) == ('torch._utils', '_rebuild_tensor_v2'):
      return _tensor
    if (module, name) == ('torch._utils', '_rebuild_parameter'):
      return lambda tensor, *_: tensor
    raise pickle.UnpicklingError(f'it asks for {module}.{name}, which is no array')

  def persistent_load(self, pid: Any) -> np.ndarray:
    """A storage, by ('storage', type, key, device, length, ...)."""
    kind, dtype, key, _device, n, *_ = pid
    if kind != 'storage' or n * dtype.itemsize > self.most:
      raise pickle.UnpicklingError(f'it speaks of a {kind} of {n} numbers')
    return self.storages.setdefault(key, np.zeros(n, dtype))


def _tensor(
  storage: np.ndarray, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> np.ndarray:
  if min((offset, *size, *stride)) < 0:
    raise ValueError('a tensor lies before its storage')
  last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
  if 0 not in size and last >= len(storage):
    raise ValueError('a tensor reaches beyond its storage')
  steps = tuple(step * storage.itemsize for step in stride)
  return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False)
