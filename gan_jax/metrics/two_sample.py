"""Can samples and images that were held out be told apart by their nearest neighbours?"""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from gan_jax.sampling import Sampler


def leave_one_out(fake: np.ndarray, real: np.ndarray) -> dict[str, float]:
  """fake, real [N,...] each -> how often an image's nearest neighbour among all is of its own kind.

  The 1-NN two-sample test (Lopez-Paz & Oquab 2017; Xu et al. 2018): 1/2 if both are drawn from one
  distribution. 'fake' near 1 and 'real' near 0 is collapse: real images are nearest to samples,
  which are nearest to each other. 'both' near 1: samples lie where no data do; near 0: they are
  copies of these very images. By Euclidean distance.
  """
  from sklearn.neighbors import NearestNeighbors  # 1 s to import

  flat = lambda x: np.asarray(x, np.float32).reshape(len(x), -1)
  both = np.concatenate([flat(fake), flat(real)])
  kind = np.repeat([0, 1], [len(fake), len(real)])
  _, found = NearestNeighbors(n_neighbors=1, algorithm='brute').fit(both).kneighbors()  # not itself
  same = kind[found[:, 0]] == kind
  of = {'fake': same[kind == 0], 'real': same[kind == 1], 'both': same}
  return {name: float(np.mean(right)) for name, right in of.items()}


def two_sample(
  sampler: Sampler, source: Callable, key: jax.Array, *, n: int = 1000, split: str = 'test'
) -> Mapping[str, float]:
  """The eval, on n samples and the first n images of a split: by pixels in [0, 1]."""
  real = sampler.unit(sampler.see(np.asarray(source(split).arrays['image'][:n])))
  return leave_one_out(sampler.unit(sampler.draw(key, len(real))), real)
