"""What each measure sees: held-out images stand in for samples, disturbed one way at a time.

python experiments/benchmarks/disturbances.py --data=mnist --folder=FOLDER
python experiments/benchmarks/disturbances.py --data=cifar10 --folder=FOLDER --metrics='fid, kid'

Rows are the numbers of measures, columns the disturbances: none, noise (a sixth of the range),
blur (Gaussian, 1.5 pixels), half of the classes dropped, one class, a tenth of the images each ten
times, and copies of training images. Every other image of the split stands in, and what measures
take for held out are the others. A markdown table, with the seconds that each measure took on
undisturbed images.
"""

from collections.abc import Callable
from functools import lru_cache

import jax
import numpy as np
from absl import app, flags
from scipy.ndimage import gaussian_filter

from gan_jax import asking, measuring
from gan_jax.data.opening import opened
from gan_jax.data.source import Source
from gan_jax.errors import InputError
from gan_jax.sampling import still

_DATA = flags.DEFINE_string('data', 'mnist', 'A labelled data set with a test split.')
_FOLDER = flags.DEFINE_string('folder', None, 'Where it lies, if it is there already.')
_METRICS = flags.DEFINE_string('metrics', measuring.CORE, 'What to measure.')
_FEATURES = flags.DEFINE_string('features', 'classifier', 'What the measures look at.')
_N = flags.DEFINE_integer('n', 2000, 'How many images of each kind.')
_HELD = flags.DEFINE_string('held', 'test', 'The split that stands in for samples.')

Labelled = tuple[np.ndarray, np.ndarray]


def disturbed(held: Labelled, train: Labelled, n: int) -> dict[str, Labelled]:
  """name -> (images uint8[n,H,W,C], labels i32[n])."""
  rng = np.random.default_rng(0)
  image, label = held[0][:n], held[1][:n]
  classes = np.unique(label)
  among = lambda kept: np.resize(np.flatnonzero(np.isin(held[1], kept)), n)
  taken = lambda rows: (held[0][rows], held[1][rows])
  grey = lambda x: np.clip(np.round(x), 0, 255).astype(np.uint8)
  copies = rng.permutation(len(train[0]))[:n]
  return {
    'none': (image, label),
    'noise': (grey(image + rng.normal(0, 255 / 6, image.shape)), label),
    'blur': (grey(gaussian_filter(image.astype(np.float32), (0, 1.5, 1.5, 0))), label),
    'half the classes': taken(among(classes[: len(classes) // 2])),
    'one class': taken(among(classes[:1])),
    'a tenth repeated': taken(np.resize(np.arange(n // 10), n)),
    'copies': (train[0][copies], train[1][copies]),
  }


def values(
  each, images: Labelled, source: Callable, key: jax.Array
) -> tuple[dict[str, float], float]:
  """What the measure comes to, and the seconds; {} and the reason on screen if it cannot be had."""
  ((name, found),) = measuring.measure([each], still(*images), source, [key])
  if isinstance(found, InputError):
    print(f'{name}: {found}', flush=True)
    return {}, 0.0
  return found.values, found.seconds


def main(argv: list[str]) -> None:
  """Prints the table as it grows."""
  del argv
  options = {'folder': _FOLDER.value} if _FOLDER.value else {}
  whole = lru_cache(lambda split='train': opened({'name': _DATA.value, **options}, split=split))
  # No image is on both sides, or measures of copies would see those that are; and every other one,
  # since the first half of MNIST's test images was written by other people than the second.
  other = lambda s, first: Source({k: a[first::2] for k, a in s.arrays.items()}, s.meta)
  source = lambda split='train': other(whole(split), 1) if split == _HELD.value else whole(split)
  arrays = [whole().arrays, other(whole(_HELD.value), 0).arrays]
  train, held = ((np.asarray(a['image']), np.asarray(a['label'])) for a in arrays)
  sets = disturbed(held, train, _N.value)
  evals = asking.asked(_METRICS.value, n=_N.value, features=_FEATURES.value)
  print(f'| {_DATA.value}, {_N.value:,} images | {" | ".join(sets)} | seconds |')
  print(f'|---|{"---|" * (len(sets) + 1)}')
  for each in evals:
    found = {n: values(each, images, source, jax.random.key(0)) for n, images in sets.items()}
    for value in found['none'][0]:
      cells = [f'{found[n][0].get(value, np.nan):.4g}' for n in sets]
      title = each.name if value == each.name else f'{each.name}/{value}'
      print(f'| {title} | {" | ".join(cells)} | {found["none"][1]:.1f} |', flush=True)


if __name__ == '__main__':
  app.run(main)
