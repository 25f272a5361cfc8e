"""A network of a run laid open: its layers, as a function of what the data give it."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np

from gan_jax import inside
from gan_jax.errors import InputError
from gan_jax.inside import Layer
from gan_jax.sampling import Sampler

FEW = 16  # examples by which layers are told apart
MANY = 1024  # by which BatchNorm gets its statistics


class Exposed(NamedTuple):
  """A network, its layers, and N examples of its inputs."""

  function: Callable  # of JAX arrays, not jitted; BatchNorm has statistics of these examples
  layers: tuple[Layer, ...]
  given: tuple[np.ndarray, ...]  # f32[N,...], as the network sees them


def columns(
  source: Callable, split: str, inputs: Sequence[str] = ('image',), n: int = 0
) -> dict[str, np.ndarray]:
  """Up to n rows, 0 being all, of these columns of images' data, spread evenly over the split.

  Raises InputError if one is not there, or if the data are no images.
  """
  arrays = source(split).arrays
  if missing := [name for name in inputs if name not in arrays]:
    raise InputError(f'these data have no {" and ".join(missing)} for a network to look at.')
  if arrays['image'].ndim != 4:
    raise InputError(f'this looks at images; these data are {arrays["image"].shape[1:]}.')
  whole = len(arrays['image'])
  n = min(n or whole, whole)
  return {name: np.asarray(arrays[name][np.arange(n) * whole // n]) for name in inputs}


def exposed(
  sampler: Sampler,
  network: str,
  stored: Mapping[str, np.ndarray],
  key: jax.Array | None = None,
) -> Exposed:
  """The network that takes these columns, as stored; with a key, with weights drawn anew.

  Raises InputError if there is no such network, or it takes something else.
  """
  given = as_seen(sampler, stored)
  some = np.random.default_rng(0).permutation(len(given[0]))[:MANY]  # classes may lie in a row
  options = {} if key is None else {'key': key}
  try:
    function = sampler.function(network, *(a[some] for a in given), **options)
    layers = inside.find(function, *(a[some[:FEW]] for a in given))
  except TypeError as error:
    raise InputError(f'{network} takes other inputs than {", ".join(stored)}: {error}.') from error
  return Exposed(function, layers, given)


def as_seen(sampler: Sampler, stored: Mapping[str, np.ndarray]) -> tuple[np.ndarray, ...]:
  """Columns as stored -> as the networks see them."""
  return tuple(sampler.see(a) if name == 'image' else a for name, a in stored.items())


def last_maps(layers: Sequence[Layer], network: str, name: str = '') -> Layer:
  """The layer of that name, or the last that returns maps; InputError if there is none."""
  if name:
    return inside.named(layers, name)
  if not inside.maps(layers):
    raise InputError(f'{network} has no maps: it has no convolutions.')
  return inside.maps(layers)[-1]
