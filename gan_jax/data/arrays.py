"""Images that a person already has as numpy arrays: an .npz or .npy file."""

import pathlib
import zipfile

import numpy as np

from gan_jax.data import npy
from gan_jax.data import split as splits
from gan_jax.data.source import Source, in_memory
from gan_jax.errors import InputError

_IMAGES = ('images', 'image', 'x')
_LABELS = ('labels', 'label', 'y')
_SPLITS = ('train', 'test', 'val', 'valid')


def arrays(path: str, split: str = 'train') -> Source:
  """'images' uint8[N,H,W,C] or [N,H,W], 'labels' [N] if any -> image uint8[N,H,W,C], label i32[N].

  An .npy file holds the images alone. An .npz holds them as images (or image, x) and labels (or
  label, y); with _train, _test, _val at their end, as Keras has it, these are the splits, otherwise
  'train' is everything.

  Raises:
    InputError: no such file, no such arrays, or not of this form.
  """
  at = pathlib.Path(path).expanduser()
  found = _load(at)
  names = {s: (f'_{s}', f'{s}_') for s in _SPLITS}
  parts = {s: part for s, affix in names.items() if 'image' in (part := _pick(found, affix))}
  if not parts and 'image' in (everything := _pick(found, ('', ''))):
    parts = {'train': everything}
  if not parts:
    raise InputError(f"{at} has no array called 'images'; it has {', '.join(found) or 'none'}")

  def read(name: str) -> Source:
    columns = {'image': _images(parts[name]['image'], at)}
    if 'label' in parts[name]:
      columns['label'] = _labels(parts[name]['label'], at)
    return in_memory(columns, name='arrays', origin=str(at.absolute()), preprocessing='none')

  return splits.select(split, tuple(parts), read, str(at))


def _load(at: pathlib.Path) -> dict[str, np.ndarray]:
  if not at.is_file():
    raise InputError(
      f'there is no file {at}; right would be an .npz with images, or an .npy of them'
    )
  if not zipfile.is_zipfile(at):
    return {'images': npy.load(at, mapped=True)}
  try:
    with np.load(at, allow_pickle=False) as archive:
      wanted = [k for k in archive.files if any(n in k.split('_') for n in _IMAGES + _LABELS)]
      return {k: archive[k] for k in wanted} or dict.fromkeys(archive.files, np.empty(0))
  except (OSError, ValueError, EOFError, zipfile.BadZipFile) as e:
    raise InputError(f'{at} is damaged or holds more than plain arrays ({e})') from None


def _pick(found: dict[str, np.ndarray], affix: tuple[str, str]) -> dict[str, np.ndarray]:
  part: dict[str, np.ndarray] = {}
  for column, names in (('image', _IMAGES), ('label', _LABELS)):
    for name in names:
      for key in (name + affix[0], affix[1] + name):
        if key in found:
          part.setdefault(column, found[key])
  return part


def _images(image: np.ndarray, at: pathlib.Path) -> np.ndarray:
  if image.dtype != np.uint8 or image.ndim not in (3, 4):
    raise InputError(
      f'the images in {at} are {image.dtype}{list(image.shape)}; right would be uint8[N,H,W,C] or '
      f'uint8[N,H,W], values 0 to 255'
    )
  image = image[..., None] if image.ndim == 3 else image
  if image.shape[-1] not in (1, 3, 4) and image.shape[1] in (1, 3, 4):
    raise InputError(
      f'the images in {at} are {list(image.shape)}, channels first; right would be channels last: '
      f'images.transpose(0, 2, 3, 1)'
    )
  return image


def _labels(label: np.ndarray, at: pathlib.Path) -> np.ndarray:
  if label.ndim == 2 and label.shape[1] == 1:  # Keras' CIFAR-10
    label = label[:, 0]
  if label.ndim != 1 or label.dtype.kind not in 'iu' or label.min(initial=0) < 0:
    raise InputError(
      f'the labels in {at} are {label.dtype}{list(label.shape)}; right would be whole numbers [N] '
      f'from 0 up'
    )
  return label.astype(np.int32)
