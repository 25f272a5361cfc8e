"""Frechet distances of more than one Gaussian: of every class, given a condition, of places."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.special import xlogy

from gan_jax.errors import InputError
from gan_jax.metrics.frechet import distance, measured
from gan_jax.metrics.look import Look, Seen, look
from gan_jax.metrics.moments import moments
from gan_jax.sampling import Sampler


class Classes(NamedTuple):
  """Of the classes of the real set: their distances, and their shares in both sets."""

  distance: np.ndarray  # f64[K], nan where either set has fewer than two images
  real: np.ndarray  # f64[K]
  fake: np.ndarray  # f64[K]


class Sample(NamedTuple):
  """Rows y [N,D] of features, each made under a condition x [N,P]."""

  x: np.ndarray
  y: np.ndarray


def by_class(
  real: np.ndarray, real_class: np.ndarray, fake: np.ndarray, fake_class: np.ndarray
) -> Classes:
  """Features [N,D] and classes i[N] of both sets -> the distance within each class.

  Classes with fewer images than features are measured exactly, but are all the more biased.
  """
  classes = np.unique(real_class)
  rows = [[np.flatnonzero(c == k) for k in classes] for c in (real_class, fake_class)]
  found = [
    distance(moments(real[a]), moments(fake[b])) if min(len(a), len(b)) > 1 else np.nan
    for a, b in zip(*rows, strict=True)
  ]
  shares = [np.array([len(r) for r in of]) / len(c) for of, c in
            zip(rows, (real_class, fake_class), strict=True)]  # fmt: skip
  return Classes(np.array(found), *shares)


def conditional(real: Sample, fake: Sample) -> float:
  """E_x d^2(p(y|x), p(y^|x)) of Gaussians, x distributed as in the real set.

  Soloveitchik et al. 2021: |E y - E y^|^2 + tr (C_yx - C_y^x) C_xx^-1 (C_xy - C_xy^) +
  tr (C_y|x + C_y^|x - 2 (C_y|x C_y^|x)^(1/2)). C_y|x is the covariance of what least squares in x
  leaves of y, so that neither more conditions than images nor ones that determine each other, such
  as the indicators of classes, need anything special. The sets need not share their x.
  """
  for one in (real, fake):
    if len(one.x) != len(one.y) or one.x.ndim != 2:
      raise InputError(f'{len(one.y)} rows want as many conditions [N,P], not {one.x.shape}.')
  (slope, rest, of_x, of_y), (slope_, rest_, of_x_, of_y_) = map(_regressed, (real, fake))
  gap = of_y - of_y_ + (of_x_ - of_x) @ slope_
  along = (real.x - of_x) @ (slope - slope_)
  between = float(gap @ gap + np.sum(along**2) / (len(along) - 1))
  return between + distance(moments(rest), moments(rest_))


def class_aware(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
) -> Mapping[str, Any]:
  """The eval {'class_aware', 'worst', 'missing', 'kl'}: distances in classes, by their real shares.

  After Liu et al. 2018 (CAFD), who see with a classifier of the data's own classes and read the
  classes by it, here its most probable. 'missing' is how many classes have fewer than two samples
  and are left out of the mean; 'kl' is KL(p(y) of samples || p(y) of images), in nats, which sees
  what that hides.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  logits = [seen.logits for seen in (a.real, a.fake) if seen.logits is not None]
  if len(logits) < 2:
    raise InputError(
      f"{a.protocol['features']} reads no classes; ask for features='classifier', say."
    )
  read = [np.argmax(seen, axis=1) for seen in logits]
  found = by_class(a.real.features, read[0], a.fake.features, read[1])
  there = np.isfinite(found.distance)
  if not there.any():
    raise InputError(f'no class has two of {n:,} samples and two real images.')
  mean = np.sum((found.real * found.distance)[there]) / found.real[there].sum()
  return {
    'class_aware': float(mean),
    'worst': float(np.nanmax(found.distance)),
    'missing': int(np.sum(~there)),
    'kl': float(np.sum(xlogy(found.fake, found.fake / found.real))),
    'protocol': {**a.protocol, 'classes': 'read by the classifier'},
  }


def intra_class(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
) -> Mapping[str, Any]:
  """The eval {'intra_class', 'worst'}: the mean over classes of the distance of what G was asked.

  Intra-FID of Miyato & Koyama 2018, for conditional generators, against images of that label.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  real, fake = _labels(a)
  found = by_class(a.real.features, real, a.fake.features, fake)
  if not np.isfinite(found.distance).all():
    few = np.unique(real)[~np.isfinite(found.distance)]
    raise InputError(f'of classes {few.tolist()} there are fewer than two images or samples.')
  return {
    'intra_class': float(np.mean(found.distance)),
    'worst': float(np.max(found.distance)),
    'protocol': {**a.protocol, 'classes': 'as labelled and as asked for'},
  }


def conditional_frechet(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
) -> Mapping[str, Any]:
  """The eval {'conditional_frechet'}: `conditional`, given the class, as indicators."""
  a = look(sampler, source, key, features=features, n=n, split=split)
  labels = _labels(a)
  of = np.eye(1 + max(int(label.max()) for label in labels))
  sets = [Sample(of[y], s.features) for y, s in zip(labels, (a.real, a.fake), strict=True)]
  return {
    'conditional_frechet': conditional(*sets),
    'protocol': {**a.protocol, 'condition': 'class'},
  }


def spatial(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'inception',
  n: int = 50_000,
  split: str = 'train',
) -> Mapping[str, Any]:
  """The eval {'spatial', 'stderr'}: `frechet` of feature maps, which say where (Nash et al. 2021).

  sFID, if of the first 7 channels of Inception's mixed_6: 2023 numbers an image.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  if a.real.spatial is None or a.fake.spatial is None:
    raise InputError(f"{a.protocol['features']} gives no feature maps; features='inception' does.")
  return measured(Look(Seen(a.real.spatial), Seen(a.fake.spatial), a.protocol), 'spatial')


def _labels(a: Look) -> tuple[np.ndarray, np.ndarray]:
  if a.real.label is None:
    raise InputError('this takes the classes of real images, but the data has no labels.')
  if a.fake.label is None:
    raise InputError("this generator is told no class: its inputs lack 'label'.")
  return np.asarray(a.real.label), np.asarray(a.fake.label)


def _regressed(of: Sample) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
  """(y on x [P,D], what that leaves of y [N,D], the means of x and of y)."""
  x, y = (np.asarray(a, np.float64) for a in of)
  mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
  slope = np.linalg.lstsq(x - mean_x, y - mean_y, rcond=None)[0]
  return slope, y - mean_y - (x - mean_x) @ slope, mean_x, mean_y
