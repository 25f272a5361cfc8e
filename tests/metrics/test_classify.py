"""The error of a classifier, on labels that are known."""

from types import SimpleNamespace

import jax
import numpy as np

from gan_jax.data.source import Source
from gan_jax.metrics.classify import classify
from tests.messages import refused

IMAGE = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1)
LABEL = np.array([0, 1, 2, 0, -1, 2], np.int32)


def apply(name, x, output):
  """Class 0 for an even image and 1 for an odd one."""
  assert (name, output) == ('D', 'classes')
  return np.eye(3)[np.asarray(x).reshape(-1).astype(int) % 2]


SAMPLER = SimpleNamespace(see=lambda x: np.float32(x), apply=apply)


def look(arrays, **options):
  return classify(SAMPLER, lambda split: Source(arrays[split], {}), jax.random.key(0), **options)


def test_classify_counts_errors_where_the_label_is_told():
  """Told: 0 1 2 0 . 2; found: 0 1 0 1 . 1."""
  found = look({'test': {'image': IMAGE, 'label': LABEL}})
  assert found == {'error': 3 / 5, 'errors': 3, 'of': 5}


def test_classify_takes_the_first_so_many_of_a_split():
  found = look({'valid': {'image': IMAGE, 'label': LABEL}}, split='valid', limit=3)
  assert found == {'error': 1 / 3, 'errors': 1, 'of': 3}


def test_classify_refuses_a_split_without_labels():
  with refused("'test'", 'labels'):
    look({'test': {'image': IMAGE}})
