"""Stand-ins for a trained generator and its data, of which a test says what they show."""

from types import SimpleNamespace

import numpy as np

from gan_jax.data.source import digest
from gan_jax.sampling import still


def sampler_of(images, label=None, **functions):
  """A sampler that draws the first n of these, uint8[N,H,W,C], in order, whatever the key.

  Its networks see images in [0, 1]. `functions` are further fields: critic=..., prior=....
  """
  return still(np.asarray(images), label)._replace(**functions)


def source_of(images, label=None, **splits):
  """split -> a source of these images, or of splits[split]: images, or (images, labels)."""

  def opened(split='train', **_):
    image, labels = splits.get(split, (images, label)), None
    if isinstance(image, tuple):
      image, labels = image
    columns = {'image': np.asarray(image)}
    if labels is not None:
      columns['label'] = np.asarray(labels, np.int32)
    return Standing(columns, {'name': 'standing', 'split': split, 'sha256': digests(columns)})

  return opened


def digests(columns):
  return {name: digest(array) for name, array in columns.items()}


class Standing(SimpleNamespace):
  """A `Source`, unchecked."""

  def __init__(self, arrays, meta):
    super().__init__(arrays=arrays, meta=meta)

  def __len__(self):
    return len(self.arrays['image'])
