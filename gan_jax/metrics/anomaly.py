"""Anomalies: images that the generator cannot make are unlike those it was trained on."""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.latent import fit
from gan_jax.sampling import Sampler


def anomaly(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  split: str = 'test',
  most: int = 1000,
  steps: int = 500,
  restarts: int = 3,
  learning_rate: float = 0.1,
  features: float = 0.1,
) -> Mapping[str, float]:
  """How well AnoGAN's score tells the classes that a source `without` left out from the others.

  'auroc': the chance that an image of a class left out has the larger error, of two at random; 0.5
  is to know nothing. 'nearest': the same by the distance to the nearest training image (L1 in what
  the networks see), which needs no generator. 'usual' and 'unusual' are the mean errors. On the
  first `most` images of `split`; the other options are those of `latent.fit`.
  """
  from sklearn.metrics import roc_auc_score
  from sklearn.neighbors import NearestNeighbors

  train, asked = source(), source(split)
  if not (left_out := asked.meta.get('left_out')):
    raise InputError(f"anomalies need data=dict(name='without', ...), not {asked.meta['name']}.")
  unusual = np.isin(asked.arrays['label'][:most], left_out)
  x = sampler.see(asked.arrays['image'][:most])
  how = dict(steps=steps, restarts=restarts, learning_rate=learning_rate, features=features)
  error = fit(sampler, x, key, **how).error  # type: ignore[arg-type]
  flat = lambda images: np.asarray(images).reshape(len(images), -1)
  known = NearestNeighbors(n_neighbors=1, metric='manhattan')
  known.fit(flat(sampler.see(train.arrays['image'])))
  return {
    'auroc': float(roc_auc_score(unusual, error)),
    'nearest': float(roc_auc_score(unusual, known.kneighbors(flat(x))[0][:, 0])),
    'usual': float(np.mean(error[~unusual])),
    'unusual': float(np.mean(error[unusual])),
  }
