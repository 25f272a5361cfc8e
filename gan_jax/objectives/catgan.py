"""CatGAN (Springenberg 2016): D sorts real images into K classes that nobody named.

D says p(y|x), by a head 'classes' of K logits, and no more: it is to be sure of real images, to use
all classes alike, and to be in doubt of fakes.
"""

import jax
import jax.numpy as jnp

from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Objective, Scalars, head
from gan_jax.objectives.gan import look, noise
from gan_jax.priors import Prior


def catgan(prior: Prior) -> Objective:
  """Eq. 7, with H an entropy in nats and the means over the batch.

  D maximises H[E p(y|x)] - E H[p(y|x)] + E H[p(y|G(z))],
  G maximises H[E p(y|G(z))] - E H[p(y|G(z))].
  """

  def play(nets: Bound, batch: Batch, drawn: Drawn) -> tuple[Array, Array]:
    """The logits of real images and of fakes."""
    _, _, of_real, of_fake = look(nets, batch, drawn)
    return head(of_real, 'classes'), head(of_fake, 'classes')

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    r, f = play(nets, batch, drawn)
    use, doubt, doubt_of_fakes = marginal(r), conditional(r), conditional(f)
    scalars = {'marginal': use, 'real': doubt, 'fake': doubt_of_fakes}
    return -(use - doubt + doubt_of_fakes), scalars

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    _, f = play(nets, batch, drawn)
    return -(marginal(f) - conditional(f)), {'marginal': marginal(f)}

  return Objective({'D': d_loss, 'G': g_loss}, draw=noise(prior))


def conditional(logits: Array) -> Array:
  """E H[p(y|x)], the mean entropy of softmax(logits): f32[B,K] -> f32[] in [0, log K]."""
  return jnp.mean(entropy(jax.nn.log_softmax(logits)))


def marginal(logits: Array) -> Array:
  """H[E p(y|x)], the entropy of the mean of softmax(logits): f32[B,K] -> f32[] in [0, log K]."""
  log_p = jax.nn.log_softmax(logits)
  return entropy(jax.nn.logsumexp(log_p, axis=0) - jnp.log(len(logits)))


def entropy(log_p: Array) -> Array:
  """-sum p log p over the last axis, f32[...,K] -> f32[...]."""
  return -jnp.sum(jnp.exp(log_p) * log_p, axis=-1)
