"""Has D learnt the training images by heart? Its verdict on them, and on images held out."""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.sampling import Sampler


def overfitting(
  sampler: Sampler, source: Callable, key: jax.Array, *, n: int = 1000, split: str = 'test'
) -> Mapping[str, float]:
  """The eval {'train', 'held_out', 'fake'}: the mean logit of the first n of each, and of samples.

  {'r_v'} is (train - held_out) / (train - fake), 0 for a D that does not overfit and 1 for one that
  takes what it has not seen for fake (Karras et al. 2020, eq. 1). Raises InputError for a D that
  gives no score of single images: one with BatchNorm, or one that is told more than they are.
  """
  if sampler.critic is None:
    raise InputError('D scores no single images here: it has BatchNorm, or judges more than them.')
  of = lambda images: float(np.mean(sampler.critic(images)))
  seen = lambda images: sampler.see(np.asarray(images[:n]))
  train, held_out = of(seen(source().arrays['image'])), of(seen(source(split).arrays['image']))
  fake = of(sampler.draw(key, n))
  gap = train - fake
  return dict(train=train, held_out=held_out, fake=fake, r_v=(train - held_out) / (gap or np.nan))
