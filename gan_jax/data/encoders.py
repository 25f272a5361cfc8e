"""From captions to embeddings: functions list[str] -> f32[N,T], for the column 'text'.

An encoder must need nothing but its config to come back when a trained generator is asked for a new
caption: so the one by default is a hash, with no vocabulary to be learnt and kept.
"""

from collections.abc import Callable, Sequence

import numpy as np

Encoder = Callable[[Sequence[str]], np.ndarray]


def hashing(dim: int = 256, words: int = 2) -> Encoder:
  """Runs of up to `words` words, hashed to `dim` signed counts (scikit-learn's HashingVectorizer).

  Scaled so that the mean square of a row is 1, as that of z ~ N(0, I) is. Order beyond a run is
  lost, and what a word means is not known: red is no nearer to crimson than to blue.
  """
  from sklearn.feature_extraction.text import HashingVectorizer  # 1 s to import

  count = HashingVectorizer(n_features=dim, ngram_range=(1, words), norm='l2')
  return lambda texts: (
    np.sqrt(dim).astype(np.float32) * count.transform(texts).toarray().astype(np.float32)
  )


def mean_of_each(encoder: Encoder, captions: Sequence[Sequence[str]]) -> np.ndarray:
  """Several captions of each image -> f32[N,T], the mean of their embeddings (Reed et al. 2016)."""
  owner = np.repeat(np.arange(len(captions)), [len(c) for c in captions])
  codes = np.asarray(encoder([text for each in captions for text in each]), np.float32)
  out = np.zeros((len(captions), codes.shape[1]), np.float32)
  np.add.at(out, owner, codes)
  return out / np.bincount(owner, minlength=len(captions)).astype(np.float32)[:, None]
