"""CIFAR-10: the binary or the Python version, in a folder, in their archive, or downloaded."""

import io
import pathlib
import pickle
import tarfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import logging

from gan_jax.data import cache, download
from gan_jax.data import split as splits
from gan_jax.data.download import File
from gan_jax.data.source import Source, in_memory
from gan_jax.errors import InputError

# Size and digest: tensorflow-datasets' url_checksums.
_BINARY = File(
  'cifar-10-binary.tar.gz',
  170052171,
  'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
)
_ARCHIVES = (_BINARY.name, 'cifar-10-python.tar.gz')
_BATCHES = {'train': tuple(f'data_batch_{i}' for i in range(1, 6)), 'test': ('test_batch',)}
# fmt: off
_CLASSES = (  # in the order of batches.meta
  'airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck',
)
# fmt: on
_ROW = 1 + 3 * 32 * 32  # bytes: the label, then the red, green and blue planes


def cifar10(
  split: str = 'train',
  folder: str | None = None,
  mirror: str = 'https://www.cs.toronto.edu/~kriz/',
  check: bool = True,
) -> Source:
  """Krizhevsky's (2009) small photographs -> image uint8[N,32,32,3], label i32[N] in 0..9.

  Args:
    split: 'train' (50,000) and 'test' (10,000), maybe sliced. When only some training batches
      are there, 'train' is what there is; meta's 'batches' names them.
    folder: where data_batch_*.bin, or the Python version's data_batch_*, or one of the two .tar.gz
      lies, or one of these itself; the binary version is downloaded into the cache when None.
    mirror: the address of the folder to download from.
    check: refuse a binary .tar.gz whose digest is not the published one.

  Raises:
    InputError: nothing of the kind is there, or it is damaged.
  """
  if folder is None:
    at = download.fetch(_BINARY, mirror, cache.root() / 'downloads' / 'cifar10')
  else:
    at = _locate(pathlib.Path(folder).expanduser())
    if check and at.name == _BINARY.name:
      download.matches(_BINARY, at)

  def read(part: str) -> Source:
    found = dict(sorted(_batches(at, _BATCHES[part])))
    if not found:
      raise InputError(f'{at} holds no {_BATCHES[part][0]}, as .bin or as a Python batch')
    if missing := [b for b in _BATCHES[part] if b not in found]:
      logging.warning(
        'CIFAR-10 in %s: only %s, without %s', at, ', '.join(found), ', '.join(missing)
      )
    images, labels = zip(*found.values(), strict=True)
    return in_memory(
      {'image': np.concatenate(images), 'label': np.concatenate(labels)},
      name='cifar10',
      origin=mirror + _BINARY.name if folder is None else str(at.absolute()),
      preprocessing='none',
      classes=list(_CLASSES),
      batches=list(found),
    )

  return splits.select(split, tuple(_BATCHES), read, 'CIFAR-10')


def _locate(given: pathlib.Path) -> pathlib.Path:
  """The archive, or the folder that holds the batches, at or below what was given."""
  if given.is_file():
    return given
  below = [given, given / 'cifar-10-batches-bin', given / 'cifar-10-batches-py']
  names = [b for part in _BATCHES.values() for b in part]
  for at in below:
    if any((at / n).is_file() or (at / f'{n}.bin').is_file() for n in names):
      return at
  for name in _ARCHIVES:
    if (given / name).is_file():
      return given / name
  raise InputError(
    f'{given} holds no CIFAR-10: no data_batch_1.bin, no data_batch_1, no {_BINARY.name}'
  )


def _batches(
  at: pathlib.Path, names: tuple[str, ...]
) -> Iterator[tuple[str, tuple[np.ndarray, np.ndarray]]]:
  """The batches of these names that are there: name, (images, labels)."""
  if at.is_dir():
    for name in names:
      path = at / f'{name}.bin'
      path = path if path.is_file() else at / name
      if path.is_file():
        yield name, _decode(path.read_bytes(), path.suffix == '.bin', str(path))
    return
  try:
    with tarfile.open(at) as archive:
      for member in archive:
        base = pathlib.PurePosixPath(member.name).name
        if member.isfile() and base.removesuffix('.bin') in names:
          data = archive.extractfile(member)
          assert data is not None
          yield (
            base.removesuffix('.bin'),
            _decode(data.read(), base.endswith('.bin'), f'{at}:{base}'),
          )
  except (tarfile.TarError, OSError, EOFError) as e:
    raise InputError(f'{at} cannot be read as a .tar.gz: {e}') from None


def _decode(data: bytes, binary: bool, where: str) -> tuple[np.ndarray, np.ndarray]:
  """One batch -> image uint8[n,32,32,3], label i32[n]."""
  planes, label = _rows(data, where) if binary else _unpickled(data, where)
  if label.size and not 0 <= label.min() <= label.max() < len(_CLASSES):
    raise InputError(
      f'{where} is no CIFAR-10 batch: its labels run from {label.min()} to {label.max()}'
    )
  image = planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
  return np.ascontiguousarray(image), label.astype(np.int32)


def _rows(data: bytes, where: str) -> tuple[np.ndarray, np.ndarray]:
  if not data or len(data) % _ROW:
    raise InputError(f'{where} is no CIFAR-10 batch: {len(data)} bytes are no multiple of {_ROW}')
  rows = np.frombuffer(data, np.uint8).reshape(-1, _ROW)
  return rows[:, 1:], rows[:, 0]


def _unpickled(data: bytes, where: str) -> tuple[np.ndarray, np.ndarray]:
  try:
    batch = _load(data)
    planes, label = np.asarray(batch[b'data']), np.asarray(batch[b'labels'])
    if planes.dtype != np.uint8 or planes.shape != (len(label), _ROW - 1):
      raise ValueError(f"its 'data' is {planes.dtype}{list(planes.shape)}")
    return planes, label
  except Exception as e:  # a damaged or hostile pickle may raise anything
    raise InputError(f'{where} is no CIFAR-10 batch: {e or type(e).__name__}') from None


_ALLOWED = {
  ('multiarray', '_reconstruct'): np._core.multiarray._reconstruct,  # type: ignore[attr-defined]
  ('numeric', '_frombuffer'): np._core.numeric._frombuffer,  # type: ignore[attr-defined]
  ('numpy', 'ndarray'): np.ndarray,
  ('numpy', 'dtype'): np.dtype,
  ('_codecs', 'encode'): lambda text, encoding: text.encode(encoding),
}


def _load(data: bytes) -> Any:
  """A pickle of dicts, lists, numbers and numpy arrays; one that names other code is refused."""

  class Restricted(pickle.Unpickler):  # the one hook that pickle offers is a method
    def find_class(self, module: str, name: str) -> Any:
      try:
        return _ALLOWED[module.rpartition('.')[2], name]
      except KeyError:
        raise pickle.UnpicklingError(f'it asks for {module}.{name}, not for an array') from None

  return Restricted(io.BytesIO(data), encoding='bytes').load()
