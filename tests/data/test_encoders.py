"""Captions as numbers."""

import sys
from types import SimpleNamespace

import numpy as np

from gan_jax.data import encoders
from tests.messages import refused

TEXTS = ('a red disc', 'a red disc on a dark ground', 'two birds')


def test_hashing_has_the_size_of_z_and_shared_words_bring_rows_near():
  codes = encoders.hashing(64)(TEXTS)
  assert codes.dtype == np.float32
  np.testing.assert_allclose(np.mean(codes**2, axis=1), 1, rtol=1e-5)
  alike = codes @ codes.T / 64
  assert alike[0, 1] > alike[0, 2] + 0.2
  np.testing.assert_array_equal(codes, encoders.hashing(64)(TEXTS))


def test_mean_of_each_is_that_of_an_images_captions():
  encode = encoders.hashing(32)
  found = encoders.mean_of_each(encode, [TEXTS[:2], TEXTS[2:]])
  np.testing.assert_allclose(found[0], encode(TEXTS[:2]).mean(axis=0), rtol=1e-6)
  np.testing.assert_allclose(found[1], encode(TEXTS[2:])[0], rtol=1e-6)


class Network:
  """What the library's models do, of three numbers."""

  def __init__(self, model, device):
    if model == 'nowhere':
      raise OSError('nowhere is not a folder')
    self.asked = []

  def encode(self, texts, batch_size, normalize_embeddings):
    assert normalize_embeddings
    codes = np.array([[len(text), text.count('a'), 1.0] for text in texts])
    return codes / np.linalg.norm(codes, axis=1, keepdims=True)


def test_sentences_are_encoded_by_their_library(monkeypatch):
  library = SimpleNamespace(SentenceTransformer=Network)
  monkeypatch.setitem(sys.modules, 'sentence_transformers', library)
  codes = encoders.sentences('some/model')(TEXTS)
  assert codes.dtype == np.float32
  np.testing.assert_allclose(np.mean(codes**2, axis=1), 1, rtol=1e-5)
  with refused("'nowhere'", 'nowhere is not a folder'):
    encoders.sentences('nowhere')


def test_sentences_without_the_library_say_what_to_install(monkeypatch):
  monkeypatch.setitem(sys.modules, 'sentence_transformers', None)
  with refused("pip install 'gan_jax[text]'"):
    encoders.sentences()
