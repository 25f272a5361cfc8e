"""Improved GAN (Salimans et al. 2016): feature matching, and a discriminator that is a classifier.

A classifier of K classes with logits l(x) becomes a discriminator by one class more, "generated",
whose logit is held at 0 (their section 5): D(x) = Z(x) / (Z(x) + 1) with Z(x) = sum_k exp l_k(x),
so that the logit of D is log Z(x) = LSE(l(x)).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.nn import logsumexp

from gan_jax.errors import InputError
from gan_jax.game import Array, Batch, Bound, Carry, Drawn, Key, Loss, Objective, Scalars, head
from gan_jax.objectives.gan import gan, look
from gan_jax.pairs import Pair
from gan_jax.penalties import Penalty
from gan_jax.priors import Prior


def semi_supervised(
  prior: Prior,
  *,
  pair: Pair,
  penalties: Sequence[Penalty] = (),
  d_weight: float = 0.5,
  match: Loss | None = None,
) -> Objective:
  """D pays L_supervised + d_weight·pair.d(LSE(l(x)), LSE(l(G(z)))); G pays pair.g, or `match`.

  With the minimax pair these are section 5's costs as the authors' code has them,

    L_supervised = E[LSE(l(x)) - l_y(x)],
    L_unsupervised = E[softplus(-LSE(l(x)))] / 2 + E[softplus(LSE(l(G(z))))] / 2,

  and pair.g is -E[softplus(LSE(l(G(z))))], with which they train where D discriminates minibatches.
  The batch is {'image' (unlabelled), 'labelled', 'known'}, as data/labelled.py makes it; D has
  heads=dict(classes=K). With d_weight=0 D is a classifier trained on the labelled images alone.
  Logged: the supervised cost, and D's error on the labelled images as it sees them.
  """
  base = gan(prior, pair=pair, penalties=penalties, d_weight=d_weight)

  def draw(batch: Batch, key: Key) -> Drawn:
    """What the game draws, and a key for D(labelled)."""
    k_game, k_labelled = jax.random.split(key)
    return base.draw(batch, k_game), k_labelled

  def d_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    of_game, k_labelled = drawn
    cost, scalars = base.losses['D'](as_critic(nets), batch, of_game, rounds)
    classes, y = head(nets.D(batch['labelled'], key=k_labelled), 'classes'), batch['known']
    right = jnp.take_along_axis(classes, y[:, None], axis=1)[:, 0]
    supervised = jnp.mean(logsumexp(classes, axis=1) - right)
    error = jnp.mean(jnp.argmax(classes, axis=1) != y)
    return supervised + cost, {'supervised': supervised, 'error': error, **scalars}

  def g_loss(nets: Bound, batch: Batch, drawn: Drawn, rounds: Carry) -> tuple[Array, Scalars]:
    return (match or base.losses['G'])(as_critic(nets), batch, drawn[0], rounds)

  return base._replace(losses={'D': d_loss, 'G': g_loss}, draw=draw)


def feature_matching(
  prior: Prior,
  *,
  pair: Pair,
  penalties: Sequence[Penalty] = (),
  d_weight: float = 1.0,
  flips: float = 0.0,
  layer: int = -1,
  power: int = 2,
) -> Objective:
  """D pays as in `gan`; G's images are to have the features of real ones, by `matching`."""
  base = gan(prior, pair=pair, penalties=penalties, d_weight=d_weight, flips=flips)
  return base._replace(losses={**base.losses, 'G': matching(layer, power)})


def matching(layer: int = -1, power: int = 2) -> Loss:
  """G's cost |E f(x) - E f(G(z))|^power, averaged over the units of f, a hidden layer of D.

  (Section 3.1, where the norm is squared and a sum over units; the authors' code for MNIST has
  power=2, that for CIFAR-10 and SVHN power=1, both the mean and the last hidden layer.) Means are
  over the minibatch of the move: a schedule (('D', 0), ('G', 1)) gives G real images of its own.
  """

  def loss(nets: Bound, batch: Batch, drawn: Drawn, carry: Carry) -> tuple[Array, Scalars]:
    _, _, real, fake = look(nets, batch, drawn)
    apart = _mean_feature(fake, layer) - _mean_feature(real, layer)
    return jnp.mean(jnp.abs(apart) ** power), {}

  return loss


def as_critic(nets: Bound) -> Bound:
  """The same networks, with LSE of D's class logits as its verdict."""

  def D(x: Array, key: Key | None = None) -> dict[str, Any]:
    out = nets.D(x, key=key)
    verdict = logsumexp(head(out, 'classes'), axis=1)
    return {**out, 'logit': verdict}

  return nets.let(D=D)


def _mean_feature(out: Any, layer: int) -> Array:
  """The mean over the minibatch of a hidden layer of D: f32[...]."""
  if not isinstance(out, Mapping) or 'hidden' not in out:
    raise InputError(
      'feature matching compares hidden layers of D, which returns a logit alone: give nets.D '
      'heads=dict(), or of classes where it has them.'
    )
  return jnp.mean(out['hidden'][layer], axis=0)
