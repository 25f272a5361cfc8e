"""Directions of z that mean something, found without labels: GANSpace and SeFa.

GANSpace (Härkönen et al. 2020, section 2.2): the principal components of a layer's activations, and
the directions of z that go along with them. SeFa (Shen & Zhou 2021): the eigenvectors of W'W of the
layer that sees z, along which its output changes most.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from gan_jax import inside
from gan_jax.errors import InputError
from gan_jax.figures.grids import grid
from gan_jax.paths import inputs, pictures, placed
from gan_jax.sampling import Sampler, in_chunks

BATCH = 64


def principal(z: np.ndarray, y: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
  """(directions f64[count,Z], standard deviations f64[count]): z f[N,Z], activations y f[N,D].

  The components of y by decreasing variance, and the least-squares regression of z on the N
  coordinates x along them, each scaled by the deviation of x: the step of z that goes with one
  standard deviation of y along that component. Its sign is such that its largest entry is positive.
  """
  from sklearn.decomposition import PCA

  z, y = np.asarray(z, np.float64), np.asarray(y)
  pca = PCA(min(count, *y.shape), random_state=0)
  x = np.asarray(pca.fit_transform(y), np.float64)
  some = pca.explained_variance_ > 1e-9 * pca.explained_variance_[0]
  deviation = np.sqrt(pca.explained_variance_[some].astype(np.float64))
  found = np.linalg.lstsq(x[:, some], z - z.mean(axis=0), rcond=None)[0]
  return signed(found * deviation[:, None]), deviation


def factors(w: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
  """(directions f64[count,Z] of length 1, eigenvalues f64[count]) of W'W, largest first.

  w f[D,Z] is the map from z to the layer's D outputs. The largest entry is positive.
  """
  values, vectors = np.linalg.eigh(np.asarray(w, np.float64).T @ np.asarray(w, np.float64))
  order = np.argsort(-values)[:count]
  return signed(vectors[:, order].T), values[order]


def signed(directions: np.ndarray) -> np.ndarray:
  """f[K,Z] with the sign of each row such that its largest entry is positive."""
  largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
  return directions * np.where(largest < 0, -1, 1)


def first_map(see: Callable[[np.ndarray], np.ndarray], width: int) -> np.ndarray:
  """The matrix f64[D,Z] of a layer that is an affine function of z: see(z f32[N,Z]) -> f[N,D].

  From its values at 0 and at unit vectors. Raises InputError if it is not affine.
  """
  points = np.concatenate([np.zeros((1, width)), np.eye(width)]).astype(np.float32)
  values = np.asarray(see(points), np.float64)
  w = (values[1:] - values[0]).T
  z = np.random.default_rng(0).normal(size=(8, width)).astype(np.float32)
  found, expected = np.asarray(see(z), np.float64), z @ w.T + values[0]
  if not w.any() or np.abs(found - expected).max() > 1e-3 * np.abs(found).max():
    raise InputError("G's first module is no affine function of z: there is no W to factorise.")
  return w


def ganspace(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  rows: int = 8,
  steps: int = 9,
  reach: float = 3.0,
  n: int = 10_000,
  layer: str = '',
) -> Mapping[str, Any]:
  """{'ganspace': uint8[H,W,C], 'explained'}: a sample of G along each of the first components.

  A row for each; `steps` images from -reach to reach standard deviations of the component, which
  n draws of z show, the sample itself in the middle. It is of the activations of `layer`, one of
  `inside.find`, the first if unsaid. 'explained' is the share of the variance that these have.
  Raises InputError for a generator without z, images, or such a layer.
  """
  given, at = inputs(sampler, key, n)
  G = sampler.function('G')
  layers = inside.find(G, *(a[:16] for a in given))
  of = inside.named(layers, layer) if layer else layers[0]
  look = jax.jit(lambda *inputs: inside.seen(G, [of])(*inputs)[0].after)
  y = in_chunks(look, BATCH, *given).reshape(n, -1)
  found, deviation = principal(given[at], y, rows)
  explained = float(np.sum(deviation**2) / np.sum(np.var(y, axis=0, dtype=np.float64)))
  return {'ganspace': _along(sampler, given, at, found, steps, reach), 'explained': explained}


def sefa(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  rows: int = 8,
  steps: int = 9,
  reach: float = 3.0,
) -> Mapping[str, Any]:
  """{'sefa': uint8[H,W,C]}: a sample of G along each of the first eigenvectors.

  A row for each, from -reach to reach standard deviations of z, the sample itself in the middle.
  W is what G's first module does to z, a norm not counted. Raises InputError for a generator
  without z or images, or whose first module is not affine.
  """
  given, at = inputs(sampler, key, 1)
  z = given[at]
  G = sampler.function('G')
  raw = inside.first(G, *given)
  rest = lambda k: [np.repeat(a, k, axis=0) for a in (*given[:at], *given[at + 1 :])]
  look = jax.jit(lambda *inputs: inside.seen(G, [raw])(*inputs)[0].before)
  see = lambda z: look(*placed(z, rest(len(z)), at)).reshape(len(z), -1)
  w = first_map(see, z.shape[1])
  spread = float(np.std(np.asarray(sampler.prior(key, 1000))))  # type: ignore[misc]
  found = spread * factors(w, rows)[0]
  return {'sefa': _along(sampler, given, at, found, steps, reach)}


def _along(
  sampler: Sampler,
  given: tuple[np.ndarray, ...],
  at: int,
  directions: np.ndarray,
  steps: int,
  reach: float,
) -> np.ndarray:
  """A row for each direction f[K,Z]: the first sample moved along it."""
  t = np.linspace(-reach, reach, steps)
  z = given[at][:1, None] + t[None, :, None] * directions[:, None]
  same = tuple(np.repeat(a[:1], len(directions), axis=0) for a in given)
  return grid(pictures(sampler, same, at, z.astype(np.float32)), steps)
