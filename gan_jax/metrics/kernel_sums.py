"""Kernels, and their sums over all pairs of two sets, tile by tile.

A kernel's values are those less 1, or less any other constant: discrepancies and their variance do
not change, and no digits go to what all values share. Products are float32; tiles are added up in
float64.
"""

from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from math import comb
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from gan_jax.game import Array
from gan_jax.metrics.pairwise import parts
from gan_jax.parallel import AXIS

SIDE = 1000  # the most rows of either set in a tile


class Kernel(NamedTuple):
  """k(x, y) of inner products, less a constant.

  values:  (x'y f32[A,B], |x|^2 f32[A], |y|^2 f32[B], their width) -> f32[A,B], of arrays of NumPy,
           which it may write over, and of JAX.
  centred: whether it is one of distances, so that the mean may be taken off; others are given no
           squares.
  """

  values: Callable[[Any, Any, Any, int], Any]
  centred: bool = False


class Sums(NamedTuple):
  """Of a kernel over all pairs of x (m rows) and y (n rows); of x with x without the diagonal."""

  rows: np.ndarray  # f64[m], of each row of x over y
  columns: np.ndarray  # f64[n]
  squares: float
  diagonal: float  # the sum of k(x_i, x_i), of x with x


class Tile(NamedTuple):
  """Sums of one tile: NumPy's, or JAX's that may still be on their way."""

  rows: Any  # f32[A]
  columns: Any  # f32[B]
  squares: Any
  diagonal: Any  # 0 but in a tile of x with itself, whose other sums are without it


Part = Callable[[Kernel, np.ndarray, np.ndarray, bool], Tile]  # the last: is it x with itself


@lru_cache
def polynomial(degree: int = 3) -> Kernel:
  """(x'y / d + 1)^degree - 1: KID's kernel (Binkowski et al. 2018)."""

  def values(dot: Any, xx: Any, yy: Any, d: int) -> Any:
    dot *= np.float32(1 / d)
    if degree == 1:
      return dot
    out = dot + degree
    for power in range(degree - 2, 0, -1):  # Horner's rule, in place where arrays can be written
      out *= dot
      out += comb(degree, power)
    out *= dot
    return out

  return Kernel(values)


@lru_cache
def gaussian(*sigmas: float) -> Kernel:
  """The mean over sigmas of exp(-|x - y|^2 / 2 sigma^2) - 1."""

  def values(dot: Any, xx: Any, yy: Any, d: int) -> Any:
    square, of = _square(dot, xx, yy), _library(dot)
    return _mean([of.expm1(square * np.float32(-0.5 / s**2)) for s in sigmas])

  return Kernel(values, centred=True)


@lru_cache
def rational(*alphas: float) -> Kernel:
  """The mean over alphas of (1 + |x - y|^2 / 2 alpha)^-alpha - 1, which MMD GANs mix."""

  def values(dot: Any, xx: Any, yy: Any, d: int) -> Any:
    square, of = _square(dot, xx, yy), _library(dot)
    log = lambda a: np.float32(-a) * of.log1p(square * np.float32(0.5 / a))
    return _mean([of.expm1(log(a)) for a in alphas])

  return Kernel(values, centred=True)


# x'y: the discrepancy is the squared distance of the means.
LINEAR = Kernel(lambda dot, xx, yy, d: dot, centred=True)


def sums(
  x: np.ndarray,
  y: np.ndarray | None,
  kernel: Kernel,
  middle: np.ndarray | None = None,
  part: Part | None = None,
) -> Sums:
  """Of x [M,D] with y [N,D], or with itself where y is None: its tiles are then mirrored.

  The rows may lie in files. `middle` f32[D] is taken off them.
  """
  other = x if y is None else y
  rows, columns, squares, diagonal = np.zeros(len(x)), np.zeros(len(other)), 0.0, 0.0
  for i, j, tile in _tiles(x, y, partial(part or quickest(), kernel), middle):
    twice = y is None and i != j
    rows[i] += np.asarray(tile.rows)[: i.stop - i.start]
    (rows if twice else columns)[j] += np.asarray(tile.columns)[: j.stop - j.start]
    squares += (1 + twice) * float(tile.squares)
    diagonal += float(tile.diagonal)
  return Sums(rows, rows if y is None else columns, squares, diagonal)


def quickest() -> Part:
  """On CPU NumPy's products, which are twice as quick there as XLA's; elsewhere all devices."""
  return on_host if jax.default_backend() == 'cpu' else on_devices


def on_host(kernel: Kernel, a: np.ndarray, b: np.ndarray, own: bool) -> Tile:
  """A tile of a f32[A,D] and b f32[B,D]."""
  aa, bb = (np.einsum('nd,nd->n', v, v) if kernel.centred else None for v in (a, b))
  k = kernel.values(a @ b.T, aa, bb, a.shape[1])
  diagonal = float(np.trace(k, dtype=np.float64)) if own else 0.0
  if own:
    np.fill_diagonal(k, 0)
  rows = k @ np.ones(len(b), k.dtype)
  return Tile(rows, rows if own else np.ones(len(a), k.dtype) @ k, np.vdot(k, k), diagonal)


def on_devices(kernel: Kernel, a: np.ndarray, b: np.ndarray, own: bool) -> Tile:
  """The same, a's rows divided among the devices of this host; padded, to compile once."""
  devices = tuple(jax.local_devices())
  size = -(-SIDE // len(devices)) * len(devices)
  mesh = jax.make_mesh((len(devices),), (AXIS,), axis_types=(AxisType.Auto,), devices=devices)
  split = NamedSharding(mesh, PartitionSpec(AXIS))
  whole = NamedSharding(mesh, PartitionSpec())
  there = [np.arange(size) < len(v) for v in (a, b)]
  a, b = (np.pad(v, ((0, size - len(v)), (0, 0))) for v in (a, b))
  given = jax.device_put((a, there[0]), split) + jax.device_put((b, there[1]), whole)
  return _reduced(*given, own, values=kernel.values)


@partial(jax.jit, static_argnames='values')
def _reduced(a: Array, of_a: Array, b: Array, of_b: Array, own: Array, *, values: Callable) -> Tile:
  dot = jnp.matmul(a, b.T, precision='highest')
  k = values(dot, jnp.sum(a * a, axis=1), jnp.sum(b * b, axis=1), a.shape[1])
  k = jnp.where(of_a[:, None] & of_b[None], k, 0)
  alone = own & jnp.eye(len(k), k.shape[1], dtype=bool)
  diagonal = jnp.sum(jnp.where(alone, k, 0))
  k = jnp.where(alone, 0, k)
  return Tile(jnp.sum(k, axis=1), jnp.sum(k, axis=0), jnp.sum(k * k), diagonal)


def _tiles(
  x: np.ndarray, y: np.ndarray | None, part: Callable[..., Tile], middle: np.ndarray | None
) -> Iterator[tuple[slice, slice, Tile]]:
  """(rows of x, rows of y, their sums); of x with itself none below the diagonal."""
  other = x if y is None else y
  wide = lambda rows: np.asarray(rows, np.float32)
  taken = wide if middle is None else lambda rows: wide(rows) - middle
  waiting: deque[tuple[slice, slice, Tile]] = deque()
  for i in parts(len(x), SIDE):
    a = taken(x[i])
    for j in parts(len(other), SIDE):
      if y is None and j.start < i.start:
        continue
      own = y is None and i == j
      waiting.append((i, j, part(a, a if own else taken(other[j]), own)))
      if len(waiting) > 2:  # devices compute these while the one before is looked at
        yield waiting.popleft()
  yield from waiting


def _square(dot: Any, xx: Any, yy: Any) -> Any:
  return _library(dot).maximum(xx[:, None] + yy[None] - 2 * dot, 0)


def _library(array: Any) -> Any:
  return np if isinstance(array, np.ndarray) else jnp


def _mean(terms: list[Any]) -> Any:
  return sum(terms[1:], terms[0]) * np.float32(1 / len(terms))
