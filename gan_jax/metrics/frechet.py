"""The Frechet distance between two sets of features, each taken for a Gaussian.

d^2 = |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))        (Dowson & Landau 1982; Heusel et al. 2017)

S1 S2 is never formed, nor the root of anything that is not symmetric. With any factors S = R'R the
trace of the root is the sum of the singular values of R1 R2' (of n < D images, whose centred rows
are a factor: Mathiasen & Hvilshoj 2020), and those are the roots of the eigenvalues of R1 S2 R1'.
Squares lose small values, but not in a matrix that is graded from large to small, which is what
Cholesky's factor makes it once columns are in the order of their variances. All is float64, on the
host.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.metrics.look import Look, look
from gan_jax.metrics.moments import BLOCK, Moments, digest, moments, read, same_width
from gan_jax.sampling import Sampler

EPS = float(np.finfo(np.float64).eps)
PRECISE = 1e-9  # the most of the distance that squares may lose, by a bound that is never near


def distance(a: Moments, b: Moments) -> float:
  """The squared Frechet distance d^2, never below 0; InputError for features of two widths."""
  same_width(a, b)
  apart = float(np.sum((a.mean - b.mean) ** 2)) + a.trace + b.trace
  if a.root is None and b.root is None:
    return max(apart - 2 * float(np.sum(_roots(_graded(a, b)))), 0.0)
  few, other = sorted((a, b), key=lambda m: m.n if m.root is not None else np.inf)
  roots = _roots(_gram(few, other))
  if len(roots) and _lost(roots) > PRECISE * (apart - 2 * float(np.sum(roots))):
    roots = np.linalg.svd(factor(few) @ factor(other).T, compute_uv=False)
  return max(apart - 2 * float(np.sum(roots)), 0.0)


def factor(m: Moments) -> np.ndarray:
  """R f64[r,D] with R'R the covariance, r <= D: centred rows, or Cholesky's, graded."""
  if m.root is not None:
    return m.root
  order, upper = _cholesky(m.covariance)
  out = np.zeros((len(upper), len(m.mean)))
  out[:, order] = upper
  return out


def _cholesky(s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """(an order of the columns, R f64[r,D] of those) of a covariance f64[D,D], of any rank."""
  from scipy.linalg.lapack import dpotrf, dpstrf

  order = np.argsort(-np.diagonal(s), kind='stable')
  upper, failed = dpotrf(s[np.ix_(order, order)].T, overwrite_a=True)
  if not failed:
    return order, upper
  upper, pivots, rank, _ = dpstrf(s.T, tol=EPS * np.max(np.diagonal(s)))
  return pivots - 1, np.triu(upper)[:rank]


def _graded(a: Moments, b: Moments) -> np.ndarray:
  """R1 S2 R1', R1 of a's covariance."""
  from scipy.linalg.blas import dtrmm  # half a product

  order, upper = _cholesky(a.covariance)
  other = b.covariance[np.ix_(order, order)].T
  if len(upper) < len(order):
    return upper @ other @ upper.T
  left = dtrmm(1.0, upper, other, overwrite_b=True)
  return dtrmm(1.0, upper, left, side=1, trans_a=1, overwrite_b=True)


def _gram(few: Moments, other: Moments) -> np.ndarray:
  """R1 S2 R1', R1 the rows of the set that has fewer."""
  root = factor(few)
  if other.root is None:
    return root @ other.covariance @ root.T
  product = root @ other.root.T
  return product @ product.T


def _roots(square: np.ndarray) -> np.ndarray:
  """The roots of the eigenvalues, ascending."""
  from scipy.linalg import eigvalsh

  if not square.size:  # a set of copies
    return np.zeros(0)
  return np.sqrt(np.maximum(eigvalsh(square, overwrite_a=True, check_finite=False), 0))


def _lost(roots: np.ndarray) -> float:
  """How far the sum of the roots may be off: eigenvalues are good to some 8 EPS of the largest."""
  noise = 8 * EPS * roots[-1] ** 2
  return 2 * float(np.linalg.norm(noise / np.maximum(2 * roots, noise**0.5 + 1e-300)))


def standard_error(real: np.ndarray, fake: np.ndarray, a: Moments, b: Moments) -> float:
  """Of the distance, from that of either set, [N,D] with their moments a and b.

  It is of the spread only: the bias of few images is no part of it. NaN unless both sets have more
  rows than columns.
  """
  return float(np.hypot(influence(real, a, b), influence(fake, b, a)))


def influence(features: np.ndarray, own: Moments, other: Moments) -> float:
  """The part of one set's rows in the error: the delta method, by the Gaussians' own gradient.

  A row x moves the distance by 2 (m - m')'c + c'(1 - T)c less the mean of that, c = x - m, where T
  is the transport from its Gaussian to the other.
  """
  if len(features) <= len(own.mean) or other.root is not None:
    return float('nan')
  root = factor(other)
  square, turn = np.linalg.eigh(root @ own.covariance @ root.T)
  along = (turn.T @ root) / np.maximum(square, square[-1] * 1e-12)[:, None] ** 0.25
  told = []
  for i in range(0, len(features), BLOCK):
    c = np.asarray(features[i : i + BLOCK], np.float64) - own.mean
    quadratic = np.sum(c**2, 1) - np.sum((c @ along.T) ** 2, 1)
    told.append(2 * c @ (own.mean - other.mean) + quadratic)
  return float(np.std(np.concatenate(told), ddof=1) / np.sqrt(own.n))


def frechet(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  statistics: str = '',
) -> Mapping[str, Any]:
  """The Frechet distance between n samples and n real images in any features, with its error.

  With Inception's features it is the `fid`; with others it is not, and is not to be compared.
  `statistics` are a file's (see `moments.read`) in place of real images.
  """
  if statistics:
    a = look(sampler, source, key, features=features, n=n, split=split, real_n=2)
    return measured(a, 'frechet', statistics)
  return measured(look(sampler, source, key, features=features, n=n, split=split), 'frechet')


def fid(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 50_000,
  split: str = 'train',
  clean: bool = False,
  statistics: str = '',
) -> Mapping[str, Any]:
  """The Frechet Inception distance (Heusel et al. 2017): `frechet` in Inception's own features.

  `clean` resizes as Parmar et al. 2022.
  """
  features = dict(name='inception', clean=clean)
  found = dict(
    frechet(sampler, source, key, features=features, n=n, split=split, statistics=statistics)
  )
  return {'fid': found.pop('frechet'), **found}


def measured(a: Look, name: str, statistics: str = '') -> dict[str, Any]:
  """{name: the distance, 'stderr', 'protocol'} of two sets, or of samples and a file's statistics.

  The error is then that of the samples alone.
  """
  fake = moments(a.fake.features)
  real = read(statistics) if statistics else moments(a.real.features)
  found, d = {name: distance(real, fake)}, len(fake.mean)
  protocol = {**a.protocol, 'covariance': 'unbiased'}
  if statistics:
    protocol |= dict(real='statistics of a file', real_sha256=digest(statistics), n_real=real.n)
    error = influence(a.fake.features, fake, real)
  else:
    error = standard_error(a.real.features, a.fake.features, real, fake)
  if np.isfinite(error):
    found['stderr'] = error
  if fake.n <= d or 0 < real.n <= d:
    protocol['note'] = f'no more images than the {d} features: far too large a number'
  return {**found, 'protocol': protocol}
