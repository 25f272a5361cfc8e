"""Features of one layer of K-means (Coates, Ng & Lee 2011), DCGAN's baseline without a network.

Patches of the images are made of one contrast, whitened, and clustered. A patch's response to a
centroid is by how much it is nearer to it than to the mean one, and these are summed over quarters
of the image. The best of the paper has 4,000 centroids, and 79.6% of CIFAR-10 by a linear SVM.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.source import Source
from gan_jax.errors import InputError
from gan_jax.features.extractor import Extractor, named
from gan_jax.game import Array

CONTRAST = 10.0  # added to a patch's variance, of 255 grey levels: flat patches stay flat
WHITENING = 0.1  # added to the eigenvalues
SPREAD = 0.01  # added to the features' variance
SCALED_BY = 5_000  # images


def kmeans(
  source: Callable[..., Source],
  *,
  split: str = 'train',
  units: int = 400,
  patch: int = 6,
  patches: int = 100_000,
  seed: int = 0,
) -> Extractor:
  """'features' f32[B,4*units], of mean 0 and deviation 1 over the split's images.

  `patches` of patch x patch pixels from random places of random images are clustered into `units`.
  Raises InputError for images smaller than two patches' steps, or fewer patches than units.
  """
  images = source(split).arrays['image']
  if images.ndim != 4 or min(images.shape[1:3]) <= patch or patches < units:
    raise InputError(
      f'{units} clusters of {patches} patches of {patch}x{patch} cannot be had of images '
      f'{images.shape[1:]}: they are to be larger than a patch, and patches more than clusters.'
    )
  rng = np.random.default_rng(seed)
  weights = learnt(sampled(images, patches, patch, rng), units, seed)
  some = np.arange(min(SCALED_BY, len(images))) * len(images) // min(SCALED_BY, len(images))
  respond = jax.jit(responses)
  parts = [np.asarray(images[some[i : i + 100]]) for i in range(0, len(some), 100)]
  found = np.concatenate([respond(weights, part) for part in parts])
  weights |= {'centre': found.mean(axis=0), 'scale': 1 / np.sqrt(found.var(axis=0) + SPREAD)}
  return Extractor(named(f'kmeans:{units}', weights), weights, _scaled)


def sampled(images: Any, count: int, size: int, rng: np.random.Generator) -> np.ndarray:
  """Patches from random places, f32[count,size*size*C]: rows, columns, channels."""
  n, h, w, _ = images.shape
  rows = np.sort(rng.integers(n, size=count))
  y, x = rng.integers(h - size + 1, size=count), rng.integers(w - size + 1, size=count)
  found = [images[i, j : j + size, k : k + size] for i, j, k in zip(rows, y, x, strict=True)]
  return np.stack(found).reshape(count, -1).astype(np.float32)


def learnt(patches: np.ndarray, units: int, seed: int = 0) -> dict[str, np.ndarray]:
  """f32[N,P] -> 'mean' f32[P], 'whiten' f32[P,P] and 'centroids' f32[K,P] of the white."""
  from sklearn.cluster import KMeans

  x = np.asarray(of_one_contrast(patches), np.float64)
  mean = x.mean(axis=0)
  values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
  whiten = (vectors / np.sqrt(np.maximum(values, 0) + WHITENING)) @ vectors.T
  white = ((x - mean) @ whiten).astype(np.float32)
  centroids = KMeans(units, n_init=1, max_iter=50, random_state=seed).fit(white).cluster_centers_
  found = {'mean': mean, 'whiten': whiten, 'centroids': centroids}
  return {name: value.astype(np.float32) for name, value in found.items()}


def of_one_contrast(x: Any) -> Array:
  """f32[...,P] less its mean, over its deviation."""
  x = x - jnp.mean(x, axis=-1, keepdims=True)
  return x / jnp.sqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + CONTRAST)


def responses(weights: dict[str, np.ndarray], images: Array) -> Array:
  """uint8[B,H,W,C] -> f32[B,4K]: max(0, mean_j |p - c_j| - |p - c_k|), summed over quarters."""
  x = jnp.asarray(images).astype(jnp.float32)
  size = round((len(weights['mean']) // x.shape[-1]) ** 0.5)
  h, w = x.shape[1] - size + 1, x.shape[2] - size + 1
  moved = [x[:, i : i + h, j : j + w] for i in range(size) for j in range(size)]
  p = of_one_contrast(jnp.concatenate(moved, axis=-1)) - rows(weights['mean'])
  p = p @ weights['whiten']
  c = weights['centroids']
  square = jnp.sum(p**2, -1, keepdims=True) - 2 * p @ c.T + rows(jnp.sum(c**2, -1))
  distance = jnp.sqrt(jnp.maximum(square, 0))
  nearer = jax.nn.relu(jnp.mean(distance, -1, keepdims=True) - distance)
  halves = lambda n: (slice(0, (n + 1) // 2), slice((n + 1) // 2, n))
  quarters = [nearer[:, a, b].sum((1, 2)) for a in halves(h) for b in halves(w)]
  return jnp.concatenate(quarters, axis=1)


def rows(v: Any) -> Array:
  """f32[C] -> f32[1,1,1,C]."""
  return jnp.asarray(v).reshape(1, 1, 1, -1)


def _scaled(weights: Any, images: Array) -> dict[str, Array]:
  found = responses(weights, images)
  return {'features': (found - weights['centre'][None]) * weights['scale'][None]}
