"""The variational autoencoder (Kingma & Welling 2014): a game of one player, without a critic.

It is here because the papers compare with it, and because E, its likelihoods and its bound come
back in the GANs that have an encoder.
"""

import jax
import jax.numpy as jnp

from gan_jax import likelihoods
from gan_jax.errors import InputError
from gan_jax.game import Batch, Bound, Carry, Drawn, Key, Objective, Scalars
from gan_jax.likelihoods import Likelihood
from gan_jax.priors import Prior


def vae(prior: Prior, *, likelihood: Likelihood) -> Objective:
  """The player VAE, who owns E and G, ascends on the bound L = E_q[log p(x|z)] - KL(q || p(z)).

  Kingma & Welling 2014, eq. 10 with L = 1 sample, in nats per image. E gives q(z|x), see
  `nets.encoders.Gaussian`; the prior must be N(0, I), from which also the noise of q is drawn. The
  scalars are the 'bound' and its two terms, 'likelihood' and 'kl'. Raises InputError if E's codes
  are not of the prior's size.
  """

  def draw(batch: Batch, key: Key) -> Drawn:
    """The noise of q, f32[B,Z], and keys for E and G."""
    k_noise, *keys = jax.random.split(key, 3)
    return prior(k_noise, len(batch['image'])), *keys

  def loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[jax.Array, Scalars]:
    (noise, k_e, k_g), x = drawn, batch['image']
    q = nets.E(x, key=k_e)
    if q['mean'].shape != noise.shape:
      raise InputError(
        f'E makes codes of {q["mean"].shape[1]} numbers, the prior draws {noise.shape[1]}: '
        'nets.E.dim and prior.dim must be one number.'
      )
    likely = jnp.mean(likelihood(x, nets.G(likelihoods.code(q, noise), key=k_g)))
    kl = jnp.mean(likelihoods.kl(q))
    return kl - likely, {'bound': likely - kl, 'likelihood': likely, 'kl': kl}

  return Objective({'VAE': loss}, draw=draw)
