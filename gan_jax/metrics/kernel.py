"""Maximum mean discrepancy between two sets of features, by any kernel (Gretton et al. 2012).

The whole statistic is computed, tile by tile, from sums over the kernel's rows, which also give its
standard error; the means over random subsets that papers report estimate the same number with more
noise. Products are float32, sums float64: within 1e-8 of float64 for features of unit size.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics.look import Look, look
from gan_jax.sampling import Sampler

SIDE = 1000  # rows of either set in a tile

# (inner products [A,B], squares of the rows [A], [B], width) -> kernel values [A,B]
Kernel = Callable[[np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]


def polynomial(degree: int = 3) -> Kernel:
  """(x'y / d + 1)^degree: KID's kernel (Binkowski et al. 2018)."""

  def kernel(dot: np.ndarray, xx: np.ndarray, yy: np.ndarray, d: int) -> np.ndarray:
    base = dot / np.float32(d) + np.float32(1)
    out = base
    for _ in range(degree - 1):
      out = out * base
    return out

  return kernel


def gaussian(*sigmas: float) -> Kernel:
  """The mean over sigmas of exp(-|x - y|^2 / 2 sigma^2)."""

  def kernel(dot: np.ndarray, xx: np.ndarray, yy: np.ndarray, d: int) -> np.ndarray:
    square = np.maximum(xx[:, None] + yy[None] - 2 * dot, 0)
    return np.mean([np.exp(square / np.float32(-2 * s**2)) for s in sigmas], axis=0)

  return kernel


class Sums(NamedTuple):
  """Of a kernel over all pairs of x (m rows) and y (n rows); of x with x without the diagonal."""

  rows: np.ndarray  # f64[m], of each row of x over y
  columns: np.ndarray  # f64[n]
  squares: float
  diagonal: float  # the sum of k(x_i, x_i), of x with x


class Discrepancy(NamedTuple):
  """A squared discrepancy."""

  unbiased: float  # may be below 0
  biased: float  # of the sets as distributions, never below 0
  stderr: float  # of the unbiased one


def discrepancy(x: np.ndarray, y: np.ndarray, kernel: Kernel) -> Discrepancy:
  """x [M,D], y [N,D] -> the whole statistic. Raises InputError for what has no inner products."""
  _check(x, y)
  xx, yy, xy = sums(x, None, kernel), sums(y, None, kernel), sums(x, y, kernel)
  m, n = len(x), len(y)
  within = xx.rows.sum() / (m * (m - 1)) + yy.rows.sum() / (n * (n - 1))
  between = 2 * xy.rows.sum() / (m * n)
  whole = (xx.rows.sum() + xx.diagonal) / m**2 + (yy.rows.sum() + yy.diagonal) / n**2
  return Discrepancy(
    float(within - between), float(max(whole - between, 0)), float(np.sqrt(_variance(xx, yy, xy)))
  )


def subsets(
  x: np.ndarray, y: np.ndarray, kernel: Kernel, rows: Sequence[tuple[np.ndarray, np.ndarray]]
) -> tuple[float, float]:
  """(mean, deviation) of the unbiased statistic over given rows of x and of y, as papers report."""
  _check(x, y)
  found = []
  for of_x, of_y in rows:
    a, b = np.asarray(x[of_x], np.float32), np.asarray(y[of_y], np.float32)
    m, n = len(a), len(b)
    of = lambda u, v: kernel(_product(u, v), _squares(u), _squares(v), u.shape[1])
    total = lambda k: k.sum(dtype=np.float64)
    inner = [(total(k) - np.trace(k, dtype=np.float64)) for k in (of(a, a), of(b, b))]
    between = total(of(a, b))
    found.append(inner[0] / (m * (m - 1)) + inner[1] / (n * (n - 1)) - 2 * between / (m * n))
  return float(np.mean(found)), float(np.std(found))


def sums(x: np.ndarray, y: np.ndarray | None, kernel: Kernel) -> Sums:
  """Of x with y, or with itself where y is None: half of those tiles are the other half's."""
  other = x if y is None else y
  rows, columns, squares, diagonal = np.zeros(len(x)), np.zeros(len(other)), 0.0, 0.0
  for i in range(0, len(x), SIDE):
    a = np.asarray(x[i : i + SIDE], np.float32)
    for j in range(0 if y is not None else i, len(other), SIDE):
      b = np.asarray(other[j : j + SIDE], np.float32)
      k = kernel(_product(a, b), _squares(a), _squares(b), x.shape[1])
      if y is None and i == j:
        diagonal += float(np.trace(k, dtype=np.float64))
        np.fill_diagonal(k, 0)
      rows[i : i + SIDE] += k.sum(axis=1, dtype=np.float64)
      twice = y is None and i != j
      (rows if twice else columns)[j : j + SIDE] += k.sum(axis=0, dtype=np.float64)
      squares += (1 + twice) * float(np.einsum('ab,ab->', k, k, dtype=np.float64))
  return Sums(rows, rows if y is None else columns, squares, diagonal)


def _variance(xx: Sums, yy: Sums, xy: Sums) -> float:
  """Of the unbiased statistic, by Hoeffding's decomposition: what rows do alone, and in pairs.

  The first part vanishes where the sets have one distribution, the second does not.
  """
  m, n = len(xx.rows), len(yy.rows)
  of_x = xx.rows / (m - 1) - xy.rows / n
  of_y = yy.rows / (n - 1) - xy.columns / m
  pairs_x = _left(xx.squares / (m * (m - 1)), xx.rows / (m - 1), xx.rows / (m - 1))
  pairs_y = _left(yy.squares / (n * (n - 1)), yy.rows / (n - 1), yy.rows / (n - 1))
  between = _left(xy.squares / (m * n), xy.rows / n, xy.columns / m)
  second = 2 * pairs_x / (m * (m - 1)) + 2 * pairs_y / (n * (n - 1)) + 4 * between / (m * n)
  # Means of rows vary by what is paired with them too, which the second part has already.
  first = 4 * np.var(of_x, ddof=1) / m + 4 * np.var(of_y, ddof=1) / n
  noise_x = pairs_x / (m - 1) + between / n
  noise_y = pairs_y / (n - 1) + between / m
  first -= 4 * noise_x / m + 4 * noise_y / n
  return max(float(first), 0.0) + second


def _left(square: float, rows: np.ndarray, columns: np.ndarray) -> float:
  """The variance of a kernel that its rows and columns do not account for."""
  told = float(np.mean(rows**2) + np.mean(columns**2) - np.mean(rows) ** 2)
  return max(square - told, 0.0)


def median_distance(x: np.ndarray, y: np.ndarray, most: int = 1000) -> float:
  """The median Euclidean distance between the first `most` rows of each: the usual bandwidth."""
  both = np.concatenate([np.asarray(a[:most], np.float32) for a in (x, y)])
  square = _squares(both)[:, None] + _squares(both)[None] - 2 * _product(both, both)
  return float(np.sqrt(np.median(np.maximum(square[np.triu_indices(len(both), 1)], 0))))


def kernel_distance(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
) -> Mapping[str, Any]:
  """KID's discrepancy, the whole statistic with its error, in any features.

  With Inception's features it is the `kid`; with others it is not, and is not to be compared.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  return _measured(a, 'kernel_distance')


def kid(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 10_000,
  split: str = 'train',
  subset: int = 1000,
  count: int = 100,
) -> Mapping[str, Any]:
  """The kernel Inception distance (Binkowski et al. 2018): whole, and over subsets as papers do.

  'subsets' and 'subsets_sd' are the mean and the deviation over `count` subsets of `subset` rows.
  """
  a = look(sampler, source, key, features='inception', n=n, split=split)
  rng = np.random.default_rng(2020)
  size = min(subset, len(a.real.features), len(a.fake.features))
  draw = lambda seen: rng.choice(len(seen.features), size, replace=False)
  rows = [(draw(a.real), draw(a.fake)) for _ in range(count)]
  mean, sd = subsets(a.real.features, a.fake.features, polynomial(), rows)
  out = _measured(a, 'kid')
  out['protocol'] |= {'subsets': f'{count} of {size}'}
  return {**out, 'subsets': mean, 'subsets_sd': sd}


def mmd(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  scales: Sequence[float] = (0.5, 1.0, 2.0),
) -> Mapping[str, Any]:
  """The squared MMD by Gaussian kernels: `scales` times the median distance between images.

  The bandwidth is of the data alone, so that it is the same for all generators.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  half = len(a.real.features) // 2
  middle = median_distance(a.real.features[:half], a.real.features[half:])
  found = discrepancy(
    a.real.features, a.fake.features, gaussian(*(float(s) * middle for s in scales))
  )
  protocol = {**a.protocol, 'kernel': f'gaussian, {list(scales)} x {middle:.4g}'}
  return {'mmd': found.unbiased, 'stderr': found.stderr, 'protocol': protocol}


def cmmd(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  sigma: float = 10.0,
) -> Mapping[str, Any]:
  """1,000 times the biased MMD^2 of features of unit length, sigma 10 (Jayasumana et al. 2024).

  There they are CLIP's; here those of any extractor, as the protocol says.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  found = discrepancy(unit(a.real.features), unit(a.fake.features), gaussian(sigma))
  protocol = {**a.protocol, 'kernel': f'gaussian, sigma {sigma:g}, of unit vectors; x 1000'}
  return {'cmmd': 1000 * found.biased, 'stderr': 1000 * found.stderr, 'protocol': protocol}


def unit(features: np.ndarray) -> np.ndarray:
  """Rows of length 1, f32[N,D]; a row of zeros stays one."""
  length = np.linalg.norm(features, axis=1, keepdims=True)
  return np.asarray(features / np.maximum(length, 1e-12), np.float32)


def _measured(a: Look, name: str) -> dict[str, Any]:
  found = discrepancy(a.real.features, a.fake.features, polynomial())
  protocol = {**a.protocol, 'kernel': "(x'y / d + 1)^3", 'estimator': 'unbiased, all pairs'}
  return {name: found.unbiased, 'stderr': found.stderr, 'protocol': protocol}


def _product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
  """x y' f32[A,B]: on CPU by NumPy's library, which is twice as quick there as XLA's."""
  if jax.default_backend() == 'cpu':
    return x @ y.T
  return np.array(jnp.matmul(x, y.T, precision='highest'))


def _squares(x: np.ndarray) -> np.ndarray:
  return np.einsum('nd,nd->n', x, x)


def _check(x: np.ndarray, y: np.ndarray) -> None:
  if x.ndim != 2 or x.shape[1:] != y.shape[1:] or min(len(x), len(y)) < 2:
    raise InputError(
      f'a discrepancy is between two or more rows of features each, of one width, not {x.shape} '
      f'and {y.shape}.'
    )
  if not (np.isfinite(np.sum(x, dtype=np.float64)) and np.isfinite(np.sum(y, dtype=np.float64))):
    raise InputError('there are nan or inf among the features.')
