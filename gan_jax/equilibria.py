"""Where a pair comes to rest: what either player pays once D cannot tell G(z) from x.

All is found from the pair's own two costs. With p_g = p_data every point gets one verdict, as a
real one and as a fake, and D's best is the v that makes d(v, v) least: 0 in the game of 2014, where
D is then 1/2 and pays log 4.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy import optimize

from gan_jax.game import Array
from gan_jax.pairs import Pair

REACH = 20.0  # verdicts beyond are taken for infinite
STEP = 0.01
FLAT = 1e-5  # costs that differ by less are one


class Rest(NamedTuple):
  """An equilibrium; (low, high) are equal but where the pair leaves it open."""

  verdict: tuple[float, float]  # what D says of everything; from -inf to inf for Wasserstein's
  d: float  # what D then pays
  g: tuple[float, float]  # what G does


def rest(pair: Pair) -> Rest:
  """The equilibrium of a pair, at the verdicts among -REACH .. REACH that cost D least.

  D's cost must be convex in a verdict that all have in common, as that of every pair here is.
  """
  d, g = _together(pair.d), _together(pair.g)
  grid = np.arange(-REACH, REACH + STEP / 2, STEP)
  costs = d(grid)
  best = np.flatnonzero(costs <= costs.min() + FLAT * max(1.0, abs(costs.min())))
  low, high = grid[best[0]], grid[best[-1]]
  if high - low <= 4 * STEP:  # a point, as near as the grid comes
    low = high = _root(pair, low - STEP, high + STEP)
  open_ = low <= -REACH + STEP and high >= REACH - STEP
  paid = g(np.array([low, high]))
  verdict = (-np.inf, np.inf) if open_ else (float(low), float(high))
  if open_ and abs(paid[0] - paid[1]) > FLAT:
    paid = np.array([-np.inf, np.inf])
  return Rest(verdict, float(d(np.array([low]))[0]), (float(paid.min()), float(paid.max())))


def is_probability(pair: Pair) -> bool:
  """Whether sigma(D(x)) is the probability that x is real, as D is taught it.

  It is where fakes cost D -log (1 - sigma(f)) and a constant, whatever it says of real images: the
  slope of its cost with respect to f is sigma(f) then.
  """
  slope = jax.jit(jax.vmap(lambda r, f: jax.grad(pair.d, 1)(r[None], f[None])[0]))
  f = jnp.linspace(-6, 6, 25)
  found = [slope(jnp.full_like(f, r), f) for r in (-2.0, 0.0, 3.0)]
  return all(np.allclose(s, jax.nn.sigmoid(f), atol=1e-5) for s in found)


def share(pair: Pair, verdict: np.ndarray) -> np.ndarray:
  """The p_data / (p_data + p_g) at a point for which each verdict f[P] is D's best there, f64[P].

  That is where p a'(v) + q b'(v) = 0, with a and b what a real point and a fake of verdict v cost:
  sigma(v) in the game of 2014. A verdict that is never the best gets a number that is no share;
  of relativistic pairs, whose a and b hang on each other, it is that with all verdicts equal.
  """
  slope = lambda i: jax.vmap(lambda v: jax.grad(pair.d, i)(v[None], v[None])[0])
  both = jax.jit(lambda v: (slope(0)(v), slope(1)(v)))
  of_real, of_fake = (np.asarray(s, np.float64) for s in both(jnp.asarray(verdict, jnp.float32)))
  with np.errstate(divide='ignore', invalid='ignore'):
    return of_fake / (of_fake - of_real)


def _together(cost: Callable[[Array, Array], Array]) -> Callable[[np.ndarray], np.ndarray]:
  """v f[P] -> cost(v, v) of each, f64[P]."""
  each = jax.jit(jax.vmap(lambda v: cost(v[None], v[None])))
  return lambda v: np.asarray(each(jnp.asarray(v, jnp.float32)), np.float64)


def _root(pair: Pair, low: float, high: float) -> float:
  """Where the slope of d(v, v) is 0."""
  slope = jax.jit(jax.grad(lambda v: pair.d(v[None], v[None])))
  at = lru_cache(None)(lambda v: float(slope(jnp.float32(v))))
  if at(low) * at(high) > 0:  # flat to float32: the middle is as good
    return (low + high) / 2
  return float(optimize.brentq(at, low, high, xtol=1e-7))
