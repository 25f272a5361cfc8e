"""The bound on the log-likelihood of images that were held out, for games with an encoder.

Kingma & Welling 2014, eq. 10, with one code for each image: an unbiased estimate of L. What E and
G see is what they saw in training, binarised once at random if the transform binarises.
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import likelihoods
from gan_jax.likelihoods import Likelihood
from gan_jax.sampling import Sampler


def bernoulli(
  sampler: Sampler, source: Callable, key: jax.Array, *, split: str = 'test', n: int = 10_000
) -> Mapping[str, float]:
  """The eval for decoders of probabilities, on the first n images of a split.

  {'bound', its standard error 'stderr', and its terms 'likelihood' and 'kl'}, nats per image.
  """
  return bound(likelihoods.bernoulli(), sampler, source(split).arrays['image'][:n], key)


def gaussian(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  sigma: float,
  split: str = 'test',
  n: int = 10_000,
) -> Mapping[str, float]:
  """The same for decoders of means, with the sigma of the objective's likelihood."""
  return bound(likelihoods.gaussian(sigma), sampler, source(split).arrays['image'][:n], key)


def bound(
  likelihood: Likelihood, sampler: Sampler, images: np.ndarray, key: jax.Array
) -> Mapping[str, float]:
  """The bound and its terms on images as stored, uint8[N,H,W,C]."""
  x = sampler.see(images)
  look = lambda name: jnp.asarray(sampler.apply('E', x, output=name))
  q = {name: look(name) for name in ('mean', 'log_variance')}
  noise = jax.random.normal(key, q['mean'].shape)
  drawn = sampler.generate(np.asarray(likelihoods.code(q, noise)))
  likely, kl = _log_p(likelihood, x, drawn), np.asarray(likelihoods.kl(q), np.float64)
  each = likely - kl
  return dict(
    bound=float(np.mean(each)),
    stderr=float(np.std(each) / np.sqrt(len(each))),
    likelihood=float(np.mean(likely)),
    kl=float(np.mean(kl)),
  )


def _log_p(likelihood: Likelihood, x: np.ndarray, drawn: np.ndarray, block: int = 1000):
  """log p(x|z) f64[N], in blocks."""
  parts = [
    likelihood(jnp.asarray(x[i : i + block]), jnp.asarray(drawn[i : i + block]))
    for i in range(0, len(x), block)
  ]
  return np.concatenate([np.asarray(part, np.float64) for part in parts])
