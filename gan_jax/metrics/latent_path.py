"""How images follow z: how far they go for a small step, and whether in all directions.

`path_length` is the perceptual path length of Karras et al. 2019 (StyleGAN, section 4.1), in any
features whose Euclidean distance says how unlike images look. `conditioning` is the spread of the
singular values of dG/dz (Odena et al. 2018): 0 where a step in any direction of z changes the image
as much as one in any other.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import InputError
from gan_jax.features.extractor import Extractor
from gan_jax.metrics.look import built, compiled
from gan_jax.paths import Way, along, inputs, placed, slerp
from gan_jax.sampling import Sampler, in_chunks

BLOCK = 1024  # pairs of images at a time
ROOM = 2**24  # numbers in the Jacobians that are held at a time: 64 MiB


def lengths(
  see: Callable[[np.ndarray, slice], np.ndarray],
  z: np.ndarray,
  towards: np.ndarray,
  t: np.ndarray,
  *,
  epsilon: float = 1e-4,
  way: Way = slerp,
) -> np.ndarray:
  """|see(z(t + epsilon)) - see(z(t))|^2 / epsilon^2 of each of N paths: f64[N].

  `see` makes features f[n,D] of z f32[n,Z] and of which of the N these are; z(t) is `way` from z
  to `towards`, f[N,Z] both. Raises InputError if features are not finite.
  """
  out = np.empty(len(z))
  for start in range(0, len(z), BLOCK):
    rows = slice(start, start + BLOCK)
    at = [way(z[rows], towards[rows], s[rows]).astype(np.float32) for s in (t, t + epsilon)]
    here, there = (np.asarray(see(a, rows), np.float64) for a in at)
    out[rows] = np.sum((there - here) ** 2, axis=1) / epsilon**2
  if not np.all(np.isfinite(out)):
    raise InputError('path length: features of some of the images are nan or inf.')
  return out


def trimmed(values: np.ndarray, share: float = 0.01) -> np.ndarray:
  """Those between the quantiles `share` and 1 - `share`, ends included, as StyleGAN keeps them."""
  low = np.quantile(values, share, method='lower')
  high = np.quantile(values, 1 - share, method='higher')
  return values[(low <= values) & (values <= high)]


def path_length(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'pixels',
  n: int = 10_000,
  epsilon: float = 1e-4,
  way: str = 'slerp',
  trim: float = 0.01,
) -> Mapping[str, Any]:
  """The eval {'path_length', 'stderr', 'untrimmed'}: the mean over n paths, each at its own t.

  The images are not rounded to 8 bits, which at this epsilon would be all there is to see. Squared
  distances are of `features`: of pixels in [0, 1], or of what an extractor makes of them. The
  `trim` shortest and longest are left out of the mean; labels and the like are the same at both
  ends. Raises InputError without z, or of a `way` other than 'slerp' and 'lerp'.
  """
  follow = along(way)
  if not (epsilon > 0 and 0 <= trim < 0.5):
    raise InputError(f'epsilon={epsilon} must be above 0 and trim={trim} in [0, 1/2).')
  k_from, k_to, k_t = jax.random.split(key, 3)
  given, at = inputs(sampler, k_from, n)
  z, towards = given[at], np.asarray(sampler.prior(k_to, n))  # type: ignore[misc]
  t = np.random.default_rng(np.asarray(jax.random.key_data(k_t))).uniform(size=n)
  extractor = built(features, source)
  whole = lengths(_seeing(sampler, extractor, given, at), z, towards, t, epsilon=epsilon,
                  way=follow)  # fmt: skip
  kept = trimmed(whole, trim)
  protocol = dict(features=extractor.name, n_fake=n, epsilon=epsilon, way=way, trim=trim,
                  **sampler.facts)  # fmt: skip
  return {
    'path_length': float(np.mean(kept)),
    'stderr': float(np.std(kept) / np.sqrt(len(kept))),
    'untrimmed': float(np.mean(whole)),
    'protocol': protocol,
  }


def singular_values(
  G: Callable, z: np.ndarray, rest: tuple[np.ndarray, ...] = (), at: int = 0
) -> np.ndarray:
  """Those of dG/dz at each z, largest first: z f32[N,Z] -> f64[N,min(Z,D)], D pixels.

  G is a function of JAX arrays, of z as its input `at` and of the others in `rest`, each image by
  itself. Jacobians are in float32, column by column, each the pull-back of a pull-back: some layers
  know no other derivative.
  """

  @jax.jit
  def jacobians(z: jax.Array, *rest: jax.Array) -> jax.Array:
    """f32[n,Z,D], transposed."""
    image = lambda z: G(*placed(z, list(rest), at)).reshape(len(z), -1)
    y, pull = jax.vjp(image, z)
    _, push = jax.vjp(lambda u: pull(u)[0], jnp.zeros_like(y))
    column = lambda e: push(jnp.broadcast_to(e, z.shape))[0]
    return jnp.moveaxis(jax.lax.map(column, jnp.eye(z.shape[1])), 0, 1)

  pixels = jax.eval_shape(jacobians, z[:1], *(a[:1] for a in rest)).shape[2]
  size = int(max(1, min(len(z), ROOM // (pixels * z.shape[1]))))
  out = []
  for start in range(0, len(z), size):
    part = [a[start : start + size] for a in (z, *rest)]
    out.append(
      np.linalg.svd(in_chunks(jacobians, size, *part).astype(np.float64), compute_uv=False)
    )
  return np.concatenate(out)


def log_conditions(values: np.ndarray, width: int) -> np.ndarray:
  """log of largest over smallest eigenvalue of J'J, of singular values f64[N,R] of J: f64[N].

  Natural logarithms. What is less than float32 can tell from 0, 1.2e-7 `width` of the largest,
  counts as that much: directions that change nothing would make it infinite. `width` is the longer
  side of J.
  """
  if not np.all(np.isfinite(values)):
    raise InputError('conditioning: some derivatives of G are nan or inf.')
  least = np.finfo(np.float32).eps * width
  largest = values.max(axis=1)
  if not np.all(largest > 0):
    raise InputError('conditioning: G does not depend on z at some of the samples.')
  return -2 * np.log(np.maximum(values.min(axis=1) / largest, least))


def conditioning(
  sampler: Sampler, source: Callable, key: jax.Array, *, n: int = 64
) -> Mapping[str, Any]:
  """The eval {'conditioning', 'stderr', 'spread', 'largest', 'smallest', 'rank'} at n samples.

  The mean log condition number of J'J, its deviation over samples, the geometric means of the
  largest and smallest singular values of J = dG/dz (in the range of the networks), and the mean
  number of directions that change the image at all. The eigenvalues that are 0 because there are
  fewer pixels than entries of z are counted.
  """
  given, at = inputs(sampler, key, n)
  z, rest = given[at], given[:at] + given[at + 1 :]
  values = singular_values(sampler.function('G'), z, rest, at)
  pixels = int(np.prod(sampler.shape))
  width = max(pixels, z.shape[1])
  if pixels < z.shape[1]:
    values = np.pad(values, [(0, 0), (0, z.shape[1] - pixels)])
  logs = log_conditions(values, width)
  above = values > np.finfo(np.float32).eps * width * values[:, :1]
  return {
    'conditioning': float(np.mean(logs)),
    'stderr': float(np.std(logs) / np.sqrt(n)),
    'spread': float(np.std(logs)),
    'largest': float(np.exp(np.mean(np.log(values[:, 0])))),
    'smallest': float(np.exp(np.mean(np.log(values[:, 0]) - logs / 2))),
    'rank': float(np.mean(np.sum(above, axis=1))),
    'protocol': dict(n_fake=n, z=z.shape[1], pixels=pixels, **sampler.facts),
  }


def _seeing(
  sampler: Sampler, extractor: Extractor, given: tuple[np.ndarray, ...], at: int
) -> Callable[[np.ndarray, slice], np.ndarray]:
  """(z, rows) -> the features of G(z) in 255ths that are not rounded, f32[n,D]."""
  apply = compiled(extractor)
  rest = given[:at] + given[at + 1 :]

  def see(z: np.ndarray, rows: slice) -> np.ndarray:
    images = sampler.generate(*placed(z, [a[rows] for a in rest], at))
    if images.ndim != 4:
      return images.reshape(len(images), -1)
    return in_chunks(
      lambda x: apply(extractor.weights, x)['features'], 64, 255 * sampler.unit(images)
    )

  return see
