"""The pixels themselves."""

from typing import Any

import jax.numpy as jnp

from gan_jax.features.extractor import Extractor
from gan_jax.game import Array


def pixels() -> Extractor:
  """'features' f32[B,H*W*C] in [0, 1]: distances between them are those between images."""
  return Extractor('pixels', (), _flat)


def _flat(weights: Any, images: Array) -> dict[str, Array]:
  return {'features': images.reshape(len(images), -1).astype(jnp.float32) / 255}
