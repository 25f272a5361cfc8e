"""Singular values of the kernels of a network: what collapse looks like from inside.

A layer of which a few directions have outgrown all others hardly sees anything else: D's of weight
clipping and weight normalisation do (Miyato et al. 2018, figure 4), and in BigGAN the largest
singular value of most of G's layers explodes as training collapses (Brock et al. 2019, section 4).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.sampling import Sampler

NARROW = 8  # layers of fewer rows or columns are of low rank by themselves


class Spectrum(NamedTuple):
  """Of one kernel, as a matrix of [all that goes in, what comes out]."""

  values: np.ndarray  # singular values, largest first, f64[R]
  largest: float
  condition: float  # largest over smallest, inf if that is 0
  stable_rank: float  # |W|_F^2 / largest^2, in [1, R]

  @property
  def collapsed(self) -> bool:
    """Whether one direction has more than half of the energy, though there are 8 or more."""
    return len(self.values) >= NARROW and self.stable_rank < 2


def spectrum(kernel: np.ndarray) -> Spectrum:
  """kernel f[...,I,O], of a dense layer or a convolution [h,w,I,O]; InputError if not finite."""
  matrix = np.asarray(kernel, np.float64).reshape(-1, kernel.shape[-1])
  if not np.all(np.isfinite(matrix)):
    raise InputError(f'the singular values of a kernel {kernel.shape}: it holds nan or inf.')
  s = np.linalg.svd(matrix, compute_uv=False)
  if not s[0]:
    return Spectrum(s, 0.0, float('inf'), 1.0)
  condition = float(s[0] / s[-1]) if s[-1] else float('inf')
  return Spectrum(s, float(s[0]), condition, float(np.sum((s / s[0]) ** 2)))


def kernels(params: Any, leaf: str = 'kernel') -> Iterator[tuple[str, np.ndarray]]:
  """(path, array) of all leaves of that name that are matrices or more."""
  for path, array in jax.tree_util.tree_leaves_with_path(params):
    names = [str(getattr(p, 'key', getattr(p, 'idx', p))) for p in path]
    if names[-1:] == [leaf] and np.ndim(array) >= 2:
      yield '/'.join(names[:-1]), np.asarray(array)


def singular(
  sampler: Sampler, source: Callable, key: jax.Array, *, nets: tuple[str, ...] = ('G', 'D')
) -> Mapping[str, Any]:
  """The eval {'singular', 'stable_rank', 'collapsed'} and, for each layer, NET/LAYER/... of each.

  'singular' is the largest singular value of all, 'stable_rank' the least share of a layer's full
  rank, 'collapsed' the number of layers in which one direction has more than half of the energy;
  of each layer largest, condition and stable_rank. Of the weights as applied: averaged where they
  are, and after spectral normalisation. Raises InputError for networks that there are not, or
  without kernels.
  """
  found = {
    f'{net}/{layer}': spectrum(kernel)
    for net in nets
    for layer, kernel in kernels(_weights(sampler, net))
  }
  if not found:
    raise InputError(f'{" and ".join(nets)} have no kernels: there is nothing to decompose.')
  each = {
    f'{layer}/{name}': getattr(s, name)
    for layer, s in found.items()
    for name in ('largest', 'condition', 'stable_rank')
  }
  return {
    'singular': max(s.largest for s in found.values()),
    'stable_rank': min(s.stable_rank / len(s.values) for s in found.values()),
    'collapsed': float(sum(s.collapsed for s in found.values())),
    **each,
    'protocol': dict(nets=list(nets), layers=len(found), **sampler.facts),
  }


def _weights(sampler: Sampler, net: str) -> Any:
  """Those that `sampler.function` fills in, being a partial of (weights, *inputs)."""
  try:
    return sampler.function(net).args[0]  # type: ignore[attr-defined]
  except (KeyError, AttributeError, IndexError):
    raise InputError(
      f'there is no network {net!r} here whose weights could be looked at.'
    ) from None
