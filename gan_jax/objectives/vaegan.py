"""VAE/GAN (Larsen et al. 2016): a VAE whose likelihood is of what D makes of the image."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from gan_jax import likelihoods
from gan_jax.errors import InputError
from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Key, Objective, Scalars, head, logit
from gan_jax.likelihoods import Likelihood
from gan_jax.objectives.bigan import inferred
from gan_jax.ops import random
from gan_jax.pairs import Pair
from gan_jax.priors import Prior


def vaegan(
  prior: Prior, *, pair: Pair, likelihood: Likelihood, gamma: float = 1e-2, layer: int = -1
) -> Objective:
  """Algorithm 1: three players, E, G (the paper's Dec) and D, which must return its 'hidden'.

    E pays  L_prior + L_like,
    G pays  gamma L_like - L_GAN,
    D pays  -L_GAN, and nothing for the likelihood that its features measure.
  L_prior = KL(q(z|x) || N(0, I)); L_like = -E_q[log p(D_l(x)|z)] with D_l the `layer`-th hidden
  layer of D and p the `likelihood`, in the paper a Gaussian of unit variance; both in nats per
  image. L_GAN has two kinds of fakes, G(z) of z ~ q(z|x) and of z ~ p(z), each of which counts one
  half against the real images, as in the authors' code. With the pair 'minimax' G pays the paper's
  -L_GAN; any other serves too.
  """

  def draw(batch: Batch, key: Key) -> Drawn:
    """z ~ p(z), the noise of q, and keys for E, for G twice, for D thrice."""
    k_z, k_noise, *keys = jax.random.split(key, 8)
    z = prior(k_z, len(batch['image']))
    return z, random.normal(k_noise, z.shape), *keys

  def play(nets: Bound, batch: Batch, drawn: Drawn) -> dict[str, Array]:
    """One forward pass, the same for all players: L_prior, L_like, D(x) and D of the two fakes."""
    z, noise, k_e, k_rec, k_new, *keys = drawn
    q = nets.E(batch['image'], key=k_e)
    if not (isinstance(q, Mapping) and 'log_variance' in q):
      raise InputError('VAE/GAN needs an E that gives a Gaussian over codes: encoders.Gaussian.')
    images = batch['image'], nets.G(inferred(q, noise), key=k_rec), nets.G(z, key=k_new)
    seen = [nets.D(x, key=k) for x, k in zip(images, keys, strict=True)]
    target, made = (head(out, 'hidden')[layer] for out in seen[:2])
    judged = dict(zip(('real', 'rec', 'new'), map(logit, seen), strict=True))
    kl, likely = jnp.mean(likelihoods.kl(q)), jnp.mean(likelihood(target, made))
    return {'prior': kl, 'like': -likely, **judged}

  def against_both(cost: Callable, of: dict[str, Array]) -> Array:
    """The cost of a pair, the mean over the two kinds of fakes."""
    return (cost(of['real'], of['rec']) + cost(of['real'], of['new'])) / 2

  def e_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    of = play(nets, batch, drawn)
    return of['prior'] + of['like'], {'prior': of['prior'], 'like': of['like']}

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    of = play(nets, batch, drawn)
    return gamma * of['like'] + against_both(pair.g, of), {}

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    of = play(nets, batch, drawn)
    return against_both(pair.d, of), {n: jnp.mean(of[n]) for n in ('real', 'rec', 'new')}

  return Objective({'E': e_loss, 'G': g_loss, 'D': d_loss}, draw=draw)
