"""AM-GAN (Zhou et al. 2018): D has K classes and one more, 'fake'; G aims at one class at a time.

D's head 'classes' has K + 1 logits, of which the last is for fakes, and there is no other verdict.
"""

from collections.abc import Callable

import jax.numpy as jnp

from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Objective, Scalars, head
from gan_jax.objectives.acgan import accuracy, cross_entropy
from gan_jax.objectives.gan import Told, look, noise
from gan_jax.priors import Prior


def amgan(prior: Prior) -> Objective:
  """G is told no class: a fake is to be of the real class that D finds it most like.

  The paper's dynamic labelling. D pays CE(D(x), y) + CE(D(G(z)), K), G pays
  CE(D(G(z)), argmax_{k<K} D(G(z))_k); the batch is {'image', 'label'}.
  """
  return _amgan(prior, lambda batch: (), lambda logits, batch: jnp.argmax(logits[:, :-1], axis=-1))


def predefined(prior: Prior) -> Objective:
  """G is told the class it is to draw, as in AC-GAN, and pays CE(D(G(z, y)), y)."""
  return _amgan(prior, lambda batch: (batch['label'],), lambda logits, batch: batch['label'])


def _amgan(
  prior: Prior, to_g: Callable[[Batch], Told], aim: Callable[[Array, Batch], Array]
) -> Objective:
  def play(nets: Bound, batch: Batch, drawn: Drawn) -> tuple[Array, Array]:
    """The logits of real images and of fakes, f32[B,K+1]."""
    _, _, of_real, of_fake = look(nets, batch, drawn, to_g=to_g(batch))
    return head(of_real, 'classes'), head(of_fake, 'classes')

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    (r, f), y = play(nets, batch, drawn), batch['label']
    fake = jnp.full_like(y, f.shape[-1] - 1)
    told, caught = cross_entropy(r, y), cross_entropy(f, fake)
    return told + caught, {'real': told, 'fake': caught, 'accuracy': accuracy(r, y)}

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    _, f = play(nets, batch, drawn)
    return cross_entropy(f, aim(f, batch)), {}

  return Objective({'D': d_loss, 'G': g_loss}, draw=noise(prior))
