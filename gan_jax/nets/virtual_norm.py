"""Virtual batch normalisation (Salimans et al. 2016, section 3.4), as a reparametrisation."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from flax.traverse_util import flatten_dict, unflatten_dict

from gan_jax.errors import InputError
from gan_jax.game import Key, Net, Params
from gan_jax.priors import Prior


def virtual_norm(net: Net, prior: Prior, inputs: Sequence[str], rows: int = 64) -> dict[str, Any]:
  """What turns the BatchNorm of a generator into virtual batch normalisation: fields of its Net.

  A reference batch of `rows` draws z is made once, at the start, and kept. Each time, it goes
  through the network, normalised by its own statistics alone; each other example is normalised by
  these and its own, as if it were one more of that batch: its share in them is 1 / (rows + 1). So
  an example's image depends on no other of its minibatch. The cost is a pass of the reference batch
  at each move. In a config: reparam=dict(name='virtual_norm', rows=64). Raises InputError for a
  network that has no BatchNorm, or takes more than z.
  """
  if net.statistics is None or tuple(inputs) != ('z',):
    raise InputError(
      f'virtual_norm is for a generator of z with BatchNorm; this network takes '
      f'{", ".join(inputs)} and has {"none" if net.statistics is None else "it"}.'
    )

  share = jnp.full((), 1 / (rows + 1), jnp.float32)

  def reparam(params: Params, reference: Any) -> tuple[Params, Any]:
    found = flatten_dict(net.statistics(params, reference))  # type: ignore[misc]
    shares = {(*path[:-1], 'share'): share for path in found if path[-1] == 'mean'}
    return unflatten_dict({**flatten_dict(params), **found, **shares}), reference

  def reparam_init(key: Key, params: Params) -> Any:
    del params
    return prior(key, rows)

  return {'reparam': reparam, 'reparam_init': reparam_init, 'statistics': None}
