"""How well images can be made again by a z that is looked for, and training images better so.

A generator that has learnt its images by heart makes those again and not others: the gap between
the errors of both is a test of overfitting that needs no density (Webster et al. 2019, section 4).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.latent import fit
from gan_jax.paths import inputs
from gan_jax.sampling import Sampler


class Recovery(NamedTuple):
  """Errors on images that G was trained on, and on others."""

  train: float  # the median
  test: float
  ratio: float  # test / train, 1 without overfitting
  gap: float  # (test - train) / test, the paper's MRE-gap
  p: float  # of the Kolmogorov-Smirnov test that both are of one distribution


def recovery(train: np.ndarray, test: np.ndarray) -> Recovery:
  """Errors f[N], f[M], above 0 -> Recovery. InputError of none, or nan."""
  from scipy.stats import ks_2samp

  for name, errors in (('train', train), ('test', test)):
    if not len(errors) or not np.all(np.isfinite(errors)):
      raise InputError(f'latent_fit: {len(errors)} errors of {name} images; nan or inf or none.')
  a, b = float(np.median(train)), float(np.median(test))
  ratio = 1.0 if a == b else b / a if a else float('inf')
  gap = (b - a) / b if b else 0.0 if a == b else float('-inf')
  return Recovery(a, b, ratio, gap, float(ks_2samp(train, test).pvalue))


def latent_fit(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  n: int = 100,
  train: str = 'train',
  test: str = 'test',
  steps: int = 500,
  restarts: int = 3,
  features: float = 0.0,
) -> Mapping[str, Any]:
  """The eval {'latent_fit', 'stderr', 'train', 'ratio', 'gap', 'p'} on n images of either split.

  'latent_fit' is the mean error on test images after `steps` moves from each of `restarts` starts,
  per entry of an image and in the range of the networks: |x - G(z)|_1 / (H W C), or with `features`
  above 0 AnoGAN's sum with what D sees. 'train' is the same of training images, 'ratio' and 'gap'
  are of the medians. G is told the images' own classes if it is told any. Raises InputError if it
  takes no z, or anything else.
  """
  taken, at = inputs(sampler, key, 1)
  told = [a for i, a in enumerate(taken) if i != at]
  if at or len(told) > 1 or any(a.ndim != 1 or a.dtype.kind != 'i' for a in told):
    raise InputError('latent_fit is of generators of z, or of z and a class, in this order.')
  errors = []
  for i, split in enumerate((train, test)):
    arrays = source(split).arrays
    whole = len(arrays['image'])
    count = min(n, whole)
    rows = np.arange(count) * whole // count  # spread evenly
    if told and 'label' not in arrays:
      raise InputError(f'G is told a class, but the images of {split!r} have none.')
    given = [np.asarray(arrays['label'][rows], np.int32)] if told else []
    x = sampler.see(np.asarray(arrays['image'][rows]))
    found = fit(
      sampler, x, jax.random.fold_in(key, i), given=given, steps=steps, restarts=restarts,
      features=features,
    )  # fmt: skip
    errors.append(np.asarray(found.error, np.float64) / np.prod(x.shape[1:]))
  of = recovery(*errors)
  name = source(train).meta.get('name')
  protocol = dict(real=f'{name} {train}, {test}', n_real=[len(e) for e in errors],
                  steps=steps, restarts=restarts, features=features, **sampler.facts)  # fmt: skip
  return {
    'latent_fit': float(np.mean(errors[1])),
    'stderr': float(np.std(errors[1]) / np.sqrt(len(errors[1]))),
    'train': float(np.mean(errors[0])),
    'ratio': of.ratio,
    'gap': of.gap,
    'p': of.p,
    'protocol': protocol,
  }
