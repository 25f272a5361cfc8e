"""LAPGAN's game at one level of the pyramid (Denton et al. 2015, section 2.3)."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Objective, Scalars, logit
from gan_jax.objectives.gan import Told, count, look, no_rounds, noise, penalised
from gan_jax.pairs import Pair
from gan_jax.penalties import Penalty
from gan_jax.priors import Prior


def lapgan(
  prior: Prior, *, pair: Pair, penalties: Sequence[Penalty] = (), told: Sequence[str] = ()
) -> Objective:
  """G makes an image of its coarse version l, the column 'source'; D tells it from real ones.

  min_G max_D  E log D(h + l) + E log(1 - D(G(z, l) + l)), h + l being the real image: as in the
  authors' code D sees the sum, and here G is the network that returns it. Both are besides told the
  columns `told`, e.g. ('label',): G(z, l, label), D(x, label).

  Of a batch of B examples the first B/2 are D's real ones, the coarse versions of the others what
  its fakes are made of, so that D never sees a fake beside the very image it came from; G learns
  from all B. The carry counts rounds.
  """
  penalise = penalised(penalties)

  def y(batch: Batch) -> Told:
    return tuple(batch[name] for name in told)

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    z, k_g, k_real, k_fake, k_terms = drawn
    half = len(z) // 2
    first, last = ({n: a[i : i + half] for n, a in batch.items()} for i in (0, half))
    real, fake = first['image'], nets.G(z[half : 2 * half], last['source'], *y(last), key=k_g)
    r = logit(nets.D(real, *y(first), key=k_real))
    f = logit(nets.D(fake, *y(last), key=k_fake))
    D = lambda x, key: logit(nets.D(x, *y(first), key=key))
    keys = jax.random.split(k_terms, max(len(penalties), 1))[: len(penalties)]
    paid, terms = penalise(D, real, fake, rounds, keys)
    return pair.d(r, f) + paid, {'real': jnp.mean(r), 'fake': jnp.mean(f), **terms}

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    _, _, r, f = look(nets, batch, drawn, (batch['source'], *y(batch)), y(batch))
    return pair.g(logit(r), logit(f)), {}

  return Objective({'D': d_loss, 'G': g_loss}, no_rounds, count, noise(prior))
