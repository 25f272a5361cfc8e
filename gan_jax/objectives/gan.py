"""GANs with a scalar critic: any pair, any penalties, with or without labels.

With the right config this is the GAN of 2014, DCGAN, LSGAN, WGAN, WGAN-GP, DRAGAN, SNGAN, cGAN,
RGAN and R3GAN: what tells them apart is the pair, the penalties, the networks and the optimisers.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Key, Objective, Scalars, logit
from gan_jax.ops import random
from gan_jax.pairs import Pair
from gan_jax.penalties import Penalty, Schedule
from gan_jax.priors import Prior

Told = tuple[Array, ...]  # what a network is told besides its first input


def gan(
  prior: Prior,
  *,
  pair: Pair,
  penalties: Sequence[Penalty] = (),
  d_weight: float = 1.0,
  flips: float = 0.0,
) -> Objective:
  """D pays pair.d and the penalties, G pays pair.g; the batch is {'image'}, f32[B,...].

  `d_weight` multiplies pair.d: the 2014 authors' code, pix2pix and CycleGAN have 1/2 there. `flips`
  is the share of examples whose labels D is told wrongly: a real image and a fake change
  places in D's cost (Chintala et al., "How to train a GAN", hack 6). The carry counts rounds.
  """
  return _gan(prior, pair, penalties, d_weight, flips, lambda batch: ())


def conditional(
  prior: Prior,
  *,
  pair: Pair,
  penalties: Sequence[Penalty] = (),
  d_weight: float = 1.0,
  flips: float = 0.0,
) -> Objective:
  """The same with both networks told the class (Mirza & Osindero 2014): {'image', 'label'}."""
  return _gan(prior, pair, penalties, d_weight, flips, lambda batch: (batch['label'],))


def _gan(
  prior: Prior,
  pair: Pair,
  penalties: Sequence[Penalty],
  d_weight: float,
  flips: float,
  given: Callable[[Batch], Told],
) -> Objective:
  def play(nets: Bound, batch: Batch, drawn: Drawn) -> tuple[Array, Array, Array, Array]:
    real, fake, r, f = look(nets, batch, drawn, given(batch), given(batch))
    return real, fake, logit(r), logit(f)

  penalise = penalised(penalties)

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    real, fake, r, f = play(nets, batch, drawn)
    k_flip, *k_terms = jax.random.split(drawn[-1], 1 + len(penalties))
    cost = d_weight * pair.d(*exchange(k_flip, flips, r, f))
    D = lambda x, key: logit(nets.D(x, *given(batch), key=key))
    paid, terms = penalise(D, real, fake, rounds, k_terms)
    told = {'real': jnp.mean(r), 'fake': jnp.mean(f), 'sign': jnp.mean(jnp.sign(r))}
    return cost + paid, {**told, **terms}

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    _, _, r, f = play(nets, batch, drawn)
    return pair.g(r, f), {}

  return Objective({'D': d_loss, 'G': g_loss}, no_rounds, count, noise(prior))


def noise(prior: Prior) -> Callable[[Batch, Key], Drawn]:
  """(batch, key) -> z, and keys for G, D(x), D(G(z)) and what else D is told."""

  def draw(batch: Batch, key: Key) -> Drawn:
    k_z, *keys = jax.random.split(key, 5)
    return prior(k_z, len(batch['image'])), *keys

  return draw


def look(
  nets: Bound, batch: Batch, drawn: Drawn, to_g: Told = (), to_d: Told = ()
) -> tuple[Array, Array, Any, Any]:
  """x, G(z), D(x) and D(G(z)): one forward pass, the same for both players, of what `noise` drew.

  What the networks are told besides follows: G(z, *to_g), D(x, *to_d).
  """
  z, k_g, k_real, k_fake, _ = drawn
  real, fake = batch['image'], nets.G(z, *to_g, key=k_g)
  return real, fake, nets.D(real, *to_d, key=k_real), nets.D(fake, *to_d, key=k_fake)


def no_rounds() -> Array:
  """The carry of an objective that counts rounds, at the start: i32[]."""
  return jnp.zeros((), jnp.int32)


def count(rounds: Array, scalars: Scalars) -> Array:
  """One round more."""
  del scalars
  return rounds + 1


def at_round(value: float | Schedule, rounds: Array) -> float | Array:
  """A number, or what a schedule of rounds gives in this one."""
  return value(rounds) if callable(value) else value


def penalised(penalties: Sequence[Penalty]) -> Callable[..., tuple[Array, Scalars]]:
  """(D(x, key), real, fake, rounds, a key for each) -> what D pays for all of them, and each."""
  names = [term.name for term in penalties]
  labels = [n if names.count(n) == 1 else f'{n}_{i}' for i, n in enumerate(names)]

  def pay(D: Callable, real: Array, fake: Array, rounds: Array, keys: Sequence[Key]):
    cost: Array = jnp.zeros(())
    scalars: Scalars = {}
    for label, term, key in zip(labels, penalties, keys, strict=True):

      def value(key, term=term):
        k_look, k_term = jax.random.split(key)
        return term.value(lambda x: D(x, key=k_look), real, fake, k_term)

      paid = lazily(value, term.every, rounds, key)
      cost, scalars = cost + at_round(term.weight, rounds) * paid, scalars | {label: paid}
    return cost, scalars

  return pay


def exchange(key: Key, share: float, r: Array, f: Array) -> tuple[Array, Array]:
  """r and f with a random `share` of their examples changing places."""
  if not isinstance(share, jax.Array) and share == 0:
    return r, f  # as nearly every game has it: no numbers are drawn to no end
  wrong = random.bernoulli(key, share, (len(r),) + (1,) * (r.ndim - 1))
  return jnp.where(wrong, f, r), jnp.where(wrong, r, f)


def lazily(value, every: int, rounds: Array, key: Key) -> Array:
  """value(key), or in one round of `every` that many times it, and nothing in the others."""
  if every == 1:
    return value(key)
  return jax.lax.cond(rounds % every == 0, lambda k: every * value(k), lambda k: jnp.zeros(()), key)
