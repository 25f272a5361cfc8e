"""What tensorflow-datasets has prepared as ArrayRecord files; to read those needs no TensorFlow."""

import difflib
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from absl import logging

from gan_jax.data import bar as bars
from gan_jax.data import flow, images, npy, pack, sizes
from gan_jax.data import split as splits
from gan_jax.data.source import Source
from gan_jax.errors import InputError

_CHUNK = 256  # images between two writes
_NAMED = 20  # skipped images that are named in the sidecar; all are counted


def tfds(
  dataset: str,
  split: str = 'train',
  data_dir: str | None = None,
  size: sizes.Size = None,
  filter: str = 'lanczos',
) -> Source:
  """A prepared set's 'image', 'label' -> image uint8[N,H,W,C], label i32[N], packed in the cache.

  Args:
    dataset: its name as tensorflow-datasets has it, 'mnist' or 'cifar10:3.0.2'.
    split: one of the set's own, maybe sliced.
    data_dir: where sets were prepared; tensorflow-datasets' own place when None.
    size: as for `folder`: needed where images differ in size.
    filter: lanczos, bicubic, bilinear or box.

  Raises:
    InputError: there is no such set, or it was not prepared, or has no images.
  """
  if filter not in images.FILTERS:
    raise InputError(f'filter={filter!r}: right would be one of {", ".join(images.FILTERS)}')
  builder, wanted = _builder(dataset, data_dir), sizes.pair(size)

  def read(name: str) -> Source:
    files = sorted(p for p in pathlib.Path(builder.data_path).glob(f'*-{name}.*') if p.is_file())
    recipe = {
      'reader': 'tfds',
      'set': builder.info.full_name,
      'files': [[p.name, p.stat().st_size, p.stat().st_mtime_ns] for p in files],
      'at': os.fspath(builder.data_path),
      'split': name,
      'options': [wanted, filter],
    }
    write = lambda to: _write(to, builder, name, wanted, filter)
    return pack.packed(f'tfds-{builder.name}-{name}', recipe, write)

  return splits.select(split, tuple(builder.info.splits), read, f'tfds:{dataset}')


def _builder(dataset: str, data_dir: str | None) -> Any:
  import tensorflow_datasets as library

  try:
    builder = library.builder(dataset, data_dir=data_dir)
    builder.info.splits  # noqa: B018  # reads the prepared set's description
  except Exception as e:  # DatasetNotFoundError, a missing dependency of the set's own module, ...
    reason = (str(e).strip() or type(e).__name__).splitlines()[0]
    near = difflib.get_close_matches(dataset, library.list_builders(with_community_datasets=False))
    hint = f' Did you mean {" or ".join(near)}?' if near and dataset not in near else ''
    raise InputError(f'tensorflow-datasets has no usable set {dataset!r}: {reason}{hint}') from None
  if not builder.info.splits:
    raise _unprepared(dataset, f'was not prepared in {builder.data_path}', data_dir)
  return builder


def _unprepared(dataset: str, what: str, data_dir: str | None) -> InputError:
  place = f' --data_dir={data_dir}' if data_dir else ''
  return InputError(
    f'tfds:{dataset} {what}: on a machine with TensorFlow, once, run "pip install tensorflow && '
    f'tfds build {dataset} --file_format=array_record{place}" and copy the folder (gan_jax itself '
    f'reads mnist, '
    f'fashion_mnist, kmnist, cifar10, LSUN and folders of images without it)'
  )


def _write(
  to: pathlib.Path, builder: Any, split: str, size: tuple[int, int] | None, filter: str
) -> Mapping[str, Any]:
  where = f'tfds:{builder.info.full_name}'
  records, read = _records(builder, split, where, size, filter)
  label: list[int] = []
  skipped: list[str] = []
  first = next((x for i in range(len(records)) if not isinstance(x := read(records[i]), str)), None)
  if first is None:
    raise InputError(f'not one of the {len(records)} images in {where} can be read')
  with npy.appending(to / 'image.npy', first.shape, 'uint8') as append:
    bar = bars.bar(total=len(records), desc=f'pack {where}', unit='image', delay=2)
    for i in range(0, len(records), _CHUNK):
      rows = records.__getitems__(list(range(i, min(i + _CHUNK, len(records)))))
      made = list(flow.threads(read, rows, os.cpu_count() or 1))
      good = [j for j, image in enumerate(made) if not isinstance(image, str)]
      skipped += [f'{split}[{i + j}]' for j in range(len(rows)) if j not in good]
      append(_stack([made[j] for j in good], first.shape, where))
      label += [rows[j]['label'] for j in good if 'label' in rows[j]]
      bar.update(len(rows))
    bar.close()
  meta: dict[str, Any] = {}
  if label and np.issubdtype(np.asarray(label).dtype, np.integer):
    np.save(to / 'label.npy', np.asarray(label, np.int32))
    meta['classes'] = list(getattr(builder.info.features['label'], 'names', None) or [])
  if skipped:
    logging.warning('%s: %d images cannot be read and are left out', where, len(skipped))
  return {
    'name': where,
    'split': split,
    'origin': os.fspath(builder.data_path),
    'preprocessing': f'centre crop and Pillow {filter} to {size[0]}x{size[1]}' if size else 'none',
    'skipped': {'count': len(skipped), 'names': skipped[:_NAMED]},
    **meta,
  }


def _records(
  builder: Any, split: str, where: str, size: tuple[int, int] | None, filter: str
) -> tuple[Any, Callable[[Any], np.ndarray | str]]:
  """The records, and what makes an image (or the reason why not) of one."""
  import tensorflow_datasets as library

  features = builder.info.features
  if not hasattr(features, 'keys') or 'image' not in features:
    has = ', '.join(features.keys()) if hasattr(features, 'keys') else type(features).__name__
    raise InputError(f"{where} has no feature 'image'; it has {has}")
  feature = features['image']
  encoded = isinstance(feature, library.features.Image)
  # Decoded here: the library would take OpenCV where it is installed, with other pixels of a JPEG.
  decoders = {'image': library.decode.SkipDecoding()} if encoded else None
  try:
    records = builder.as_data_source(split=split, decoders=decoders)
  except NotImplementedError:  # the library's sentence speaks of random access and TFRECORD
    raise _unprepared(builder.info.full_name, 'is TFRecord, not array_record', None) from None
  depth = feature.shape[-1] or 3
  if encoded:
    return records, lambda row: images.try_pixels(row['image'], size, depth, filter)
  if feature.np_dtype != np.uint8 or len(feature.shape) != 3:
    raise InputError(f'images in {where} are {feature.np_dtype}{feature.shape}, not uint8[H,W,C]')
  return records, lambda row: images.resized(np.asarray(row['image']), size, filter)


def _stack(images: Sequence[np.ndarray | str], shape: tuple[int, ...], where: str) -> np.ndarray:
  met = [np.shape(image) for image in images]
  if any(m != shape for m in met):
    sizes.agreed([(m[0], m[1]) for m in (shape, *met)], where)
  return np.stack([np.asarray(x) for x in images]) if images else np.empty((0, *shape), np.uint8)
