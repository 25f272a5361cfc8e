"""EBGAN (Zhao, Mathieu & LeCun 2017): D is an autoencoder, its error an energy with a margin."""

import jax.numpy as jnp
from jax.nn import relu

from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Objective, Scalars
from gan_jax.objectives import energy
from gan_jax.objectives.gan import noise
from gan_jax.priors import Prior


def ebgan(prior: Prior, *, margin: float = 10.0, pulling_away: float = 0.0) -> Objective:
  """D pays R(x) + [m - R(G(z))]+, G pays R(G(z)) and `pulling_away` times the term below.

  Their eqs. 1 and 2, with R(v) = ||Dec(Enc(v)) - v||. `margin` is m, in units of that norm: it
  grows with the square root of the number of pixels. EBGAN-PT has pulling_away=0.1. D returns
  {'image', 'code'}, as those of `nets.autoencoder` do.
  """

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    seen = energy.energies(nets, batch, drawn, energy.euclidean)
    real, fake = jnp.mean(seen.real), jnp.mean(seen.fake)
    return real + jnp.mean(relu(margin - seen.fake)), {'real': real, 'fake': fake}

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    seen = energy.energies(nets, batch, drawn, energy.euclidean)
    alike = similarity(seen.of_fake['code'])
    return jnp.mean(seen.fake) + pulling_away * alike, {'similarity': alike}

  return Objective({'D': d_loss, 'G': g_loss}, draw=noise(prior))


def similarity(codes: Array) -> Array:
  """The pulling-away term of codes S, f32[B,...] -> f32[]: 1 if all lie on a line (section 2.4).

  1 / (N (N - 1)) times the sum over pairs i != j of cos(S_i, S_j)^2.
  """
  s = codes.reshape(len(codes), -1)
  s = s / jnp.sqrt(jnp.sum(s**2, axis=1, keepdims=True) + 1e-12)
  n = len(s)
  cosines = s @ s.T
  return (jnp.sum(cosines**2) - jnp.sum(jnp.diagonal(cosines) ** 2)) / (n * (n - 1))
