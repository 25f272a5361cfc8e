"""Critics that are autoencoders: an image's energy is the error with which D reconstructs it.

What EBGAN and BEGAN share. D returns the reconstruction, or a dict whose 'image' is.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp

from gan_jax.game import Array, Batch, Bound, Drawn
from gan_jax.objectives.gan import look

Error = Callable[[Array, Array], Array]  # (x, its reconstruction) f32[B,...] -> f32[B]


class Energies(NamedTuple):
  """What both players see of a round."""

  real: Array  # of x, f32[B]
  fake: Array  # of G(z), f32[B]
  of_fake: Any  # all that D returned of G(z)


def energies(nets: Bound, batch: Batch, drawn: Drawn, error: Error) -> Energies:
  """The energies of real images and of fakes, with what `objectives.gan.noise` drew."""
  real, fake, of_real, of_fake = look(nets, batch, drawn)
  return Energies(error(real, image(of_real)), error(fake, image(of_fake)), of_fake)


def euclidean(x: Array, reconstruction: Array) -> Array:
  """||x - y||, f32[B]; 1e-12 under the root keeps its gradient finite at 0."""
  square = (x - reconstruction) ** 2
  return jnp.sqrt(jnp.sum(square, axis=tuple(range(1, x.ndim))) + 1e-12)


def absolute(x: Array, reconstruction: Array) -> Array:
  """The mean over pixels of |x - y|, f32[B]."""
  return jnp.mean(jnp.abs(x - reconstruction), axis=tuple(range(1, x.ndim)))


def image(out: Any) -> Array:
  """The reconstruction f32[B,...] in what D returns."""
  return out['image'] if isinstance(out, Mapping) else out
