"""What metrics compare: images and their features, real and drawn, each made once.

Images are drawn and looked at in one compiled call, on all devices, a batch at a time. Sets lie in
files that the system pages in and out, so none has to fit in memory. Features of real images are
kept in the cache, by the digests of the images and of the extractor; of those drawn the last few
sets are kept, so that all metrics of an evaluation share one pass. How numbers came to be is in
their `protocol`: two that differ in it are not to be compared.
"""

import json
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from gan_jax import config as configs
from gan_jax import parallel
from gan_jax.data import cache
from gan_jax.data.bar import bar
from gan_jax.data.source import Source, digest
from gan_jax.errors import InputError
from gan_jax.features.extractor import Extractor
from gan_jax.game import Array
from gan_jax.sampling import Sampler, label_at

BATCH = 64  # images at a time, or the next multiple of the number of devices
KEPT = 4  # sets of drawn images, and of their features
SLOW = 2000  # images from which on a bar is shown, where a terminal shows it


class Seen(NamedTuple):
  """What an extractor made of N images; the arrays may be memory-mapped files."""

  features: np.ndarray  # f32[N,D]
  logits: np.ndarray | None = None  # f32[N,K] of extractors that classify
  spatial: np.ndarray | None = None  # f32[N,S] of those that say where
  label: np.ndarray | None = None  # i32[N]: the data's, or what a conditional G was asked for


class Look(NamedTuple):
  """Two sets to compare, and how they came to be."""

  real: Seen
  fake: Seen
  protocol: dict[str, Any]


class Drawn(NamedTuple):
  """Images as they were drawn, uint8[N,H,W,C] or points f32[N,2]; labels i32[N] where asked for."""

  image: np.ndarray
  label: np.ndarray | None


def look(
  sampler: Sampler,
  source: Callable[..., Source],
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  real_n: int | None = None,
) -> Look:
  """n drawn images and `real_n` (as many, if unsaid) of a split, as an extractor sees them.

  `features` is an `Extractor` or its description in a config, e.g. dict(name='googlenet',
  path=...). Raises InputError if the sampler gives fewer, or the extractor cannot look at them.
  """
  extractor = built(features, source)
  taken = _rows(source(split), real_n or n)
  real = reference(source, features=extractor, n=real_n or n, split=split, sampler=sampler)
  fake = fakes(sampler, key, n, extractor)
  protocol = dict(
    features=extractor.name, **_of_reals(source(split), split, taken), **_of_fakes(sampler, n)
  )
  return Look(real, fake, protocol)


def reference(
  source: Callable[..., Source],
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  sampler: Sampler | None = None,
) -> Seen:
  """What the extractor makes of up to n images of a split, spread evenly over it.

  Given a sampler whose images are of another shape than what is stored, the data are seen first as
  its networks see them (cropped, say).
  """
  extractor, rows = built(features, source), _rows(source(split), n)
  arrays = source(split).arrays
  image = as_drawn(arrays['image'], rows, sampler)
  label = np.asarray(arrays['label'])[rows] if 'label' in arrays else None
  if image.dtype != np.uint8:
    return Seen(_points(image, extractor), label=label)
  title = f'{extractor.name}|{image.shape}|{digest(image)}'
  place = cache.place('features', {'of': title, 'version': 1})
  if not place.exists():
    with cache.lock(place):
      if not place.exists():
        _keep(place, _looked(extractor, image))
  found = {path.stem: np.load(path, mmap_mode='r') for path in place.glob('*.npy')}
  return Seen(**found, label=label)


def images(
  sampler: Sampler,
  source: Callable[..., Source],
  key: jax.Array,
  *,
  n: int = 10_000,
  split: str = 'train',
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
  """(up to n real images of a split, n drawn ones, the protocol): uint8[N,H,W,C] both."""
  rows = _rows(source(split), n)
  real = as_drawn(source(split).arrays['image'], rows, sampler)
  fake = drawn(sampler, key, n)
  if fake.dtype != np.uint8:
    raise InputError(f'this measure looks at images, but the data are {fake.dtype}{fake.shape}.')
  return real, fake, {**_of_reals(source(split), split, rows), **_of_fakes(sampler, n)}


def drawn(sampler: Sampler, key: jax.Array, n: int) -> np.ndarray:
  """n images as they are shown, uint8[n,H,W,C]; points f32[n,2] as they are."""
  return _drawn(sampler, key, n).image


def labelled(sampler: Sampler, key: jax.Array, n: int) -> tuple[np.ndarray, np.ndarray]:
  """The same, and the classes i32[n] that they were asked for; InputError without classes."""
  found = _drawn(sampler, key, n)
  if found.label is None:
    raise InputError("this generator is told no class: its inputs lack 'label'.")
  return found.image, found.label


def built(features: Any, source: Callable[..., Source]) -> Extractor:
  """The extractor of a description, the same object for the same description and data."""
  if isinstance(features, Extractor):
    return features
  spec = {'name': features} if isinstance(features, str) else configs.plain(features)
  title = json.dumps([spec, source().meta], sort_keys=True, default=str)
  if title not in _BUILT:
    _BUILT[title] = configs.build(spec, 'features', source=source)
  return _BUILT[title]


_BUILT: dict[str, Extractor] = {}
_PASSES: dict[Any, Callable] = {}  # apply -> what is compiled of it
_LAST: list[tuple[Sampler, bytes, int, str, Any]] = []  # sets drawn of late, newest first


def fakes(sampler: Sampler, key: jax.Array, n: int, extractor: Extractor) -> Seen:
  """What the extractor makes of n drawn images, which `drawn` gives too, each made once."""
  if found := _remembered(sampler, key, n, extractor.name):
    return found
  images_ = _remembered(sampler, key, n, '')
  if images_ is None and sampler.along is not None:
    given = sampler.fill(key, n)
    call = sampler.along(extractor.apply)
    looked = _passes(f'drawing {n:,} images', call, extractor.weights, given)
    _remember(sampler, key, n, '', Drawn(looked.pop('image'), _label(given)))
  else:
    images_ = images_ or _drawn(sampler, key, n)
    if images_.image.dtype != np.uint8:
      looked = {'features': _points(images_.image, extractor)}
    else:
      looked = _looked(extractor, images_.image)
  label = _remembered(sampler, key, n, '').label
  return _remember(sampler, key, n, extractor.name, Seen(**looked, label=label))


def _drawn(sampler: Sampler, key: jax.Array, n: int) -> Drawn:
  if found := _remembered(sampler, key, n, ''):
    return found
  given = sampler.fill(key, n)
  if len(given[0]) < n:
    raise InputError(f'{n:,} images are asked for, but there are {len(given[0]):,}.')
  if sampler.along is not None:
    image = _passes(f'drawing {n:,} images', sampler.along(_nothing), {}, given)['image']
  else:
    image = sampler.generate(*given)
    image = sampler.display(image) if image.ndim == 4 else image
  return _remember(sampler, key, n, '', Drawn(image, _label(given)))


def _nothing(weights: Any, images_: Any) -> dict[str, Any]:
  return {}


def compiled(extractor: Extractor) -> Callable[..., dict[str, Array]]:
  """Its `apply`, compiled once for all who look with it."""
  if extractor.apply not in _PASSES:
    _PASSES[extractor.apply] = jax.jit(extractor.apply)
  return _PASSES[extractor.apply]


def _looked(extractor: Extractor, images_: np.ndarray) -> dict[str, np.ndarray]:
  title = f'{extractor.name} of {len(images_):,} images'
  return _passes(title, compiled(extractor), extractor.weights, (images_,))


def _passes(
  title: str, call: Callable[..., Mapping[str, Any]], weights: Any, given: Sequence[Any]
) -> dict[str, np.ndarray]:
  """call(weights, *batch) over all rows, on all devices here; what it returns, by row, in files."""
  n, devices = len(given[0]), jax.local_devices()
  size = -(-min(BATCH, n) // len(devices)) * len(devices)
  mesh = parallel.mesh(size, among=devices)
  split = NamedSharding(mesh, PartitionSpec(parallel.AXIS))
  weights = jax.device_put(weights, NamedSharding(mesh, PartitionSpec()))
  out: dict[str, np.ndarray] = {}
  for start in _shown(range(0, n, size), title, n):
    part = [np.asarray(a[start : start + size]) for a in given]
    short = size - len(part[0])
    padded = [np.pad(p, [(0, short)] + [(0, 0)] * (p.ndim - 1), mode='edge') for p in part]
    for name, rows in call(weights, *jax.device_put(padded, split)).items():
      if name not in out:
        out[name] = _file((n, *rows.shape[1:]), rows.dtype)
      out[name][start : start + size] = np.asarray(rows)[: size - short]
  return out


def _shown(starts: range, title: str, n: int) -> Iterator[int]:
  return iter(bar(starts, desc=title, unit=' batches', leave=False, disable=n < SLOW))


def _file(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
  """An array in a file without a name, which the system forgets when nobody holds the array."""
  with tempfile.TemporaryFile() as file:
    return np.memmap(file, dtype=dtype, mode='w+', shape=shape)


def _keep(place: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
  """Writes them into a folder, whole or not at all."""
  beside = place.with_name(place.name + '.tmp')
  shutil.rmtree(beside, ignore_errors=True)
  beside.mkdir()
  for name, array in arrays.items():
    np.save(beside / f'{name}.npy', array)
  beside.rename(place)


def _remembered(sampler: Sampler, key: jax.Array, n: int, name: str) -> Any:
  data = np.asarray(jax.random.key_data(key)).tobytes()
  for entry in _LAST:
    if entry[0] is sampler and entry[1:4] == (data, n, name):
      return entry[4]
  return None


def _remember(sampler: Sampler, key: jax.Array, n: int, name: str, found: Any) -> Any:
  data = np.asarray(jax.random.key_data(key)).tobytes()
  _LAST.insert(0, (sampler, data, n, name, found))
  del _LAST[2 * KEPT :]
  return found


def _label(given: Sequence[Any]) -> np.ndarray | None:
  try:
    return np.asarray(given[label_at(given)])
  except InputError:
    return None


def _rows(source: Source, n: int) -> np.ndarray:
  """Up to n rows spread evenly: a folder's images come class by class."""
  whole = len(source)
  return np.arange(min(n, whole)) * whole // min(n, whole)


def as_drawn(stored: np.ndarray, rows: np.ndarray, sampler: Sampler | None) -> np.ndarray:
  """Rows of what is stored, uint8[N,...], as the sampler's networks see them (cropped, say)."""
  image = np.asarray(stored[rows])
  if sampler is None or image.dtype != np.uint8 or image.shape[1:] == sampler.shape:
    return image
  return sampler.display(sampler.see(image))


def _points(image: np.ndarray, extractor: Extractor) -> np.ndarray:
  """Points are their own features."""
  if extractor.name != 'pixels':
    raise InputError(
      f'{extractor.name} looks at images uint8[N,H,W,C]; of {image.dtype}{image.shape} ask for '
      "features='pixels', which are the values themselves."
    )
  return image


def _of_reals(source: Source, split: str, rows: np.ndarray) -> dict[str, Any]:
  whole = len(source)
  which = 'all' if len(rows) == whole else f'{len(rows):,} spread evenly'
  digests = source.meta.get('sha256') or {}
  return dict(
    real=f'{source.meta.get("name")} {split}: {which} of {whole:,}',
    real_sha256=str(digests.get('image', ''))[:12],
    n_real=len(rows),
  )


def _of_fakes(sampler: Sampler, n: int) -> dict[str, Any]:
  return dict(n_fake=n, **sampler.facts)
