"""VEEGAN (Srivastava et al. 2017): a reconstructor F of the noise keeps G from dropping modes."""

import jax
import jax.numpy as jnp

from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Key, Objective, Scalars, logit
from gan_jax.objectives.bigan import inferred
from gan_jax.ops import random
from gan_jax.pairs import Pair
from gan_jax.priors import Prior


def veegan(prior: Prior, *, pair: Pair, weight: float = 1.0) -> Objective:
  """Algorithm 1, with the pair 'log_ratio': three players, D(x, z), G and F.

  D estimates log q(x, z) / p(x, z), so the fake pair is the positive one:
    D pays  -<log s(D(G(z), z))> - <log(1 - s(D(x, F(x))))>,
    G pays  <D(G(z), z)> + <||z - F(G(z))||^2>,
    F pays  <||z - F(G(z))||^2> alone (the authors' notebook adds <D(x, F(x))>, of the other sign).
  Our pairs call the real one positive: they are given -D. `weight` multiplies what G pays for z.
  """

  def draw(batch: Batch, key: Key) -> Drawn:
    """z, the noise of F(x) and F(G(z)), and keys for G, F(x), F(G(z)) and the two of D."""
    k_z, k_x, k_fake, *keys = jax.random.split(key, 8)
    z = prior(k_z, len(batch['image']))
    return z, random.normal(k_x, z.shape), random.normal(k_fake, z.shape), *keys

  def judged(nets: Bound, batch: Batch, drawn: Drawn) -> tuple[Array, Array]:
    """-D(x, F(x)), -D(G(z), z)."""
    z, noise, _, k_g, k_x, _, k_real, k_fake = drawn
    x = batch['image']
    r = nets.D(x, inferred(nets.F(x, key=k_x), noise), key=k_real)
    f = nets.D(nets.G(z, key=k_g), z, key=k_fake)
    return -logit(r), -logit(f)

  def reconstruction(nets: Bound, drawn: Drawn) -> Array:
    """<||z - F(G(z))||^2>."""
    z, _, noise, k_g, _, k_f, _, _ = drawn
    code = inferred(nets.F(nets.G(z, key=k_g), key=k_f), noise)
    return jnp.mean(jnp.sum((z - code) ** 2, axis=1))

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    r, f = judged(nets, batch, drawn)
    return pair.d(r, f), {'real': jnp.mean(r), 'fake': jnp.mean(f)}

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    return pair.g(*judged(nets, batch, drawn)) + weight * reconstruction(nets, drawn), {}

  def f_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    return reconstruction(nets, drawn), {}

  return Objective({'D': d_loss, 'G': g_loss, 'F': f_loss}, draw=draw)
