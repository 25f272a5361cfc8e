"""Latent fitting: the z of which a trained generator makes an image that is given.

AnoGAN (Schlegl et al. 2017) looks for it by descent from random starts, and takes what is left over
as a measure of how unusual the image is; iGAN (Zhu et al. 2016) starts from an encoder's guess.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.errors import InputError
from gan_jax.game import Array, Key
from gan_jax.sampling import Sampler, in_chunks


class Fit(NamedTuple):
  """What was found for N images."""

  z: np.ndarray  # f32[N,Z]
  image: np.ndarray  # f32[N,...], G(z), in the networks' range
  error: np.ndarray  # f32[N], what the search minimised: AnoGAN's anomaly score A(x)


def fit(
  sampler: Sampler,
  images: Any,
  key: Key,
  *,
  given: Sequence[Any] = (),
  start: Any = None,
  steps: int = 500,
  restarts: int = 3,
  learning_rate: float = 0.1,
  features: float = 0.1,
  critic: str = 'D',
  chunk: int = 50,
) -> Fit:
  """min_z (1 - lambda) |x - G(z)|_1 + lambda |f(x) - f(G(z))|_1, AnoGAN's eqs. 2, 4 and 5, by Adam.

  Args:
    sampler: of the trained game.
    images: f32[N,...] in the range that the networks see, as `sampler.see` gives them.
    key: of the random starts, drawn from the prior.
    given: what G takes besides z and `critic` besides the image, each [N,...], e.g. labels.
    start: z f32[N,Z] to begin with in place of one of the random starts, e.g. an encoder's guess.
    steps: moves from each start; the step size falls to 0 along a cosine.
    restarts: starts for each image, of which the one that ends best is taken.
    learning_rate: of Adam, at first.
    features: lambda. With 0 no critic is asked.
    critic: the network whose 'features' f are compared: one with heads=dict(...).
    chunk: images at a time.

  Raises:
    InputError: G takes no z, or the critic tells no features.
  """
  if sampler.prior is None:
    raise InputError('this generator takes no z of which an image could be made again.')
  x = np.asarray(images, np.float32)
  G = sampler.function('G')
  f = _features(sampler, critic, x, given) if features else None
  z0 = np.array(sampler.prior(key, len(x) * restarts)).reshape(len(x), restarts, -1)
  if start is not None:
    z0[:, 0] = start
  errors = _errors(G, f, features)

  @jax.jit
  def search(x: Array, z0: Array, *y: Array) -> Array:
    """[n,...], f32[n,R,Z] -> f32[n,Z+1]: the best z and its error."""
    n, tries, dim = z0.shape
    wide = [jnp.repeat(a, tries, axis=0) for a in (x, *y)]
    tx = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))
    slope = jax.grad(lambda z: jnp.sum(errors(z, *wide)))

    def move(z_opt, _):
      z, opt = z_opt
      updates, opt = tx.update(slope(z), opt)
      return (optax.apply_updates(z, updates), opt), None

    z = z0.reshape(n * tries, dim)
    (z, _), _ = jax.lax.scan(move, (z, tx.init(z)), None, length=steps)
    found = errors(z, *wide).reshape(n, tries)
    best = jnp.argmin(found, axis=1), jnp.arange(n)
    z = z.reshape(n, tries, dim)[best[1], best[0]]
    return jnp.concatenate([z, found[best[1], best[0]][:, None]], axis=1)

  out = in_chunks(search, min(chunk, len(x)), x, z0, *given)
  z = out[:, :-1]
  return Fit(z, sampler.generate(z, *given), out[:, -1])


def _errors(G: Callable, f: Callable | None, share: float) -> Callable[..., Array]:
  """(z f32[M,Z], x, *given) -> the error of each, f32[M]."""
  apart = lambda a, b: jnp.sum(jnp.abs(a - b).reshape(len(a), -1), axis=1)

  def errors(z: Array, x: Array, *y: Array) -> Array:
    made = G(z, *y)
    if f is None:
      return apart(x, made)
    return (1 - share) * apart(x, made) + share * apart(f(x, *y), f(made, *y))

  return errors


def _features(sampler: Sampler, critic: str, x: np.ndarray, given: Sequence[Any]) -> Callable:
  """The critic's last layer as a function of images; BatchNorm has the statistics of these."""
  D = sampler.function(critic, x, *given)
  out = jax.eval_shape(D, x[:1], *(a[:1] for a in given))
  if not isinstance(out, Mapping) or 'features' not in out:
    raise InputError(
      f'{critic} tells its verdict alone, no features: train it with nets.{critic}.heads=dict(), '
      'or compare pixels only, with features=0.'
    )
  return lambda *inputs: D(*inputs)['features']
