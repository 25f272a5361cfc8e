"""Boundary distortion: what samples hide of where classes part (Santurkar et al. 2018).

A linear classifier of samples is asked about real images that it has not seen, and so are those of
as many real images and of ever fewer: of how many real images are the samples worth?
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.data.source import Source
from gan_jax.errors import InputError
from gan_jax.metrics.look import look
from gan_jax.sampling import Sampler

Labelled = tuple[np.ndarray, np.ndarray]  # features f[N,D], i[N]


class Distortion(NamedTuple):
  """How the pupil of samples compares with those of real images."""

  fake: float  # its accuracy
  real: float  # that of the pupil of all real images
  stderr: float  # of real - fake, which are of the same images
  fewer: dict[int, float]  # number of real images -> accuracy, all of them among these
  worth: float  # real images that teach as much, between the fewest and all


def distortion(
  fake: Labelled, real: Labelled, asked: Labelled, fewer: Sequence[int] = (4, 16, 64)
) -> Distortion:
  """Learnt from `fake`, and from all and every 4th, 16th, 64th of `real`; asked about `asked`.

  'worth' is read from accuracy against the logarithm of the number, made to rise. Real images are
  to come in an order that has nothing to do with their class.
  """
  if len(real[1]) < 2 or len(asked[1]) < 2 or not len(fake[1]):
    raise InputError(
      f'there are {len(fake[1])} samples and {len(real[1])} real images with a label to learn from '
      f'and {len(asked[1])} to ask about; two of each are the least.'
    )
  right_fake = linear(*fake, *asked)
  right = {}
  for every in sorted({1, *fewer}, reverse=True):
    part = real[0][::every], real[1][::every]
    right[len(part[1])] = linear(*part, *asked)
  curve = {n: float(np.mean(r)) for n, r in right.items()}
  rising = np.maximum.accumulate(list(curve.values()))
  apart = right[len(real[1])].astype(float) - right_fake
  log_n = np.interp(np.mean(right_fake), rising, np.log(list(curve)))
  return Distortion(
    fake=float(np.mean(right_fake)),
    real=curve[len(real[1])],
    stderr=float(np.std(apart, ddof=1) / np.sqrt(len(apart))),
    fewer=curve,
    worth=float(np.exp(log_n)),
  )


def linear(
  known: np.ndarray, label: np.ndarray, asked: np.ndarray, truth: np.ndarray
) -> np.ndarray:
  """Whether a logistic regression of known f[N,D] is right about asked f[M,D]: bool[M].

  Columns are standardised. Of a single class it says that one.
  """
  from sklearn.linear_model import LogisticRegression
  from sklearn.pipeline import make_pipeline
  from sklearn.preprocessing import StandardScaler

  if len(np.unique(label)) < 2:
    return truth == label[0]
  model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, tol=1e-3))
  return model.fit(np.asarray(known, np.float64), label).predict(asked) == truth


def boundary(
  sampler: Sampler,
  source: Callable[..., Source],
  key: jax.Array,
  *,
  features: Any = 'pixels',
  annotator: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
) -> Mapping[str, Any]:
  """The eval {'boundary', 'stderr', 'fake', 'real', 'worth'}: 0, and worth all, at best.

  'boundary' is how much worse a linear classifier of samples is than one of as many real images,
  'worth' of how many real images it might be. Of n real images each other one is learnt from and
  the rest are asked about; n / 2 samples are learnt from. A G that is told no class has its samples
  labelled by the `annotator`, an extractor with logits, as in the paper. In pixels by default:
  where features know the classes already, a few images teach a linear classifier all there is.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  if a.real.label is None:
    raise InputError(f'boundaries are between classes; {source(split).meta.get("name")} has none.')
  label, by = a.fake.label, 'asked for'
  if label is None:
    seen = look(sampler, source, key, features=annotator, n=n, split=split)
    if seen.fake.logits is None:
      raise InputError(f'{seen.protocol["features"]} names no classes: it has no logits.')
    label, by = np.argmax(seen.fake.logits, axis=1), seen.protocol['features']
  rng = np.random.default_rng(0)  # folders come class by class
  told = rng.permutation(np.flatnonzero(a.real.label >= 0))
  taken = rng.permutation(len(label))[: -(-len(told) // 2)]
  at = lambda features, label, rows: (np.asarray(features[rows]), label[rows])
  learnt, asked = (at(a.real.features, a.real.label, told[i::2]) for i in (0, 1))
  found = distortion(at(a.fake.features, label, taken), learnt, asked)
  return {
    'boundary': found.real - found.fake,
    'stderr': found.stderr,
    'fake': found.fake,
    'real': found.real,
    'worth': found.worth,
    'protocol': {**a.protocol, 'labels': by, 'learnt': len(learnt[1]), 'asked': len(asked[1])},
  }
