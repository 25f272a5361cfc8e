"""What GoogLeNet sees, a classifier of ImageNet's 1000 classes as Caffe's authors trained it.

Its distances are Frechet distances and its scores are those of a classifier, but neither is FID or
the Inception score, which are Inception-v3's.
"""

import os
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.features import weights as files
from gan_jax.features.extractor import Extractor
from gan_jax.features.resize import coloured, pil_bicubic
from gan_jax.game import Array, Params
from gan_jax.nets.googlenet import SIDE, GoogLeNet

MEANS = np.array([[[[104, 117, 123]]]], np.float32)  # of blue, green, red


def googlenet(path: str | os.PathLike[str] | None = None) -> Extractor:
  """'features' f32[B,1024] >= 0, the mean over the last map, and 'logits' f32[B,1000].

  Images are resized whole, without aliasing; grey ones are shown as colour. Its name ends in the
  first letters of the digest of its weights.

  Args:
    path: an .npz of the BVLC model's arrays of any floating type, '<layer>.w' HWIO and '<layer>.b'
      by Caffe's names of layers; unsaid, what GAN_JAX_GOOGLENET names, else the one in the cache.

  Raises:
    InputError: there are no weights, and what to put where; or they are damaged or others.
  """
  params, digest = files.load(files.located(files.GOOGLENET, path), from_caffe)
  return Extractor(f'googlenet:{digest[:8]}', params, _seen)


def from_caffe(arrays: Mapping[str, Any]) -> Params:
  """Arrays by Caffe's names, 'inception_3a|1x1.w' -> the parameters of `nets.googlenet`, float32.

  Raises InputError for weights of another network.
  """
  params: dict[str, Any] = {}
  kinds = {'w': 'kernel', 'b': 'bias'}
  for name, array in arrays.items():
    layer, _, kind = name.rpartition('.')
    if layer and kind in kinds:
      inside = params
      for part in layer.split('|') if layer.startswith('inception') else [layer]:
        inside = inside.setdefault(part, {})
      inside[kinds[kind]] = np.asarray(array, np.float32)
  return files.fitting(params, GoogLeNet(), (1, SIDE, SIDE, 3))


def _seen(params: Params, images: Array) -> dict[str, Array]:
  x = coloured(pil_bicubic(images, (SIDE, SIDE)))
  with jax.default_matmul_precision('highest'):
    out: Any = GoogLeNet().apply({'params': params}, x[..., ::-1] - MEANS)
  return out
