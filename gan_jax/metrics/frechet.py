"""The Frechet distance between two sets of features, each taken for a Gaussian.

d^2 = |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))        (Dowson & Landau 1982; Heusel et al. 2017)

S1 S2 is never formed, nor the root of anything that is not symmetric. With any factors S = R'R the
trace of the root is the sum of the singular values of R1 R2', so of n < D images the centred rows
themselves serve (Mathiasen & Hvilshoj 2020), and otherwise pivoted Cholesky factors, which find
the rank of what has not all of it. All is float64, on the host.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics.look import Look, look
from gan_jax.sampling import Sampler

BLOCK = 2048  # rows that are float64 at a time


class Moments(NamedTuple):
  """Of n rows of D numbers: their mean, and their scatter or, of n <= D rows, a factor of it."""

  n: int
  mean: np.ndarray  # f64[D]
  scatter: np.ndarray | None  # f64[D,D], the sum of (x - mean)(x - mean)'
  rows: np.ndarray | None = None  # f64[n,D], x - mean

  @property
  def covariance(self) -> np.ndarray:
    """f64[D,D], unbiased: divided by n - 1."""
    own = self.rows.T @ self.rows if self.rows is not None else self.scatter
    return np.asarray(own) / (self.n - 1)


def moments(features: np.ndarray) -> Moments:
  """Features [N,D] -> Moments, whatever lies in files a block of rows at a time.

  Raises InputError for fewer than 2 rows, or numbers that are not finite.
  """
  if features.ndim != 2 or len(features) < 2:
    raise InputError(
      f'a distance between Gaussians takes two or more rows of features, not {features.shape}.'
    )
  n, d = features.shape
  if n <= d:
    rows = _finite(features)
    mean = rows.mean(axis=0)
    return Moments(n, mean, None, rows - mean)
  return merged(features[i : i + BLOCK] for i in range(0, n, BLOCK))


def merged(blocks: Iterable[np.ndarray]) -> Moments:
  """The moments of a stream of blocks [B,D], of any sizes."""
  return reduce(merge, map(_block, blocks))


def merge(a: Moments, b: Moments) -> Moments:
  """The moments of two sets together (Chan, Golub & LeVeque 1979), both with their scatter."""
  n, gap = a.n + b.n, b.mean - a.mean
  assert a.scatter is not None
  assert b.scatter is not None
  between = (a.n * b.n / n) * np.outer(gap, gap)
  return Moments(n, a.mean + gap * (b.n / n), a.scatter + b.scatter + between)


def read(path: str) -> Moments:
  """Statistics as TTUR and pytorch-fid keep them: an .npz of mu and sigma; n is 0 if unsaid."""
  try:
    with np.load(path) as file:
      mean, sigma = (np.asarray(file[name], np.float64) for name in ('mu', 'sigma'))
      n = int(file['n']) if 'n' in file else 0
  except (OSError, KeyError, ValueError) as error:
    raise InputError(f'{path} holds no statistics, an .npz of mu and sigma: {error}.') from None
  return Moments(n, mean, sigma * (n - 1))


def distance(a: Moments, b: Moments) -> float:
  """The squared Frechet distance d^2, never below 0; InputError for features of two widths."""
  if a.mean.shape != b.mean.shape:
    raise InputError(
      f'features of {len(a.mean)} and of {len(b.mean)} numbers have no distance: both sets are to '
      'come from one extractor.'
    )
  of = [factor(m) for m in (a, b)]
  traces = [float(np.vdot(r, r)) for r in of]
  return max(float(np.sum((a.mean - b.mean) ** 2)) + sum(traces) - 2 * nuclear(*of), 0.0)


def factor(m: Moments) -> np.ndarray:
  """R f64[r,D] with R'R the covariance, and no more rows than its rank."""
  if m.rows is not None:
    return m.rows / np.sqrt(m.n - 1)
  from scipy.linalg.lapack import dpstrf

  upper, pivots, rank, _ = dpstrf(m.covariance)
  out = np.zeros((rank, len(m.mean)))
  out[:, pivots - 1] = np.triu(upper)[:rank]
  return out


def nuclear(a: np.ndarray, b: np.ndarray) -> float:
  """The sum of the singular values of a b', f64[p,D] and f64[q,D].

  With as many rows as columns from the eigenvalues of a b'b a', which is quicker; the factors of
  `factor` are graded, so that small ones are right too.
  """
  if len(a) > len(b):
    a, b = b, a
  product = a @ b.T
  if len(a) < a.shape[1]:
    return float(np.sum(np.linalg.svd(product, compute_uv=False)))
  return float(np.sum(np.sqrt(np.maximum(np.linalg.eigvalsh(product @ product.T), 0))))


def standard_error(real: np.ndarray, fake: np.ndarray, a: Moments, b: Moments) -> float:
  """Of the distance, from that of either set: the delta method, with the Gaussians' own gradient.

  The influence of a row x of one set is 2 (m - m')'c + c'(1 - T)c less its mean, c = x - m, where T
  is the transport between the Gaussians. NaN unless both sets have more rows than columns. It is
  of the spread only: the bias of few images is no part of it.
  """
  if min(a.n, b.n) <= len(a.mean):
    return float('nan')
  return float(np.hypot(_influence(real, a, b), _influence(fake, b, a)))


def _influence(features: np.ndarray, own: Moments, other: Moments) -> float:
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
) -> Mapping[str, Any]:
  """The Frechet distance between n samples and n real images in any features, with its error.

  With Inception's features it is the `fid`; with others it is not, and is not to be compared.
  """
  return measured(look(sampler, source, key, features=features, n=n, split=split), 'frechet')


def fid(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 50_000,
  split: str = 'train',
  clean: bool = False,
) -> Mapping[str, Any]:
  """The Frechet Inception distance (Heusel et al. 2017): `frechet` in Inception's own features.

  `clean` resizes as Parmar et al. 2022.
  """
  features = dict(name='inception', clean=clean)
  return measured(look(sampler, source, key, features=features, n=n, split=split), 'fid')


def measured(a: Look, name: str) -> dict[str, Any]:
  """{name: the distance, 'stderr', 'protocol'} of two sets."""
  real, fake = (moments(seen.features) for seen in (a.real, a.fake))
  found = {name: distance(real, fake)}
  error = standard_error(a.real.features, a.fake.features, real, fake)
  if np.isfinite(error):
    found['stderr'] = error
  protocol = {**a.protocol, 'covariance': 'unbiased'}
  if min(real.n, fake.n) <= len(real.mean):
    protocol['note'] = f'no more images than the {len(real.mean)} features: far too large a number'
  return {**found, 'protocol': protocol}


def _block(block: np.ndarray) -> Moments:
  rows = _finite(block)
  mean = rows.mean(axis=0)
  rows -= mean
  return Moments(len(rows), mean, rows.T @ rows)


def _finite(rows: np.ndarray) -> np.ndarray:
  out = np.array(rows, np.float64)
  if not np.isfinite(out).all():
    bad = int(np.sum(~np.isfinite(out).all(axis=1)))
    raise InputError(f'{bad} of {len(out)} rows of features hold nan or inf.')
  return out
