"""BEGAN (Berthelot, Schumm & Metz 2017): D autoencodes, and k balances it against G."""

import jax.numpy as jnp

from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Objective, Scalars
from gan_jax.objectives import energy
from gan_jax.objectives.gan import noise
from gan_jax.priors import Prior


def began(prior: Prior, *, gamma: float = 0.5, lambda_k: float = 1e-3) -> Objective:
  """D pays L(x) - k L(G(z)), G pays L(G(z)), with L(v) the mean of |v - D(v)| (section 3.4).

  The carry is k, 0 at first; after each round k <- clip(k + lambda_k (gamma L(x) - L(G(z))), 0, 1),
  with D's losses of that round: in simultaneous play those of before the move. `gamma`, the
  diversity ratio, is what L(G(z)) / L(x) is held at. Among D's scalars are 'k' and the measure of
  convergence 'M' = L(x) + |gamma L(x) - L(G(z))| (section 3.4.1), which is to fall.
  """

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, k: Carry) -> tuple[Array, Scalars]:
    real, fake = losses(nets, batch, drawn)
    measure = real + jnp.abs(gamma * real - fake)
    return real - k * fake, {'real': real, 'fake': fake, 'k': k, 'M': measure}

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, k: Carry) -> tuple[Array, Scalars]:
    return losses(nets, batch, drawn)[1], {}

  def losses(nets: Bound, batch: Batch, drawn: Drawn) -> tuple[Array, Array]:
    seen = energy.energies(nets, batch, drawn, energy.absolute)
    return jnp.mean(seen.real), jnp.mean(seen.fake)

  def advance(k: Carry, scalars: Scalars) -> Carry:
    return jnp.clip(k + lambda_k * (gamma * scalars['D/real'] - scalars['D/fake']), 0.0, 1.0)

  return Objective({'D': d_loss, 'G': g_loss}, lambda: jnp.zeros(()), advance, noise(prior))
