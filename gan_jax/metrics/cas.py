"""What a conditional generator teaches: classifiers of its samples meet real images, and back.

GAN-train, a classifier that learns from samples and is asked about real images, misses what samples
lack in truth or in variety; GAN-test, the other way round, what they lack in truth (Shmelkov et al.
2018). GAN-train is the classification accuracy score of Ravuri & Vinyals 2019, and the adversarial
accuracy of Yang et al. 2017 (LR-GAN), whose adversarial divergence is told beside it.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.special import log_softmax

from gan_jax.data.source import Source
from gan_jax.errors import InputError
from gan_jax.features.classifier import Recipe, scores, train
from gan_jax.metrics.look import labelled
from gan_jax.sampling import Sampler

Labelled = tuple[np.ndarray, np.ndarray]  # uint8[N,H,W,C], i32[N]


class Taught(NamedTuple):
  """Accuracies, and how far two teachers' pupils are apart."""

  gan_train: float  # learnt from samples, asked about real test images
  gan_test: float  # learnt from real images, asked about samples
  real: float  # learnt from real images, asked about real test images: what is within reach
  divergence: float  # E_x KL(C_g(x) || C_r(x)) over real test images, in nats
  stderr: float  # of gan_train, over test images


def taught(fake: Labelled, real: Labelled, test: Labelled, classes: int, recipe: Recipe) -> Taught:
  """Trains one classifier on `fake`, another on `real`, and asks both. Labels in [0, classes).

  Raises InputError if images differ in shape, or one of the sets is empty.
  """
  sets = {'samples': fake, 'real images': real, 'test images': test}
  for name, (image, label) in sets.items():
    if not len(image) or len(image) != len(label) or image.shape[1:] != test[0].shape[1:]:
      raise InputError(
        f'classifiers are asked about images {test[0].shape[1:]} with a label each; there are '
        f'{len(image)} {name} {image.shape[1:]} with {len(label)} labels.'
      )
  by_fake = train(*fake, classes, recipe, 'training on samples')
  by_real = train(*real, classes, recipe, 'training on real images')
  says = lambda weights, image: scores(weights, image, classes, recipe.width)
  from_fake, from_real = says(by_fake, test[0]), says(by_real, test[0])
  right = accuracy(from_fake, test[1])
  return Taught(
    gan_train=right,
    gan_test=accuracy(says(by_real, fake[0]), fake[1]),
    real=accuracy(from_real, test[1]),
    divergence=divergence(from_fake, from_real),
    stderr=float(np.sqrt(right * (1 - right) / len(test[1]))),
  )


def accuracy(logits: np.ndarray, label: np.ndarray) -> float:
  """How often the largest of f[N,K] is at i[N]."""
  return float(np.mean(np.argmax(logits, axis=1) == label))


def divergence(p: np.ndarray, q: np.ndarray) -> float:
  """E_x KL(p(y|x) || q(y|x)) of logits f[N,K] of both, in nats."""
  log_p, log_q = (log_softmax(np.asarray(a, np.float64), axis=1) for a in (p, q))
  return float(np.mean(np.sum(np.exp(log_p) * (log_p - log_q), axis=1)))


def cas(
  sampler: Sampler,
  source: Callable[..., Source],
  key: jax.Array,
  *,
  n: int = 10_000,
  real_n: int | None = None,
  split: str = 'train',
  test: str = 'test',
  width: int | None = None,
  shown: int = 100_000,
  seed: int = 0,
) -> Mapping[str, Any]:
  """The eval {'cas', 'stderr', 'gan_test', 'real', 'divergence'} of a conditional generator.

  'cas', GAN-train, is of n samples; `real_n` (as many, if unsaid) images of `split` teach the other
  classifier, the network of `features.classifier` in both cases, shown as many images. The
  divergence and 'real' are told to be compared with: at best 'cas' is 'real' and the divergence
  small. Raises InputError for a generator that is told no class, or data without labels.
  """
  image, asked = labelled(sampler, key, n)
  real = _real(source(split), split, real_n or n, sampler)
  held = _real(source(test), test, None, sampler)
  classes = int(max(y.max() for y in (asked, real[1], held[1]))) + 1
  recipe = Recipe(width or (16 if image.shape[-1] == 1 else 32), shown, seed=seed)
  found = taught((image, asked), real, held, classes, recipe)
  name = source(split).meta.get('name')
  protocol = dict(
    real=f'{name} {split}: {len(real[0]):,}', test=f'{name} {test}: {len(held[0]):,}', n_fake=n,
    classifier=f'width {recipe.width}, shown {shown:,}, version {recipe.version}', **sampler.facts,
  )  # fmt: skip
  return {
    'cas': found.gan_train,
    'stderr': found.stderr,
    'gan_test': found.gan_test,
    'real': found.real,
    'divergence': found.divergence,
    'protocol': protocol,
  }


def _real(source: Source, split: str, n: int | None, sampler: Sampler) -> Labelled:
  """Up to n images, spread evenly, whose class is told: as they would be drawn, with labels."""
  if 'label' not in source.arrays:
    name = source.meta.get('name')
    raise InputError(f'{name} {split} has no labels for a classifier to learn, or be asked about.')
  label = np.asarray(source.arrays['label'])
  told = np.flatnonzero(label >= 0)
  rows = told[np.linspace(0, len(told) - 1, min(n or len(told), len(told))).astype(int)]
  image = np.asarray(source.arrays['image'][rows])
  if image.shape[1:] != sampler.shape:
    image = sampler.display(sampler.see(image))
  return image, label[rows].astype(np.int32)
