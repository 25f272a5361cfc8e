"""Stand-ins for a trained generator and its data, of which a test says what they show."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np

from gan_jax.data.source import digest
from gan_jax.sampling import Sampler


def sampler_of(images, label=None, **functions):
  """A sampler that draws the first n of these, uint8[N,H,W,C], in order, whatever the key.

  Its networks see images in [0, 1]. `functions` are further fields: critic=..., prior=....
  """
  images = np.asarray(images)
  seen = images / np.float32(255)
  asked = () if label is None else (jnp.asarray(label, jnp.int32),)
  fill = lambda key, n: (jnp.arange(n, dtype=jnp.float32)[:, None], *(a[:n] for a in asked))
  generate = lambda rows, *_: seen[np.asarray(rows)[:, 0].astype(int)]
  to_bytes = lambda x: np.clip(np.round(np.asarray(x) * 255), 0, 255).astype(np.uint8)
  fields = dict(
    generate=generate,
    draw=lambda key, n: seen[:n],
    fill=fill,
    prior=None,
    see=lambda x: np.asarray(x) / np.float32(255),
    display=to_bytes,
    unit=lambda x: np.asarray(x, np.float32),
    critic=None,
    apply=None,
    function=None,
    round=0,
    shape=images.shape[1:],
  )
  return Sampler(**{**fields, **functions})


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
