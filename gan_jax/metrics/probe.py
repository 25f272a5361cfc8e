"""A discriminator as a feature extractor (Radford et al. 2016, section 5): what a linear SVM makes
of all its convolutions, max-pooled to 4x4.

In the paper, with a D trained on ImageNet at 32x32, 82.8% of CIFAR-10's test images are told right
(73.8% ± 0.4% from 400 labels a class; 80.6% and 63.7% ± 0.7% by one layer of K-means), and with a D
trained on SVHN and 1,000 of its labels 22.48% are told wrong. The SVM is L2: squared hinge.

What came out here on CIFAR-10 is in experiments/dcgan_cifar10.py. Of MNIST's test images 5.2% ±
0.4% are told wrong from 1,000 labels, few_labels(n=12000, draws=10), by the D of
experiments/dcgan_mnist.py:width=32 after 3,000 rounds.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import inside
from gan_jax.errors import InputError
from gan_jax.exposed import Exposed, as_seen, columns, exposed
from gan_jax.game import Array
from gan_jax.metrics import look
from gan_jax.sampling import Sampler, in_chunks

BATCH = 64
C = 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2  # as in the authors' code for SVHN


class Labelled(NamedTuple):
  """Features f32[N,F] with their classes i32[N]."""

  x: np.ndarray
  y: np.ndarray

  def rows(self, at: np.ndarray) -> 'Labelled':
    """Those of them."""
    return Labelled(self.x[at], self.y[at])


def probe(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  of: Any = None,
  network: str = 'D',
  inputs: Sequence[str] = ('image',),
  train: str = 'train',
  test: str = 'test',
  n: int = 0,
  held_out: float = 0.1,
  c: Sequence[float] = C,
) -> Mapping[str, Any]:
  """The eval {'accuracy', 'c', 'features'}: of the split `test`, learnt from n of `train`'s images.

  `of` unsaid, of the features of `network`, whose BatchNorm has statistics of training images; or
  those of an extractor, such as 'kmeans' or dict(name='kmeans', units=1600). `c` is chosen on the
  part of the training images that is `held_out`, and learnt with from all. Raises InputError
  without labels, or a network without maps.
  """
  data, told, protocol = _data(sampler, source, of, network, inputs, train, test, n)
  held = np.zeros(len(data.y), bool)
  held[_shuffled(key, len(data.y))[: max(1, round(held_out * len(data.y)))]] = True
  best = chosen([(data.rows(~held), data.rows(held))], c)
  accuracy = score(svm(data, best), told)
  protocol |= {'c': list(c), 'held_out': held_out}
  return {'accuracy': accuracy, 'c': best, 'features': data.x.shape[1], 'protocol': protocol}


def few_labels(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  labels: int = 1000,
  draws: int = 20,
  of: Any = None,
  network: str = 'D',
  inputs: Sequence[str] = ('image',),
  train: str = 'train',
  test: str = 'test',
  n: int = 0,
  validation: int = 10_000,
  c: Sequence[float] = C,
) -> Mapping[str, Any]:
  """The eval {'error', 'spread', 'c'}: of `test`, from so many labels, as many of each class.

  As in the authors' code, `c` is that of the smallest mean error on `validation` of the training
  images, at most half of them, over the first 10 draws of labels from the others; 'error' is the
  mean over all draws, 'spread' 1.96 times its deviation from draw to draw. The paper has 100 draws.
  """
  data, told, protocol = _data(sampler, source, of, network, inputs, train, test, n)
  order = _shuffled(key, len(data.y))
  cut = min(validation, len(order) // 2)
  held, pool = data.rows(order[:cut]), data.rows(order[cut:])
  rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
  drawn = [pool.rows(balanced(pool.y, labels, rng)) for _ in range(draws)]
  best = chosen([(part, held) for part in drawn[:10]], c)
  errors = [1 - score(svm(part, best), told) for part in drawn]
  protocol |= {'c': list(c), 'labels': labels, 'draws': draws, 'validation': cut}
  return {
    'error': float(np.mean(errors)),
    'spread': float(1.96 * np.std(errors)),
    'c': best,
    'protocol': protocol,
  }


def pooled(maps: Array, grid: int = 4) -> Array:
  """f32[B,H,W,C] -> f32[B,min(H,grid),min(W,grid),C]: the maxima of a grid of cells.

  Where it does not divide a side, cells overlap by a pixel.
  """
  for axis in (1, 2):
    size = maps.shape[axis]
    cells = min(grid, size)
    ends = [(i * size // cells, -(-(i + 1) * size // cells)) for i in range(cells)]
    parts = [jnp.max(jax.lax.slice_in_dim(maps, *e, axis=axis), axis, keepdims=True) for e in ends]
    maps = jnp.concatenate(parts, axis=axis)
  return maps


def extract(net: Exposed, *given: np.ndarray) -> np.ndarray:
  """Its inputs for N images -> f32[N,F]: the activations of all layers of maps, pooled, flat."""
  layers = inside.maps(net.layers)
  if not layers:
    raise InputError('this network has no maps to pool: it has no convolutions.')
  see = inside.seen(net.function, layers)

  @jax.jit
  def features(*inputs: Array) -> Array:
    flat = [pooled(value.after).reshape(len(value.after), -1) for value in see(*inputs)]
    return jnp.concatenate(flat, axis=1)

  return in_chunks(features, BATCH, *given)


def svm(data: Labelled, c: float) -> Any:
  """scikit-learn's LinearSVC, fitted: squared hinge, one class against the rest.

  In the dual, which for a C as small as these takes few passes over the data.
  """
  from sklearn.exceptions import ConvergenceWarning
  from sklearn.svm import LinearSVC

  with warnings.catch_warnings():
    warnings.simplefilter('ignore', ConvergenceWarning)
    return LinearSVC(C=c, dual=True, random_state=0).fit(*data)


def score(fitted: Any, data: Labelled) -> float:
  """The share of them that it tells right."""
  return float(np.mean(fitted.predict(data.x) == data.y))


def chosen(pairs: Sequence[tuple[Labelled, Labelled]], c: Sequence[float]) -> float:
  """The C with which, learnt from the first of each pair, most of the second are told right.

  The smallest of those that are as good.
  """
  if len(c) == 1:
    return float(c[0])
  good = lambda value: np.mean([score(svm(fit, value), held) for fit, held in pairs])
  return float(max(sorted(c), key=good))


def balanced(y: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
  """Rows of y i32[N], `count` in all, as many of each class; InputError if a class has too few."""
  classes = np.unique(y)
  each, rest = divmod(count, len(classes))
  sizes = [int(np.sum(y == k)) for k in classes]
  if rest or not each or min(sizes) < each:
    raise InputError(
      f'{count} labels of {len(classes)} classes with {min(sizes)} images and more: it takes a '
      'multiple of the classes, and no more than there are.'
    )
  return np.concatenate([rng.choice(np.flatnonzero(y == k), each, replace=False) for k in classes])


def _data(
  sampler: Sampler,
  source: Callable,
  of: Any,
  network: str,
  inputs: Sequence[str],
  train: str,
  test: str,
  n: int,
) -> tuple[Labelled, Labelled, dict[str, Any]]:
  """What to learn from, what to be tried on, and how both came to be."""
  for split in (train, test):
    if 'label' not in source(split).arrays:
      raise InputError(f'split {split!r} has no labels to learn from or to be tried on.')
  stored = columns(source, train, (*inputs, 'label'), n)
  others = columns(source, test, (*inputs, 'label'))
  sizes = {name: len(found['label']) for name, found in ((train, stored), (test, others))}
  protocol: dict[str, Any] = {
    'train': f'{train}: {sizes[train]:,}',
    'test': f'{test}: {sizes[test]:,}',
  }
  pick = lambda found: {name: found[name] for name in inputs}
  if of is None:
    net = exposed(sampler, network, pick(stored))
    both = [extract(net, *net.given), extract(net, *as_seen(sampler, pick(others)))]
    protocol |= {'features': f'{network}, {len(inside.maps(net.layers))} layers'}
  else:
    extractor = look.built(of, source)
    seen = lambda split, n: look.reference(source, features=extractor, n=n, split=split).features
    both = [seen(train, sizes[train]), seen(test, sizes[test])]
    protocol |= {'features': extractor.name}
  return Labelled(both[0], stored['label']), Labelled(both[1], others['label']), protocol


def _shuffled(key: jax.Array, n: int) -> np.ndarray:
  return np.random.default_rng(np.asarray(jax.random.key_data(key))).permutation(n)
