"""Are samples any good to learn from? Classifiers of samples judge real images, and the reverse."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from scipy.special import log_softmax

from gan_jax.errors import InputError
from gan_jax.features.classifier import Recipe, scores, train
from gan_jax.metrics.look import labelled, look
from gan_jax.sampling import Sampler


def cas(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 10_000,
  split: str = 'train',
  test: str = 'test',
  width: int = 16,
  shown: int = 100_000,
) -> Mapping[str, Any]:
  """The eval {'cas', 'real', 'gan_test', 'divergence', 'stderr'}, of a G that is told the class.

  'cas' is the accuracy on `test` of a classifier that has learnt from n samples alone (Ravuri &
  Vinyals 2019; GAN-train of Shmelkov et al. 2018), 'real' that of one that has learnt from n real
  images, and 'gan_test' that of the latter on samples: high beside a low 'cas' where samples are
  good and few. 'divergence' is the mean KL of the first from the second on `test`, in nats (Yang et
  al. 2017, whose adversarial accuracy is 'cas').
  """
  image, label = labelled(sampler, key, n)
  known, asked = (_images(source(name), name) for name in (split, test))
  rows = np.arange(min(n, len(known[0]))) * len(known[0]) // min(n, len(known[0]))
  classes = 1 + int(max(label.max(), known[1].max(), asked[1].max()))
  recipe = Recipe(width=width, shown=shown)
  learnt = lambda x, y, of: train(x, y, classes, recipe, f'a classifier of {of}')
  of_samples = learnt(image, label, 'samples')
  of_images = learnt(np.asarray(known[0][rows]), known[1][rows], 'real images')
  read = lambda weights, x: scores(weights, x, classes, width)
  ours, theirs = read(of_samples, asked[0]), read(of_images, asked[0])
  right = lambda logits, y: float(np.mean(np.argmax(logits, axis=1) == y))
  found = right(ours, asked[1])
  return {
    'cas': found,
    'real': right(theirs, asked[1]),
    'gan_test': right(read(of_images, image), label),
    'divergence': divergence(ours, theirs),
    'stderr': float(np.sqrt(found * (1 - found) / len(asked[1]))),
    'protocol': {'n_fake': n, 'n_real': len(rows), 'test': len(asked[1]), **recipe._asdict()},
  }


def boundary(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
) -> Mapping[str, Any]:
  """The eval {'boundary', 'fake', 'real'}: boundary distortion (Santurkar et al. 2018).

  How much worse a linear classifier of samples is, on real images that neither has seen, than one
  of as many real images, in features: 0 of a G whose samples are worth as much. Half of the real
  ones are learnt from and half are asked about.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  if a.real.label is None or a.fake.label is None:
    raise InputError('boundaries are between classes: G is to be told them, and data to have them.')
  half = len(a.real.label) // 2
  asked = np.asarray(a.real.features[half:]), a.real.label[half:]
  of = {
    name: linear(np.asarray(seen.features[:half]), seen.label[:half], *asked)  # type: ignore[index]
    for name, seen in (('fake', a.fake), ('real', a.real))
  }
  return {'boundary': of['real'] - of['fake'], **of, 'protocol': {**a.protocol, 'learnt': half}}


def linear(known: np.ndarray, label: np.ndarray, asked: np.ndarray, truth: np.ndarray) -> float:
  """The accuracy on asked f[M,D] of a logistic regression of known f[N,D]; columns are scaled."""
  from sklearn.linear_model import LogisticRegression
  from sklearn.pipeline import make_pipeline
  from sklearn.preprocessing import StandardScaler

  if len(np.unique(label)) < 2:
    return float(np.mean(truth == label[0]))
  model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
  return float(model.fit(known, label).score(asked, truth))


def divergence(logits: np.ndarray, other: np.ndarray) -> float:
  """The mean of KL(softmax(logits) || softmax(other)), f[N,K] both, in nats."""
  p, q = (log_softmax(np.asarray(x, np.float64), axis=1) for x in (logits, other))
  return float(np.mean(np.sum(np.exp(p) * (p - q), axis=1)))


def _images(source: Any, split: str) -> tuple[np.ndarray, np.ndarray]:
  if 'label' not in source.arrays:
    raise InputError(f'{split} has no labels for a classifier to learn, or to be asked about.')
  return source.arrays['image'], np.asarray(source.arrays['label'])
