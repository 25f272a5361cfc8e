"""From captions to embeddings: functions list[str] -> f32[N,T], for the column 'text'.

An encoder must need nothing but its config to come back when a trained generator is asked for a new
caption: so the one by default is a hash, with no vocabulary to be learnt and kept.
"""

from collections.abc import Callable, Sequence

import numpy as np

from gan_jax.errors import InputError

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


def sentences(model: str = 'sentence-transformers/all-MiniLM-L6-v2', batch: int = 256) -> Encoder:
  """A network that knows what words mean, by the library sentence-transformers (extra `text`).

  `model` is a folder, or a name on the hub, from which it is fetched once. Rows are scaled as those
  of `hashing`. Raises InputError without the library, or if there is no such model.
  """
  try:
    from sentence_transformers import SentenceTransformer
  except ImportError:
    raise InputError(
      "encoders.sentences takes sentence-transformers: pip install 'gan_jax[text]'."
    ) from None
  try:
    network = SentenceTransformer(model, device='cpu')
  except (OSError, ValueError) as error:
    first = str(error).splitlines()[0]
    raise InputError(f'there is no sentence encoder {model!r} to be had: {first}') from error

  def encode(texts: Sequence[str]) -> np.ndarray:
    codes = network.encode(list(texts), batch_size=batch, normalize_embeddings=True)
    return np.asarray(codes, np.float32) * np.sqrt(codes.shape[1]).astype(np.float32)

  return encode


def mean_of_each(encoder: Encoder, captions: Sequence[Sequence[str]]) -> np.ndarray:
  """Several captions of each image -> f32[N,T], the mean of their embeddings (Reed et al. 2016)."""
  owner = np.repeat(np.arange(len(captions)), [len(c) for c in captions])
  codes = np.asarray(encoder([text for each in captions for text in each]), np.float32)
  out = np.zeros((len(captions), codes.shape[1]), np.float32)
  np.add.at(out, owner, codes)
  return out / np.bincount(owner, minlength=len(captions)).astype(np.float32)[:, None]
