"""How near translations come to the one right answer, where held-out pairs say what it is.

All numbers are of images in [0, 1]; beside those of G stand those of doing nothing and of always
giving the mean image, which a translation should beat.
"""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from gan_jax.data.outlines import outlined
from gan_jax.sampling import Sampler


def errors(found: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
  """f[N,H,W,C] twice, in [0, 1] -> 'l1', the mean absolute difference, and 'psnr' in dB.

  The PSNR is 10 log10(1 / MSE) of each image, and then the mean; an MSE below 1e-10 counts as that.
  """
  difference = np.asarray(found, np.float64) - np.asarray(wanted, np.float64)
  square = np.mean(difference**2, axis=tuple(range(1, difference.ndim)))
  return {
    'l1': float(np.mean(np.abs(difference))),
    'psnr': float(np.mean(-10 * np.log10(np.maximum(square, 1e-10)))),
  }


def reconstruction(
  sampler: Sampler, source: Callable, key: jax.Array, *, split: str = 'val', n: int = 200
) -> Mapping[str, float]:
  """The eval: G(source) against the 'image' beside it, on the first n pairs of split `split`.

  {'l1', 'psnr'} of G; with '_mean' after them those of the mean of up to 1,000 training images;
  with '_identity' those of the source itself, where it has as many channels.
  """
  held = source(split).arrays
  x, y = (sampler.see(np.asarray(held[column][:n])) for column in ('source', 'image'))
  wanted = sampler.unit(y)
  given = {'': sampler.unit(sampler.generate(x))}
  train = sampler.see(np.asarray(source().arrays['image'][:1000]))
  given['_mean'] = np.broadcast_to(np.mean(sampler.unit(train), axis=0), wanted.shape)
  if x.shape == y.shape:
    given['_identity'] = sampler.unit(x)
  return {
    f'{measure}{whose}': value
    for whose, found in given.items()
    for measure, value in errors(found, wanted).items()
  }


def coupling(
  sampler: Sampler, source: Callable, key: jax.Array, *, n: int = 500
) -> Mapping[str, float]:
  """The eval, for a generator of pictures (domain 0) and of their outlines (domain 1).

  'l1': E |outlines(G(z, 0)) - G(z, 1)| over n draws of z; 'l1_shuffled': the same with the outlines
  of other draws, which is what a generator would have that couples nothing.
  """
  z = sampler.prior(key, n)  # type: ignore[misc]
  of = lambda domain: sampler.generate(z, np.full(n, domain, np.int32))
  lines, drawn = outlined(sampler.display(of(0))) / 255, sampler.unit(of(1))
  return {
    'l1': errors(lines, drawn)['l1'],
    'l1_shuffled': errors(np.roll(lines, 1, axis=0), drawn)['l1'],
  }
