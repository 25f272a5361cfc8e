"""InfoGAN (Chen et al. 2016): some of z are codes, and an image must tell the codes it is made of.

The prior is `priors.structured`, which knows its codes. Q shares D's layers and is its head 'q':
the logits of each categorical code, then means, then what the deviations are made of.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import InputError
from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Objective, Scalars, head, logit
from gan_jax.objectives.gan import count, look, no_rounds, noise, penalised
from gan_jax.pairs import Pair
from gan_jax.penalties import Penalty
from gan_jax.priors import Prior, Structured

Deviation = Callable[[Array], Array]  # f32[B,c], as the head gives it -> standard deviations


class Information(NamedTuple):
  """L_I = E log Q(c|x) + H(c) (eq. 5) of each kind of code, f32[] in nats."""

  categorical: Array
  continuous: Array


def fixed(std: float = 1.0) -> Deviation:
  """The deviation of Q's Gaussians, always the same: 1 in the authors' MNIST run (`fix_std`)."""
  return lambda raw: jnp.full_like(raw, std)


def learnt() -> Deviation:
  """sqrt(exp(raw)), for each image its own."""
  return lambda raw: jnp.exp(raw / 2)


def infogan(
  prior: Prior,
  *,
  pair: Pair,
  penalties: Sequence[Penalty] = (),
  categorical_weight: float = 1.0,
  continuous_weight: float = 1.0,
  deviation: Deviation = fixed(),  # noqa: B008 - a pure function
) -> Objective:
  """min_{G,Q} max_D V(D, G) - lambda L_I(G, Q) (eq. 6); the batch is {'image'}.

  Both players pay -lambda L_I: Q is part of the network D, and so trained by its player (as in the
  authors' code). lambda has a value for each kind of code. The carry counts rounds.
  """
  if not isinstance(prior, Structured):
    raise InputError(
      "infogan reads codes out of z, so its prior must be one that has some: name='structured'."
    )
  penalise = penalised(penalties)

  def known(drawn: Drawn, of_fake: Array) -> Information:
    return information(prior, deviation, drawn[0], head(of_fake, 'q'))

  def worth(found: Information) -> Array:
    """lambda L_I."""
    return categorical_weight * found.categorical + continuous_weight * found.continuous

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    real, fake, of_real, of_fake = look(nets, batch, drawn)
    r, f, found = logit(of_real), logit(of_fake), known(drawn, of_fake)
    D = lambda x, key: logit(nets.D(x, key=key))
    paid, terms = penalise(D, real, fake, rounds, jax.random.split(drawn[-1], len(penalties)))
    scalars = {'real': jnp.mean(r), 'fake': jnp.mean(f), **found._asdict(), **terms}
    return pair.d(r, f) - worth(found) + paid, scalars

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    _, _, of_real, of_fake = look(nets, batch, drawn)
    return pair.g(logit(of_real), logit(of_fake)) - worth(known(drawn, of_fake)), {}

  return Objective({'D': d_loss, 'G': g_loss}, no_rounds, count, noise(prior))


def information(prior: Structured, deviation: Deviation, z: Array, q: Array) -> Information:
  """What Q knows of the codes in z f32[B,Z], by what it made of G(z), f32[B,Q].

  H(c) is that of the codes as they are drawn, so that both numbers are lower bounds of the mutual
  information I(c; G(z)); the authors' code counts H of uniform codes as if they were normal, which
  moves the number and no gradient. Raises InputError for a head of another width.
  """
  one_hots, numbers = prior.columns(z.shape[1])
  sizes, n = prior.categorical, prior.continuous
  if q.shape[1] != (wanted := sum(sizes) + 2 * n):
    raise InputError(
      f'Q has {q.shape[1]} outputs, but codes of {sizes} categories and {n} numbers need {wanted}: '
      f'heads=dict(q={wanted}).'
    )
  *logits, mean, raw = jnp.split(q, np.cumsum((*sizes, n)), axis=1)
  categorical = jnp.zeros(())
  for place, size, v in zip(one_hots, sizes, logits, strict=True):
    log_q = jnp.sum(z[:, place] * jax.nn.log_softmax(v), axis=1)
    categorical += math.log(size) + jnp.mean(log_q)
  std = deviation(raw)
  log_q = -0.5 * ((z[:, numbers] - mean) / std) ** 2 - jnp.log(std) - 0.5 * math.log(2 * math.pi)
  return Information(categorical, n * math.log(2) + jnp.mean(jnp.sum(log_q, axis=1)))
