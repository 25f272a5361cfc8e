"""Pictures of translations; that each image stands where it should is in metrics' tests, too."""

from types import SimpleNamespace

import jax
import numpy as np

from gan_jax.data.source import in_memory
from gan_jax.figures.translation import coupled, translations
from tests.messages import refused

KEY = jax.random.key(0)
X = np.arange(0, 40, 10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
SAMPLER = SimpleNamespace(
  see=lambda x: x, display=np.uint8, generate=lambda x: x + 100, prior=None, fill=None
)


def source(split='train'):
  shift = 5 if split == 'val' else 0
  return in_memory({'source': X + shift, 'image': 255 - X})


def test_translations_are_of_the_split_that_is_held_out_row_by_row():
  found = translations(SAMPLER, source, KEY, n=3, zoom=1)['translations'][..., 0]
  middles = found[3::4, 3::4][:3, :3]
  assert middles.tolist() == [[5, 15, 25], [105, 115, 125], [255, 245, 235]]


def test_translations_and_coupled_refuse_data_without_columns():
  with refused("'source'"):
    translations(SAMPLER, lambda split='train': in_memory({'image': X}), KEY)
  with refused('label', 'classes'):
    coupled(SAMPLER, source, KEY)
