"""How players move, where optax has no name for it: the links and schedules of the papers.

A config writes `tx=dict(name='adam', learning_rate=2e-4, b1=0.5)`, or several links in a row:
`tx=dict(name='chain', links=(dict(name='add_decayed_weights', weight_decay=1e-5), dict(name='adam',
...)))`. Names are looked up here and then in optax; any number may be a schedule, again by name.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from gan_jax.errors import InputError
from gan_jax.game import Array, Params

Schedule = Callable[[Array], Array]  # count of moves made, i32[] -> f32[]


def chain(links: Sequence[optax.GradientTransformation]) -> optax.GradientTransformation:
  """One link after another. A projection (clip_weights, max_norm) comes last."""
  return optax.chain(*links)


def averaged(tx: optax.GradientTransformation, moves: int) -> optax.GradientTransformation:
  """Moves once in so many moves, along the mean of their gradients, and stands still in between."""
  return optax.MultiSteps(tx, moves).gradient_transformation()


class HeavyBallState(NamedTuple):
  """Moves made, and the velocity."""

  moves: Array
  velocity: Params


def heavy_ball(
  learning_rate: float | Schedule, momentum: float | Schedule
) -> optax.GradientTransformation:
  """v <- m v - lr g, p <- p + v, with m and lr of this move (as pylearn2, for the 2014 nets).

  optax.sgd scales the whole velocity by the learning rate instead, which differs once it decays.
  """
  lr, m = _schedule(learning_rate), _schedule(momentum)

  def init(params: Params) -> HeavyBallState:
    return HeavyBallState(jnp.zeros((), jnp.int32), jax.tree.map(jnp.zeros_like, params))

  def update(grads: Params, state: HeavyBallState, params: Params = None):
    a, b = m(state.moves), lr(state.moves)
    velocity = jax.tree.map(lambda v, g: a * v - b * g, state.velocity, grads)
    return velocity, HeavyBallState(state.moves + 1, velocity)

  return optax.GradientTransformation(init, update)


def goodfellow_2014(initial: float, moves_per_epoch: int) -> optax.GradientTransformation:
  """How both players of the 2014 nets move: both schedules below, to momentum 0.7 in epoch 250."""
  return heavy_ball(inverse_power(initial), ramp(0.5, 0.7, 250, moves_per_epoch))


def clip_weights(limit: float = 0.01) -> optax.GradientTransformation:
  """Every weight ends in [-limit, limit], to rounding (Arjovsky et al. 2017, Algorithm 1)."""
  return _projection(lambda path, p: jnp.clip(p, -limit, limit))


def decay_of(at: str, weight_decay: float) -> optax.GradientTransformation:
  """Adds weight_decay * w to the gradient of the weights at `at` alone, 'D/Dense_3/kernel' say.

  A path of network, layer and weight, or the beginning of one: 'D/Dense_3' is the whole layer. It
  goes before the link that moves, as Torch's weight_decay does (L2, not AdamW). The cost's own term
  is weight_decay / 2 ||w||^2. Raises InputError if there are no such weights.
  """

  def mask(params: Params) -> Params:
    name = lambda path: '/'.join(str(getattr(key, 'key', key)) for key in path)
    inside = lambda path, p: f'{name(path)}/'.startswith(f'{at}/')
    chosen = jax.tree_util.tree_map_with_path(inside, params)
    if not any(jax.tree.leaves(chosen)):
      known = ', '.join(name(path) for path, _ in jax.tree_util.tree_leaves_with_path(params))
      raise InputError(f'there are no weights at {at!r} to decay; there are {known}.')
    return chosen

  return optax.add_decayed_weights(weight_decay, mask)


class HistoryState(NamedTuple):
  """Moves made, and the mean of the weights from which they were made."""

  moves: Array
  mean: Params


def historical_averaging(weight: float = 1.0) -> optax.GradientTransformation:
  """Adds the gradient of weight ||theta - its mean so far||^2 (Salimans et al. 2016, section 3.3).

  The mean, of every theta from the first to the present one, is a constant under differentiation.
  It goes before the link that moves.
  """

  def init(params: Params) -> HistoryState:
    return HistoryState(jnp.zeros((), jnp.int32), jax.tree.map(jnp.zeros_like, params))

  def update(grads: Params, state: HistoryState, params: Params = None):
    moves = state.moves + 1
    mean = jax.tree.map(lambda m, p: m + (p - m) / moves, state.mean, params)
    pull = lambda g, p, m: g + 2 * weight * (p - m)
    return jax.tree.map(pull, grads, params, mean), HistoryState(moves, mean)

  return optax.GradientTransformation(init, update)


def max_norm(limit: float) -> optax.GradientTransformation:
  """The weights into each unit end with norm <= limit (Srivastava 2013); biases are left alone."""

  def project(path: tuple, p: Array) -> Array:
    if getattr(path[-1], 'key', None) != 'kernel':
      return p
    norm = jnp.sqrt(jnp.sum(p**2, axis=tuple(range(p.ndim - 1)), keepdims=True))
    return p * jnp.minimum(1.0, limit / jnp.maximum(norm, 1e-7))

  return _projection(project)


def _projection(project: Callable[[tuple, Array], Array]) -> optax.GradientTransformation:
  """The link that makes params + updates = project(params + updates), leaf by leaf."""

  def update(updates: Params, state: optax.EmptyState, params: Params = None):
    moved = optax.apply_updates(params, updates)
    projected = jax.tree_util.tree_map_with_path(project, moved)
    return jax.tree.map(lambda q, p: q - p, projected, params), state

  return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def inverse_power(initial: float, factor: float = 1.000004, floor: float = 1e-6) -> Schedule:
  """initial / factor^t, not below `floor`: the 2014 learning rate, divided after each batch."""
  rate = math.log(factor)  # in double precision: float32 has 4e-6 above 1 only to 1.3%
  return lambda t: jnp.maximum(initial * jnp.exp(-rate * t), floor)


def warmed_up(decay: float = 0.999) -> Schedule:
  """min(decay, (1 + t) / (10 + t)): an average of weights that soon forgets where they started."""
  return lambda t: jnp.minimum(decay, (1.0 + t) / (10.0 + t))


def ramp(start: float, end: float, epochs: int, moves_per_epoch: int) -> Schedule:
  """Linear by whole epochs, `start` in epoch 1 and `end` from epoch `epochs` on (2014 momentum)."""
  left = lambda t: (epochs - 1 - t // moves_per_epoch) / max(epochs - 1, 1)
  return lambda t: end + (start - end) * jnp.clip(left(t), 0, 1)


def cosine_ramp(start: float, end: float, rounds: float) -> Schedule:
  """start + (1 - cos(pi t / rounds)) / 2 (end - start), and `end` from then on, up or down.

  The one schedule of all that R3GAN changes as it learns (Huang et al. 2024).
  """
  done = lambda t: jnp.minimum(t / rounds, 1.0)
  return lambda t: start + (1 - jnp.cos(jnp.pi * done(t))) / 2 * (end - start)


def half_life(images: float | Schedule, batch: int) -> Schedule:
  """An average's decay .5^(batch / images): what is `images` old counts half (Karras et al. 2018).

  `images` may be a schedule of rounds, as R3GAN's, which grows from 0, where nothing is averaged.
  """
  span = _schedule(images)
  return lambda t: 0.5 ** (batch / jnp.maximum(span(t), 1e-8))


def adam_of_schedules(
  learning_rate: float | Schedule,
  b1: float | Schedule = 0.9,
  b2: float | Schedule = 0.999,
  eps: float = 1e-8,
) -> optax.GradientTransformation:
  """Adam any of whose numbers may be schedules; its averages start at 0, corrected by b of now.

  As in Torch when its betas are changed between moves; optax.adam schedules only the rate.
  """
  return optax.inject_hyperparams(optax.adam)(learning_rate, b1=b1, b2=b2, eps=eps)


def _schedule(value: float | Schedule) -> Schedule:
  return value if callable(value) else lambda t: jnp.asarray(value, jnp.float32)
