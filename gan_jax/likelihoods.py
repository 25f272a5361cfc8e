"""Decoders as distributions: log p(x|z) of an image under G(z), and Gaussians over codes.

A likelihood maps images x and what G makes of codes, both f32[B,...], to f32[B], in nats: the sum
over an image's pixels. A Gaussian q(z|x) is {'mean', 'log_variance'}, f32[B,Z] each, as
`nets.encoders.Gaussian` returns it. Equations are those of Kingma & Welling 2014.
"""

import math
from collections.abc import Callable, Mapping

import jax.numpy as jnp

from gan_jax.game import Array

Likelihood = Callable[[Array, Array], Array]  # (x, G(z)) -> log p(x|z) f32[B]

EDGE = 1e-7  # float32's sigmoid is 1 from a logit of 17 on, and the log of 0 is infinite


def bernoulli() -> Likelihood:
  """A pixel is 1 with probability G(z), a sigmoid's output (app. C.1); x in [0, 1].

  Probabilities are taken to be no nearer to 0 and 1 than 1e-7: a pixel costs 16 nats at most.
  """

  def log_p(x: Array, p: Array) -> Array:
    p = jnp.clip(p, EDGE, 1 - EDGE)
    return total(x * jnp.log(p) + (1 - x) * jnp.log1p(-p))

  return log_p


def gaussian(sigma: float = 1.0) -> Likelihood:
  """A pixel is N(G(z), sigma^2) (app. C.2, with one sigma for all pixels)."""

  def log_p(x: Array, mean: Array) -> Array:
    constant = jnp.log(sigma) + math.log(2 * math.pi) / 2
    return -total(((x - mean) / sigma) ** 2 / 2 + constant)

  return log_p


def kl(q: Mapping[str, Array]) -> Array:
  """KL(q(z|x) || N(0, I)), f32[B], in nats (app. B)."""
  mean, log_variance = q['mean'], q['log_variance']
  return total(mean**2 + jnp.exp(log_variance) - 1 - log_variance) / 2


def code(q: Mapping[str, Array], noise: Array) -> Array:
  """z ~ q(z|x) for noise ~ N(0, I), f32[B,Z], differentiable with respect to q (section 2.4)."""
  return q['mean'] + jnp.exp(q['log_variance'] / 2) * noise


def total(x: Array) -> Array:
  """The sum over all axes but the first: f32[B,...] -> f32[B]."""
  return jnp.sum(x, axis=tuple(range(1, x.ndim)))
