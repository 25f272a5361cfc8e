"""BiGAN and ALI: D judges pairs, an image with its code E(x) or a code with its image G(z).

Donahue et al. 2017 (eq. 2) and Dumoulin et al. 2017 (eq. 3) found the same game. BiGAN's encoder
gives a point, ALI's a Gaussian: that is what the network returns, see `inferred`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax import likelihoods
from gan_jax.errors import InputError
from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Key, Objective, Scalars, logit
from gan_jax.objectives.gan import count, no_rounds, penalised
from gan_jax.ops import random
from gan_jax.pairs import Pair
from gan_jax.penalties import Penalty
from gan_jax.priors import Prior


def bigan(
  prior: Prior, *, pair: Pair, penalties: Sequence[Penalty] = (), weight: float = 1.0
) -> Objective:
  """D pays pair.d and the penalties; the player G, who owns G and E, pays it with labels exchanged.

  D(x, E(x)) is to look like a fake pair as much as D(G(z), z) like a real one, so both terms count,
  as in the authors' codes, where D's cost is <sp(-r) + sp(f)> and G's <sp(-f) + sp(r)> (the pair
  'nonsaturating'). `weight` multiplies both costs: BiGAN's code has 1/2, which tells beside an L2
  penalty. A penalty takes a pair for one point. The carry counts rounds.
  """
  penalise = penalised(penalties)

  def draw(batch: Batch, key: Key) -> Drawn:
    """z, the noise of E's codes, and keys for E, G, D(x, E(x)), D(G(z), z) and the penalties."""
    k_z, k_noise, *keys = jax.random.split(key, 7)
    z = prior(k_z, len(batch['image']))
    return z, random.normal(k_noise, z.shape), *keys

  def play(nets: Bound, batch: Batch, drawn: Drawn) -> tuple[tuple[Array, Array], ...]:
    """One forward pass, the same for both players: (x, E(x)), (G(z), z), (r, f)."""
    z, noise, k_e, k_g, k_real, k_fake, _ = drawn
    x = batch['image']
    real, fake = (x, inferred(nets.E(x, key=k_e), noise)), (nets.G(z, key=k_g), z)
    return real, fake, (logit(nets.D(*real, key=k_real)), logit(nets.D(*fake, key=k_fake)))

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    real, fake, (r, f) = play(nets, batch, drawn)
    D = lambda v, key: logit(nets.D(*parted(v, *real), key=key))
    keys = jax.random.split(drawn[-1], len(penalties))
    paid, terms = penalise(D, joined(*real), joined(*fake), rounds, keys)
    return weight * pair.d(r, f) + paid, {'real': jnp.mean(r), 'fake': jnp.mean(f), **terms}

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    _, _, (r, f) = play(nets, batch, drawn)
    return weight * pair.d(f, r), {}

  return Objective({'D': d_loss, 'G': g_loss}, no_rounds, count, draw)


def inferred(q: Any, noise: Array) -> Array:
  """The code f32[B,Z] that an encoder infers, given noise ~ N(0, I) of the prior's shape.

  It returned the code itself; or a dict of its 'mean' and, if it is a Gaussian that is to be drawn
  from (`nets.encoders.Gaussian`), its 'log_variance'. Raises InputError for a code that is not of
  the prior's size.
  """
  given = isinstance(q, Mapping)
  z = likelihoods.code(q, noise) if given and 'log_variance' in q else q['mean'] if given else q
  if z.shape != noise.shape:
    raise InputError(
      f'the encoder makes codes of {z.shape[1]} numbers, but the prior draws {noise.shape[1]}: '
      'give it dim=... and the prior the same.'
    )
  return z


def joined(x: Array, z: Array) -> Array:
  """A pair as one point: f32[B,...], f32[B,Z] -> f32[B,X+Z]."""
  return jnp.concatenate([x.reshape(len(x), -1), z], axis=1)


def parted(v: Array, x: Array, z: Array) -> tuple[Array, Array]:
  """The pair of which v f32[B,X+Z] was joined, in the shapes of x and z."""
  n = z.shape[1]
  return v[:, :-n].reshape(x.shape), v[:, -n:]
