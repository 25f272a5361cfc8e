"""pix2pix (Isola et al. 2017): a conditional GAN and an L1 distance to the one right answer."""

import jax
import jax.numpy as jnp

from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Key, Objective, Scalars, logit
from gan_jax.objectives.translation import l1
from gan_jax.pairs import Pair


def pix2pix(*, pair: Pair, weight: float = 100.0, d_weight: float = 0.5) -> Objective:
  """G* = arg min_G max_D L_cGAN(G, D) + lambda L_L1(G) (eq. 4); the batch is {'source', 'image'}.

  G(x) is to be the image y that belongs to the source x; D judges (y, x) and (G(x), x). There is no
  z: the noise is G's dropout. `weight` is lambda; `d_weight` halves what D pays, which slows it
  down beside G (their section 3.3).
  """

  def draw(batch: Batch, key: Key) -> Drawn:
    """Keys for G, D(y, x) and D(G(x), x)."""
    del batch
    return tuple(jax.random.split(key, 3))

  def play(nets: Bound, batch: Batch, drawn: Drawn) -> tuple[Array, Array, Array]:
    """One forward pass, the same for both players: G(x), D(y, x), D(G(x), x)."""
    k_g, k_real, k_fake = drawn
    x, y = batch['source'], batch['image']
    fake = nets.G(x, key=k_g)
    return fake, logit(nets.D(y, x, key=k_real)), logit(nets.D(fake, x, key=k_fake))

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    _, r, f = play(nets, batch, drawn)
    return d_weight * pair.d(r, f), {'real': jnp.mean(r), 'fake': jnp.mean(f)}

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    fake, r, f = play(nets, batch, drawn)
    distance = l1(fake, batch['image'])
    return pair.g(r, f) + weight * distance, {'l1': distance}

  return Objective({'D': d_loss, 'G': g_loss}, draw=draw)
