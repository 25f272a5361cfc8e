"""A GAN is a game: named networks, players that own some of them, one loss per player.

This is the vocabulary that everything else is written in; it knows nothing of images or of GANs.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax

from gan_jax.errors import InputError

Array = jax.Array
Key = jax.Array  # a typed PRNG key, shape []
Params = Any  # the weights of one network: a tree of f32 arrays
Batch = Mapping[str, Array]  # 'image' f32[B,H,W,C] in the networks' range; maybe 'label' i32[B]
Carry = Any  # what an objective remembers between rounds, often ()
Scalars = dict[str, Array]


def no_state(key: Key, params: Params) -> Any:
  """The state of a network that is not reparametrised: none."""
  del key, params
  return ()


class Net(NamedTuple):
  """A network as pure functions of its weights.

  `apply` takes no mode. What a call may use is what it is handed: without `key` dropout is the
  identity; BatchNorm normalises with the batch's own statistics unless `params` hold some, which
  is what `statistics` finds and `sampling.calibrate` averages and puts there.
  """

  init: Callable[[Key], Params]
  apply: Callable[..., Any]  # (params, *inputs, key=None) -> outputs
  statistics: Callable[..., Params] | None = None  # (params, *inputs) -> normalisation statistics
  reparam: Callable[[Params, Any], tuple[Params, Any]] | None = None  # e.g. spectral norm
  reparam_init: Callable[[Key, Params], Any] = no_state


class Bound:
  """Networks with their weights filled in, so that a loss reads `nets.D(nets.G(z))`."""

  def __init__(self, nets: Mapping[str, Net], params: Mapping[str, Params], **functions: Callable):
    self.nets, self.params = nets, params
    bound = {n: jax.tree_util.Partial(nets[n].apply, params[n]) for n in nets if n not in functions}
    self._functions = bound | functions

  def __getattr__(self, name: str) -> Callable:
    try:
      return self._functions[name]
    except KeyError:
      known = ', '.join(sorted(self._functions))
      raise AttributeError(f'this game has no network {name!r}; it has {known}') from None

  def weights(self, **params: Params) -> 'Bound':
    """The same networks with other weights: `nets.weights(D=d)`; the others stay as they are."""
    kept = {n: f for n, f in self._functions.items() if n not in params}
    return Bound(self.nets, {**self.params, **params}, **kept)

  def let(self, **functions: Callable) -> 'Bound':
    """The same networks, some replaced by functions: `nets.let(D=lambda x: nets.D(augment(x)))`."""
    return Bound(self.nets, self.params, **{**self._functions, **functions})


def logit(out: Any) -> Array:
  """The verdict of a critic f32[B], which may be one entry of what it returns: out['logit']."""
  return out['logit'] if isinstance(out, Mapping) else out


def head(out: Any, name: str) -> Array:
  """One entry of what a critic returns, f32[B,n]; InputError if it has no such head."""
  if not isinstance(out, Mapping) or name not in out:
    raise InputError(
      f'this objective reads {name!r} from its critic, which returns '
      f'{", ".join(sorted(out)) if isinstance(out, Mapping) else "a logit alone"}: give it '
      f'heads=dict({name}=...), the number of its outputs.'
    )
  return out[name]


Drawn = Any  # what a loss takes at random: a key, or what was drawn with one
Loss = Callable[[Bound, Batch, Drawn, Carry], tuple[Array, Scalars]]


def undrawn(batch: Batch, key: Key) -> Drawn:
  """The key itself, for losses that do their own drawing."""
  del batch
  return key


def nothing() -> Carry:
  """The carry of an objective that remembers nothing."""
  return ()


def unchanged(carry: Carry, scalars: Scalars) -> Carry:
  """The carry as it was."""
  del scalars
  return carry


class Objective(NamedTuple):
  """One loss per player, and the little state the losses may share.

  losses:  player -> loss(nets, batch, drawn, carry) -> (cost, scalars to log). A cost is minimised:
           what a paper maximises appears here with its sign changed. Only what the player owns is
           differentiated, so no loss says `stop_gradient`.
  init:    () -> carry, e.g. BEGAN's k or the number of rounds played.
  advance: (carry, scalars of the round, keyed 'player/name') -> carry. What is no single number
           among them, CycleGAN's pool of images, is for this alone and is not logged.
  draw:    (batch, key) -> drawn, what the losses take at random; by default the key itself. Moves
           that share their noise share this very array, z, and with it all that they make of it.
  """

  losses: Mapping[str, Loss]
  init: Callable[[], Carry] = nothing
  advance: Callable[[Carry, Scalars], Carry] = unchanged
  draw: Callable[[Batch, Key], Drawn] = undrawn
