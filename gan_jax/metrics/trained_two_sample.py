"""Can a classifier be trained to tell samples from real images (Lopez-Paz & Oquab 2017)?

Half of both is what it learns from; its accuracy on the other half is 1/2 if they are of one
distribution, and normal about it with variance 1 / (4 N) of N images: the p-value is the chance of
as high a one.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.metrics import pairwise
from gan_jax.metrics.look import look
from gan_jax.metrics.nearest import nearest
from gan_jax.sampling import Sampler

# (features f[n,D], whether they are real i[n], features f[m,D], seed) -> which of these are, i[m]
Classifier = Callable[[np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]


class Told(NamedTuple):
  """How well the two are told apart."""

  accuracy: float  # on the half that was not learnt from
  stderr: float  # of it, were they of one distribution
  p: float  # one-sided


def net(known: np.ndarray, real: np.ndarray, asked: np.ndarray, seed: int) -> np.ndarray:
  """One hidden layer of 20 ReLUs, 100 epochs of Adam, as in the paper (C2ST-NN).

  At its usual rate, 0.001, in minibatches of up to 200.
  """
  from sklearn.neural_network import MLPClassifier

  # It is 100 epochs whatever the loss does.
  made = MLPClassifier((20,), alpha=0, max_iter=100, n_iter_no_change=100, random_state=seed)
  return _quietly(made.fit, known, real).predict(asked)


def neighbours(known: np.ndarray, real: np.ndarray, asked: np.ndarray, seed: int) -> np.ndarray:
  """The vote of the sqrt(n) nearest, as in the paper (C2ST-KNN); the seed is not used."""
  k = int(len(known) ** 0.5)
  votes = np.asarray(real)[nearest(asked, known, k).row].sum(axis=1)
  return (2 * votes > k).astype(int)


def linear(known: np.ndarray, real: np.ndarray, asked: np.ndarray, seed: int) -> np.ndarray:
  """Logistic regression on standardised features: what can be seen without a hidden layer."""
  from sklearn.linear_model import LogisticRegression
  from sklearn.pipeline import make_pipeline
  from sklearn.preprocessing import StandardScaler

  made = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
  return _quietly(made.fit, known, real).predict(asked)


def told_apart(
  fake: np.ndarray, real: np.ndarray, classifier: Classifier = net, seed: int = 0
) -> Told:
  """Features fake f[N,D], real f[M,D] -> Told. InputError if there are fewer than 2 of either."""
  from scipy.stats import norm

  fake, real = pairwise.flat(fake, 'samples'), pairwise.flat(real, 'real images')
  if min(len(fake), len(real)) < 2:
    raise InputError(f'{len(fake)} samples and {len(real)} images are too few to learn from.')
  order = np.random.default_rng(seed).permutation(len(fake) + len(real))
  x = np.concatenate([fake, real])[order]
  kind = np.repeat([0, 1], [len(fake), len(real)])[order]
  half = len(x) // 2
  right = classifier(x[:half], kind[:half], x[half:], seed) == kind[half:]
  accuracy, deviation = float(np.mean(right)), float(np.sqrt(0.25 / len(right)))
  return Told(accuracy, deviation, float(norm.sf((accuracy - 0.5) / deviation)))


CLASSIFIERS: dict[str, Classifier] = {'net': net, 'neighbours': neighbours, 'linear': linear}


def trained_two_sample(
  sampler: Sampler,
  source: Callable,
  key: jax.Array,
  *,
  features: Any = 'classifier',
  n: int = 10_000,
  split: str = 'test',
  classifier: str = 'net',
  seed: int = 0,
) -> Mapping[str, Any]:
  """The eval {'trained_two_sample', 'stderr', 'p'}: the accuracy, on n samples and n of a split.

  Or on as many as the split has. `classifier` is 'net', 'neighbours' or 'linear'.
  """
  if classifier not in CLASSIFIERS:
    raise InputError(f'classifier={classifier!r}: it is one of {", ".join(CLASSIFIERS)}.')
  n = min(n, len(source(split)))
  a = look(sampler, source, key, features=features, n=n, split=split)
  found = told_apart(a.fake.features, a.real.features, CLASSIFIERS[classifier], seed)
  protocol = {**a.protocol, 'classifier': classifier}
  return {'trained_two_sample': found.accuracy, 'stderr': found.stderr, 'p': found.p,
          'protocol': protocol}  # fmt: skip


def _quietly(fit: Callable, *data: np.ndarray) -> Any:
  """Fits on one core, and does not say that it might have gone on.

  Its products are so small that threads wait for one another ten times as long as they work.
  """
  import warnings

  from sklearn.exceptions import ConvergenceWarning
  from threadpoolctl import threadpool_limits  # scikit-learn's own

  with warnings.catch_warnings(), threadpool_limits(1):
    warnings.simplefilter('ignore', ConvergenceWarning)
    return fit(*data)
