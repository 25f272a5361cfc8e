"""How often a discriminator that is a classifier errs on images it has not seen."""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.sampling import Sampler


def classify(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  split: str = 'test',
  limit: int = 0,
  network: str = 'D',
  head: str = 'classes',
) -> Mapping[str, float]:
  """The eval: {'error', 'errors', 'of'} of a head f32[N,K] on a split, or on its first `limit`.

  The class is the largest logit's, by averaged weights where there are any, without noise. Images
  with no label, or one that is not told (-1), do not count.
  """
  arrays = source(split).arrays
  if 'label' not in arrays:
    raise InputError(f'split {split!r} has no labels to count errors on.')
  image, label = (np.asarray(arrays[name][: limit or None]) for name in ('image', 'label'))
  logits = sampler.apply(network, sampler.see(image), output=head)
  told = label >= 0
  errors = int(np.sum(np.argmax(logits, axis=1)[told] != label[told]))
  return {'error': errors / max(int(told.sum()), 1), 'errors': errors, 'of': int(told.sum())}
