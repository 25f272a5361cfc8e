"""The one protocol of what metrics look at: a function of images, its weights, and its name.

A name tells apart all that give different numbers, since it stands in the protocol of every metric:
where there are weights it ends in the first letters of their digest.
"""

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.game import Array


class Extractor(NamedTuple):
  """Features of images.

  name:    what it is, and of which weights: 'pixels', 'inception:6726825d'.
  weights: a pytree of arrays, which `apply` is handed, so that they are no part of the program.
  apply:   (weights, images uint8[B,H,W,C]) -> {'features': f32[B,D]}, with 'logits' f32[B,K] from
           one that classifies, and 'spatial' f32[B,S] from one that says where; pure, each image
           by itself.
  """

  name: str
  weights: Any
  apply: Callable[[Any, Array], dict[str, Array]]


def named(name: str, weights: Any) -> str:
  """The name with the first 8 letters of the SHA-256 of the weights behind it: 'vgg:0f3a91c2'."""
  digest = hashlib.sha256()
  for path, leaf in jax.tree_util.tree_leaves_with_path(weights):
    array = np.ascontiguousarray(leaf)
    digest.update(f'{jax.tree_util.keystr(path)}{array.dtype.str}{array.shape}'.encode())
    digest.update(array.tobytes())
  return f'{name}:{digest.hexdigest()[:8]}'
