"""AC-GAN (Odena et al. 2017): D also says which class it sees, and G is paid for being recognised.

D is told no label: it has a head 'classes' for it. G is told which class to draw.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import optax

from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Objective, Scalars, head, logit
from gan_jax.objectives.gan import count, look, no_rounds, noise, penalised
from gan_jax.pairs import Pair
from gan_jax.penalties import Penalty
from gan_jax.priors import Prior


def acgan(
  prior: Prior,
  *,
  pair: Pair,
  penalties: Sequence[Penalty] = (),
  d_real: float = 1.0,
  d_fake: float = 1.0,
  g_fake: float = 1.0,
) -> Objective:
  """D maximises L_S + L_C, G maximises L_C - L_S (eqs. 2 and 3); the batch is {'image', 'label'}.

  The pair and the penalties are L_S. L_C = E log P(C=c | x) + E log P(C=c | G(z, c)): what D pays
  for its first and its second term is multiplied by `d_real` and `d_fake`, what G pays for the
  second by `g_fake`. All are 1 in the paper; 1, 0 and 0.1 is what WGAN-GP's authors do (Gulrajani
  et al. 2017, gan_cifar_resnet.py). The carry counts rounds.
  """
  penalise = penalised(penalties)

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    y = batch['label']
    real, fake, of_real, of_fake = look(nets, batch, drawn, to_g=(y,))
    r, f = logit(of_real), logit(of_fake)
    c_real, c_fake = (cross_entropy(head(out, 'classes'), y) for out in (of_real, of_fake))
    D = lambda x, key: logit(nets.D(x, key=key))
    paid, terms = penalise(D, real, fake, rounds, jax.random.split(drawn[-1], len(penalties)))
    cost = pair.d(r, f) + d_real * c_real + d_fake * c_fake + paid
    right = accuracy(head(of_real, 'classes'), y)
    scalars = {'real': jnp.mean(r), 'fake': jnp.mean(f), 'classes': c_real, 'accuracy': right}
    return cost, {**scalars, **terms}

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    y = batch['label']
    _, _, of_real, of_fake = look(nets, batch, drawn, to_g=(y,))
    recognised = cross_entropy(head(of_fake, 'classes'), y)
    cost = pair.g(logit(of_real), logit(of_fake)) + g_fake * recognised
    return cost, {'classes': recognised}

  return Objective({'D': d_loss, 'G': g_loss}, no_rounds, count, noise(prior))


def cross_entropy(logits: Array, y: Array) -> Array:
  """-E log p(y), logits f32[B,K] and labels i32[B] -> f32[], in nats."""
  return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, y))


def accuracy(logits: Array, y: Array) -> Array:
  """The share of examples whose largest logit is that of their label: f32[]."""
  return jnp.mean(jnp.argmax(logits, axis=-1) == y, dtype=jnp.float32)
