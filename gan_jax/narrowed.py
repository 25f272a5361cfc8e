"""Samplers that draw from a part of what they could: one class, a truncated z."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from gan_jax import paths, priors
from gan_jax.errors import InputError
from gan_jax.sampling import Sampler, label_at


def truncated(sampler: Sampler, threshold: float) -> Sampler:
  """The sampler with no entry of z beyond the threshold; InputError as `priors.truncated` says."""
  at = paths.place(sampler)
  within = lambda z: priors.truncated(sampler.prior, np.asarray(z), threshold)
  within(np.zeros((1, 1)))  # refused here, not at the first draw
  return _filled(sampler, at, within, truncation=threshold)


def of_class(sampler: Sampler, label: int, classes: int) -> Sampler:
  """The sampler that draws this class alone; InputError if G is told none, or has no such one."""
  at = label_at(sampler.fill(jax.random.key(0), 2))
  if not 0 <= label < classes:
    raise InputError(
      f'class {label} is none of the {classes} of this run, which are 0 to {classes - 1}.'
    )
  return _filled(sampler, at, lambda given: np.full(len(given), label, np.int32), label=label)


def _filled(sampler: Sampler, at: int, change: Callable[[Any], Any], **facts: Any) -> Sampler:
  """The sampler whose input `at` is changed."""

  def fill(key: jax.Array, n: int) -> tuple[Any, ...]:
    given: list[Any] = [*sampler.fill(key, n)]
    given[at] = change(given[at])
    return tuple(given)

  draw = lambda key, n: sampler.generate(*fill(key, n))
  return sampler._replace(fill=fill, draw=draw, facts={**sampler.facts, **facts})
