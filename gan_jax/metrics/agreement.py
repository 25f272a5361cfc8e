"""Whether classes agree: what G was asked for, what a code came to mean, what D's clusters hold.

Samples are read by a nearest-neighbour classifier of pixels that knows the training labels. How
often it is right about test images is told beside each number.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.priors import Structured
from gan_jax.sampling import Sampler, label_at


class Reader(NamedTuple):
  """A classifier of images."""

  read: Callable[[np.ndarray], np.ndarray]  # image f32[N,...] as the networks see it -> label i[N]
  accuracy: float  # on images that it does not know


def reader(
  sampler: Sampler, source: Callable, fit: str, test: str, most: int, neighbours: int
) -> Reader:
  """The vote of the nearest images of split `fit`, by pixels in [0, 1], as the networks see them.

  Of either split it looks at the first `most` images.
  """
  from sklearn.neighbors import KNeighborsClassifier  # 1 s to import

  pixels = lambda images: sampler.unit(images).reshape(len(images), -1)

  def seen(split: str) -> tuple[np.ndarray, np.ndarray]:
    images, labels = labelled(source, split, most)
    return pixels(sampler.see(images)), labels

  known = KNeighborsClassifier(neighbours, algorithm='brute').fit(*seen(fit))
  return Reader(lambda images: known.predict(pixels(images)), float(known.score(*seen(test))))


def labelled(source: Callable, split: str, most: int) -> tuple[np.ndarray, np.ndarray]:
  """The first `most` images of a split, as stored, and their labels; InputError if it has none."""
  arrays = source(split).arrays
  if 'label' not in arrays:
    raise InputError(f'split {split!r} of this data has no labels to agree with.')
  return np.asarray(arrays['image'][:most]), np.asarray(arrays['label'][:most])


def asked(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 1000,
  fit: str = 'train',
  test: str = 'test',
  most: int = 10_000,
  neighbours: int = 3,
) -> Mapping[str, float]:
  """The eval {'asked', 'classifier'}: the share of n samples that are read as the class asked for.

  Classes are asked for in turn. 'classifier' is the accuracy on `test` of the `reader`.
  """
  given = sampler.fill(key, n)
  wanted = np.asarray(given[label_at(given)])
  by = reader(sampler, source, fit, test, most, neighbours)
  right = by.read(sampler.generate(*given)) == wanted
  return {'asked': float(np.mean(right)), 'classifier': by.accuracy}


def codes(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  code: int = 0,
  n: int = 1000,
  fit: str = 'train',
  test: str = 'test',
  most: int = 10_000,
  neighbours: int = 3,
) -> Mapping[str, float]:
  """The eval {'codes', 'classifier'}: how far a categorical code of z says the class of a sample.

  The share of n samples that are read as the class which their code is `matched` with.
  """
  prior = sampler.prior
  if not isinstance(prior, Structured):
    raise InputError("z has no categorical code: that of prior=dict(name='structured') has.")
  z = np.asarray(prior(key, n))
  drawn = np.argmax(z[:, prior.columns(z.shape[1])[0][code]], axis=1)
  by = reader(sampler, source, fit, test, most, neighbours)
  return {'codes': matched(drawn, by.read(sampler.generate(z))), 'classifier': by.accuracy}


def clusters(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  network: str = 'D',
  output: str = 'classes',
  first: int | None = None,
  split: str = 'test',
  most: int = 10_000,
) -> Mapping[str, float]:
  """The eval {'clusters'}: how far the largest of a network's outputs says the class of an image.

  The share of real images of the class which their cluster is `matched` with. Of output `output`
  only the `first` entries count: 10 of InfoGAN's q are the first code.
  """
  images, labels = labelled(source, split, most)
  return {'clusters': matched(_largest(sampler, network, output, first, images), labels)}


def recognised(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  network: str = 'D',
  output: str = 'classes',
  first: int | None = None,
  split: str = 'test',
  most: int = 10_000,
) -> Mapping[str, float]:
  """The eval {'recognised'}: the same for a network that was told the labels, without matching."""
  images, labels = labelled(source, split, most)
  right = _largest(sampler, network, output, first, images) == labels
  return {'recognised': float(np.mean(right))}


def matched(found: np.ndarray, truth: np.ndarray) -> float:
  """The share of examples of the class that their cluster is matched with: two i[N] -> [0, 1].

  A cluster is matched with at most one class and a class with at most one cluster, so that the
  share is largest (Kuhn's Hungarian method), on these very examples: clusters that know nothing of
  ten classes of one size come to 0.1, and a little more if the examples are few.
  """
  from scipy.optimize import linear_sum_assignment

  table = np.zeros((np.max(found) + 1, np.max(truth) + 1), int)
  np.add.at(table, (found, truth), 1)
  return float(table[linear_sum_assignment(table, maximize=True)].sum() / len(truth))


def _largest(
  sampler: Sampler, network: str, output: str, first: int | None, images: np.ndarray
) -> np.ndarray:
  """Which of a network's outputs is largest for each stored image: i[N]."""
  out = sampler.apply(network, sampler.see(images), output=output)
  return np.argmax(out[:, :first], axis=1)
