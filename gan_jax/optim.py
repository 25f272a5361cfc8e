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

from gan_jax.game import Array, Params

Schedule = Callable[[Array], Array]  # count of moves made, i32[] -> f32[]


def chain(links: Sequence[optax.GradientTransformation]) -> optax.GradientTransformation:
  """One link after another. A projection (clip_weights, max_norm) comes last."""
  return optax.chain(*links)


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


def _schedule(value: float | Schedule) -> Schedule:
  return value if callable(value) else lambda t: jnp.asarray(value, jnp.float32)
