"""What an encoder knows of the classes, which it was not told: nearest neighbours in its codes."""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from gan_jax.data.source import Source
from gan_jax.errors import InputError
from gan_jax.sampling import Sampler


def neighbours(
  sampler: Sampler,
  open_split: Callable,
  key: jax.Array,
  *,
  net: str = 'E',
  output: str | None = 'mean',
  train: int = 50_000,
  test: int = 10_000,
) -> Mapping[str, float]:
  """Accuracy of the nearest of `train` examples, as a classifier of `test` of the split 'test'.

  {'nearest/OUTPUT', 'nearest/pixels'}: by Euclidean distance in what `net` makes of the images
  (NNC of Donahue et al. 2017, section 4.1), and in the images themselves. `output` names the entry
  of what it returns, None if it returns just one array. Raises InputError for data without labels.
  """
  known, asked = _first(open_split(), train), _first(open_split('test'), test)
  images = [sampler.see(image) for image, _ in (known, asked)]
  labels = [label for _, label in (known, asked)]
  seen = [sampler.apply(net, x, output=output) for x in images]
  return {
    f'nearest/{output or net}': accuracy(*seen, *labels),
    'nearest/pixels': accuracy(*images, *labels),
  }


def accuracy(known: np.ndarray, asked: np.ndarray, labels: np.ndarray, truth: np.ndarray) -> float:
  """How often the nearest of known f32[N,...] has the label of asked f32[M,...]."""
  from sklearn.neighbors import KNeighborsClassifier

  flat = lambda x: np.asarray(x, np.float32).reshape(len(x), -1)
  nearest = KNeighborsClassifier(1, algorithm='brute').fit(flat(known), labels)
  return float(nearest.score(flat(asked), truth))


def _first(source: Source, n: int) -> tuple[np.ndarray, np.ndarray]:
  if 'label' not in source.arrays:
    raise InputError(f'{source.meta.get("name")} has no labels for neighbours to agree on.')
  return np.asarray(source.arrays['image'][:n]), np.asarray(source.arrays['label'][:n])
