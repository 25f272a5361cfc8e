"""Text to image (Reed et al. 2016): D judges an image and its caption together.

The batch has 'image' f32[B,H,W,C] and 'text' f32[B,T], the caption's embedding t by an encoder that
is not trained here. Written for any pair; with `nonsaturating` they are the paper's.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Objective, Scalars, logit
from gan_jax.objectives.gan import count, no_rounds, noise, penalised
from gan_jax.pairs import Pair
from gan_jax.penalties import Penalty
from gan_jax.priors import Prior


def gan_cls(
  prior: Prior, *, pair: Pair, penalties: Sequence[Penalty] = (), wrong: float = 0.5
) -> Objective:
  """GAN-CLS, Algorithm 1: D must also refuse real images that do not fit the caption.

  With s_r = D(x, t), s_w = D(x', t), s_f = D(G(z, t), t) and x' an image of another caption, D's
  cost is -log s_r - (log(1 - s_w) + log(1 - s_f)) / 2, G's is -log s_f; `wrong` is the weight
  of the first of the two, 1 - `wrong` that of the second. The carry counts rounds.
  """
  return _told_in_words(prior, pair, penalties, wrong, lambda text: text)


def gan_int(
  prior: Prior, *, pair: Pair, penalties: Sequence[Penalty] = (), wrong: float = 0.5
) -> Objective:
  """GAN-INT-CLS (eq. 5 with beta = 1/2): G is also asked for what lies between two captions.

  G's batch is half as large again: the B captions, and the B/2 means of one of the first half and
  one of the second, all with the same weight, as in the authors' code. With wrong=0, GAN-INT alone.
  """
  return _told_in_words(prior, pair, penalties, wrong, with_midpoints)


def with_midpoints(text: Array) -> Array:
  """t f32[B,T] -> f32[B+B/2,T]: t_i, and (t_i + t_j) / 2 with j = i + B/2."""
  half = len(text) // 2
  return jnp.concatenate([text, (text[:half] + text[half : 2 * half]) / 2])


def mismatched(text: Array) -> Array:
  """t f32[B,T] -> i32[B]: for each caption the next in the batch that is another.

  Where all are the same, simply the next. The batch's order is random already, so no key is needed.
  """
  n = len(text)
  at = jnp.arange(n)
  ahead = (at[:, None] + jnp.arange(1, n)[None]) % n
  differs = jnp.any(text[ahead] != text[:, None], axis=-1)
  return ahead[at, jnp.argmax(differs, axis=1)]


def _told_in_words(
  prior: Prior,
  pair: Pair,
  penalties: Sequence[Penalty],
  wrong: float,
  asked: Callable[[Array], Array],
) -> Objective:
  """`asked` makes of a batch's B captions the M >= B that G is asked for, first those very B."""
  penalise = penalised(penalties)

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    z, k_g, k_real, k_fake, k_last = drawn
    x, t = batch['image'], batch['text']
    fake = nets.G(z[: len(t)], t, key=k_g)
    k_wrong, *k_terms = jax.random.split(k_last, 1 + len(penalties))
    looks = ((x, k_real), (x[mismatched(t)], k_wrong), (fake, k_fake))
    r, w, f = (logit(nets.D(image, t, key=k)) for image, k in looks)
    D = lambda x, key: logit(nets.D(x, t, key=key))
    paid, terms = penalise(D, x, fake, rounds, k_terms)
    told = {'real': jnp.mean(r), 'wrong': jnp.mean(w), 'fake': jnp.mean(f)}
    return wrong * pair.d(r, w) + (1 - wrong) * pair.d(r, f) + paid, {**told, **terms}

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    z, k_g, k_real, k_fake, _ = drawn
    x, t = batch['image'], asked(batch['text'])
    f = logit(nets.D(nets.G(z, t, key=k_g), t, key=k_fake))
    r = logit(nets.D(x, batch['text'], key=k_real))
    return pair.g(jnp.concatenate([r, r[: len(f) - len(r)]]), f), {}

  draw = noise(prior)
  enough = lambda batch: {'image': asked(batch['text'])}  # `noise` counts what there is to make
  return Objective(
    {'D': d_loss, 'G': g_loss}, no_rounds, count, lambda batch, key: draw(enough(batch), key)
  )
