"""Whether pictures show what was asked for, on pictures that do and that do not."""

import jax
import numpy as np
import pytest

from gan_jax.data.shapes import shapes
from gan_jax.metrics import words
from gan_jax.sampling import still
from tests.messages import refused
from tests.metrics.standing import source_of


@pytest.fixture(scope='module')
def drawn():
  return {split: shapes(split, size=16, n=400) for split in ('train', 'test')}


def sampler_of(images):
  """Of a prior that is only counted, and a G that ignores z and text."""
  return still(images)._replace(
    prior=lambda key, n: np.zeros((n, 1), np.float32),
    generate=lambda z, text: images[: len(z)].astype(np.float32) / 255,
  )


def test_words_of_real_images_are_what_their_captions_say(drawn):
  images = np.asarray(drawn['test'].arrays['image'])
  opened = lambda split='train': drawn[split]
  found = words.words(sampler_of(images), opened, jax.random.key(0), n=200)
  assert found['colour'] == found['ground'] == 1
  assert found['shape'] == found['judge'] > 0.95
  assert found['all'] == found['shape']


def test_words_of_other_captions_are_right_by_chance(drawn):
  images = np.roll(np.asarray(drawn['test'].arrays['image']), 7, axis=0)
  opened = lambda split='train': drawn[split]
  found = words.words(sampler_of(images), opened, jax.random.key(0), n=400)
  for name, chance in (('shape', 1 / 4), ('colour', 1 / 6), ('ground', 1 / 2), ('all', 1 / 48)):
    assert abs(found[name] - chance) < 4 * np.sqrt(chance * (1 - chance) / 400), name


def test_words_refuse_other_data():
  images = np.zeros((4, 16, 16, 3), np.uint8)
  with refused('shapes', 'standing'):
    words.words(sampler_of(images), source_of(images), jax.random.key(0))
