"""Penalties on the critic's slope: terms that D pays besides its pair.

Each is an equation `(D, real, fake, key) -> f32[]` where D is a pure function of images, so its
gradient with respect to them is `jax.grad` and needs no hook. The decorator turns the equation into
what a config names: `wgan_gp(weight=10.0)` or `r1(weight=5.0, every=16)`, and the equation's own
keyword arguments, e.g. `zero_centred(weight=10.0)`.
"""

import inspect
from collections.abc import Callable
from functools import partial, wraps
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.errors import InputError
from gan_jax.game import Array, Key
from gan_jax.ops import random

Critic = Callable[[Array], Array]  # image f32[B,...] -> f32[B] (or a map of patches)
Schedule = Callable[[Array], Array]  # rounds i32[] -> f32[]


class Penalty(NamedTuple):
  """A term of D's cost."""

  name: str
  value: Callable[[Critic, Array, Array, Key], Array]  # (D, real, fake, key) -> f32[]
  weight: float | Schedule  # what the paper multiplies `value` by, or that as rounds go on
  every: int  # paid in every `every`-th round, `every` times over (Karras et al. 2020, lazy)
  of_slopes: bool  # whether it looks at D's gradient at each example, which BatchNorm forbids


def penalty(equation: Callable[..., Array], of_slopes: bool = True) -> Callable[..., Penalty]:
  """The factory of penalties `equation`: (weight, every, **its keyword arguments) -> Penalty."""

  @wraps(equation)
  def factory(weight: float | Schedule = 1.0, every: int = 1, **options: float) -> Penalty:
    if unknown := set(options) - {p.name for p in own}:
      raise TypeError(f'{equation.__name__} takes no argument {", ".join(sorted(unknown))}')
    if every < 1:
      raise InputError(f'{equation.__name__} is paid every={every} rounds; 1 is the least.')
    value = partial(equation, **options)
    return Penalty(equation.__name__, value, weight, every, of_slopes)

  own = [p for p in inspect.signature(equation).parameters.values() if p.kind is p.KEYWORD_ONLY]
  common = list(inspect.signature(factory, follow_wrapped=False).parameters.values())[:2]
  factory.__signature__ = inspect.Signature(common + own)  # type: ignore[attr-defined]
  return factory


def slopes(D: Critic, x: Array) -> Array:
  """||grad D(x)||^2 of each image, over all its pixels and channels: f32[B,...] -> f32[B]."""
  g = jax.grad(lambda x: jnp.sum(D(x)))(x)
  return jnp.sum(g**2, axis=tuple(range(1, g.ndim)))


def norms(D: Critic, x: Array) -> Array:
  """||grad D(x)|| of each image, f32[B]; 1e-12 under the root keeps its gradient finite at 0."""
  return jnp.sqrt(slopes(D, x) + 1e-12)


def between(real: Array, fake: Array, key: Key) -> Array:
  """A point drawn uniformly from the line between each real image and its fake: f32[B,...]."""
  t = random.uniform(key, (len(real),) + (1,) * (real.ndim - 1))
  return real + t * (fake - real)


@penalty
def wgan_gp(D: Critic, real: Array, fake: Array, key: Key) -> Array:
  """E (||grad D(x^)|| - 1)^2, x^ between real and fake (Gulrajani et al. 2017, eq. 3)."""
  return jnp.mean((norms(D, between(real, fake, key)) - 1) ** 2)


@penalty
def wgan_lp(D: Critic, real: Array, fake: Array, key: Key) -> Array:
  """The one-sided form: only slopes above 1 are penalised (Petzka et al. 2018, eq. 8)."""
  return jnp.mean(jax.nn.relu(norms(D, between(real, fake, key)) - 1) ** 2)


@penalty
def zero_centred(D: Critic, real: Array, fake: Array, key: Key) -> Array:
  """E ||grad D(x^)||^2, x^ between real and fake (Thanh-Tung et al. 2019)."""
  return jnp.mean(slopes(D, between(real, fake, key)))


@penalty
def r1(D: Critic, real: Array, fake: Array, key: Key) -> Array:
  """E ||grad D(x)||^2 / 2 on real images (Mescheder et al. 2018, eq. 9); `weight` is gamma.

  Their released code leaves out the half, so its 10 is a gamma of 20.
  """
  return jnp.mean(slopes(D, real)) / 2


@penalty
def r2(D: Critic, real: Array, fake: Array, key: Key) -> Array:
  """E ||grad D(G(z))||^2 / 2 on fake images (Mescheder et al. 2018, eq. 10); `weight` is gamma."""
  return jnp.mean(slopes(D, fake)) / 2


@penalty
def dragan(D: Critic, real: Array, fake: Array, key: Key, *, spread: float = 0.5) -> Array:
  """E (||grad D(x + a(x' - x))|| - 1)^2, x' = x + spread·std(x)·U[0,1), a ~ U (Kodali et al. 2017).

  The noise is one-sided, as in the authors' code, and std is one number for the whole batch.
  """
  k_near, k_between = jax.random.split(key)
  near = real + spread * jnp.std(real) * random.uniform(k_near, real.shape)
  return jnp.mean((norms(D, between(real, near, k_between)) - 1) ** 2)


@partial(penalty, of_slopes=False)
def drift(D: Critic, real: Array, fake: Array, key: Key) -> Array:
  """E D(x)^2 on real images: pins down a critic's zero (Karras et al. 2018, app. A.1)."""
  return jnp.mean(D(real) ** 2)
