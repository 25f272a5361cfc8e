"""Boundary-seeking GANs (Hjelm et al. 2018): G is drawn to where D cannot decide.

D is that of 2014, so w(x) = D(x) / (1 - D(x)) = exp(logit) estimates p(x) / q(x). `bgan` is for
continuous images, and came to be called BS-GAN; in `discrete` G is a distribution over binary
images, which no gradient can pass through. Both follow rdevon/BGAN.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax import likelihoods, pairs
from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Objective, Scalars, logit
from gan_jax.objectives.gan import count, gan, look, noise
from gan_jax.ops import random
from gan_jax.penalties import Penalty
from gan_jax.priors import Prior


class Memory(NamedTuple):
  """What `bgan` carries from round to round."""

  log_z: Array  # f32[], a running mean of log Z
  rounds: Array  # i32[], for lazy penalties


def bgan(prior: Prior, *, penalties: Sequence[Penalty] = (), decay: float = 0.995) -> Objective:
  """G pays (log w(G(z)) - log Z)^2, D what it pays in the GAN of 2014.

  Z = E_q[w(x)] is 1 where D is optimal; log Z, that of a batch's fakes, is averaged over rounds
  with `decay`, from 0 on. Among G's scalars are 'log_z' as it was used and 'batch_log_z'.
  """
  base = gan(prior, pair=pairs.nonsaturating(), penalties=penalties)

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    return base.losses['D'](nets, batch, drawn, carry.rounds)

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    f = logit(look(nets, batch, drawn)[3])
    of_batch = jax.nn.logsumexp(f) - jnp.log(f.size)
    return jnp.mean((f - carry.log_z) ** 2), {'log_z': carry.log_z, 'batch_log_z': of_batch}

  def advance(carry: Carry, scalars: Scalars) -> Carry:
    log_z = decay * carry.log_z + (1 - decay) * scalars['G/batch_log_z']
    return Memory(log_z, count(carry.rounds, scalars))

  start = lambda: Memory(jnp.zeros(()), base.init())
  return Objective({'D': d_loss, 'G': g_loss}, start, advance, base.draw)


def discrete(prior: Prior, *, samples: int = 20) -> Objective:
  """G(z) is the probability of 1 at each pixel, and D sees M `samples` of each.

  With x^m ~ g(x|z) and w~_m = w(x^m) / sum_m' w(x^m'), G pays -E_z sum_m w~_m log g(x^m|z): a
  policy gradient with normalised rewards. D is shown all samples as fakes. The data must be binary
  (the transform `binarise`), and G must end in a sigmoid.
  """
  log_g = likelihoods.bernoulli()

  def play(nets: Bound, drawn: Drawn) -> tuple[Array, Array, Array]:
    """p = G(z) and x^m, f32[M,B,...] both, and the logits of x^m, f32[M,B]."""
    z, k_g, _, k_fake, k_samples = drawn
    p = nets.G(z, key=k_g)
    p = jnp.broadcast_to(p[None], (samples, *p.shape))
    x = random.bernoulli(k_samples, p, p.shape).astype(p.dtype)  # a comparison: no gradient
    f = logit(nets.D(x.reshape(-1, *x.shape[2:]), key=k_fake))
    return p, x, f.reshape(x.shape[:2])

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    r = logit(nets.D(batch['image'], key=drawn[2]))
    f = play(nets, drawn)[2]
    return pairs.real_or_fake(r, f), {'real': jnp.mean(r), 'fake': jnp.mean(f)}

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    p, x, f = play(nets, drawn)
    w = jax.nn.softmax(f, axis=0)
    each = jax.vmap(log_g)(x, p)
    return -jnp.mean(jnp.sum(w * each, axis=0)), {'largest_weight': jnp.mean(jnp.max(w, axis=0))}

  return Objective({'D': d_loss, 'G': g_loss}, draw=noise(prior))
