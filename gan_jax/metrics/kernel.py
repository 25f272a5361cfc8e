"""Kernel distances between samples and real images: KID, MMD, CMMD."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from gan_jax.metrics.discrepancy import discrepancy, in_blocks, median_distance, subsets
from gan_jax.metrics.kernel_sums import Kernel, gaussian, polynomial
from gan_jax.metrics.look import Look, look
from gan_jax.sampling import Sampler

SEED = 2020  # of torch-fidelity's subsets


def kernel_distance(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
) -> Mapping[str, Any]:
  """The eval {'kernel_distance', 'stderr'}: KID's discrepancy, over all pairs, in any features.

  With Inception's features it is the `kid`; with others it is not, and is not to be compared.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  return _measured(a, 'kernel_distance')


def kernel_blocks(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'train',
  most: int = 1024,
) -> Mapping[str, Any]:
  """The eval {'kernel_blocks', 'stderr'}: the same over disjoint blocks, as TF-GAN has the KID."""
  a = look(sampler, source, key, features=features, n=n, split=split)
  found = in_blocks(a.real.features, a.fake.features, polynomial(), most)
  error = {'stderr': float(np.std(found, ddof=1) / len(found) ** 0.5)} if len(found) > 1 else {}
  protocol = {**a.protocol, 'kernel': "(x'y / d + 1)^3", 'blocks': len(found)}
  return {'kernel_blocks': float(np.mean(found)), **error, 'protocol': protocol}


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
  """The kernel Inception distance (Binkowski et al. 2018): over all pairs, and as papers have it.

  'subsets' and 'subsets_sd' are the mean and the deviation over `count` subsets of `subset` images,
  torch-fidelity's very subsets if it is given the real images first.
  """
  a = look(sampler, source, key, features='inception', n=n, split=split)
  real, fake = a.real.features, a.fake.features
  size = min(subset, len(real), len(fake))
  found = subsets(real, fake, polynomial(), drawn_subsets(len(real), len(fake), size, count))
  out = _measured(a, 'kid')
  out['protocol'] |= {'subsets': f'{count} of {size}'}
  return {**out, 'subsets': float(np.mean(found)), 'subsets_sd': float(np.std(found))}


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
  """The eval {'mmd', 'biased', 'stderr'}: squared, by Gaussian kernels of several widths.

  These are `scales` times the median distance between real images, of which no generator is part,
  so that they are the same for all.
  """
  a = look(sampler, source, key, features=features, n=n, split=split)
  middle = median_distance(a.real.features)
  kernel = gaussian(*(float(s) * middle for s in scales))
  told = f'gaussian, {list(scales)} x {middle:.4g}'
  return _measured(a, 'mmd', kernel, told)


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


def drawn_subsets(m: int, n: int, size: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
  """`count` times `size` of m rows, and of n, without repetition: torch-fidelity's own."""
  rng = np.random.RandomState(SEED)
  draw = lambda k: rng.choice(k, size, replace=False)
  return [(draw(m), draw(n)) for _ in range(count)]


def _measured(
  a: Look, name: str, kernel: Kernel | None = None, told: str = "(x'y / d + 1)^3"
) -> dict[str, Any]:
  found = discrepancy(a.real.features, a.fake.features, kernel or polynomial())
  protocol = {**a.protocol, 'kernel': told, 'estimator': 'unbiased, all pairs'}
  return {
    name: found.unbiased,
    'biased': found.biased,
    'stderr': found.stderr,
    'protocol': protocol,
  }
