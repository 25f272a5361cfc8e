"""What the Inception-v3 of 2015 sees: the features of the published FID and its kin.

The weights come from a file that a user has or fetches (`python -m gan_jax.features.fetch`).
"""

import os
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.errors import InputError
from gan_jax.features import weights as files
from gan_jax.features.extractor import Extractor
from gan_jax.features.resize import coloured, half_pixel_bilinear, pil_bicubic, tf1_bilinear
from gan_jax.game import Array, Params
from gan_jax.nets.inception import SIDE, Inception

SIZE = (SIDE, SIDE)
EPSILON = 1e-3  # of the BatchNorms


def inception(path: str | os.PathLike[str] | None = None, *, clean: bool = False) -> Extractor:
  """'features' f32[B,2048], 'logits' f32[B,1008] without bias, 'spatial' f32[B,2023].

  Grey images are shown as colour. Its name is 'inception:6726825d', by the digest of the published
  weights, or 'inception_clean:6726825d'.

  Args:
    path: pytorch-fid's or torch-fidelity's file of weights, .pth, the same as .safetensors, or the
      .npz made of it; unsaid, what GAN_JAX_INCEPTION names, else the one in the cache.
    clean: resize as clean-FID does (Parmar et al. 2022, arXiv 2104.11222), not as TensorFlow 1 did;
      the numbers are not to be compared with others, and have the name to say so.

  Raises:
    InputError: there are no weights, and what to put where; or they are damaged or others.
  """
  params, digest = files.load(files.located(files.INCEPTION, path), folded)
  if clean:
    return Extractor(f'inception_clean:{digest[:8]}', params, _clean)
  return Extractor(f'inception:{digest[:8]}', params, _seen)


def pytorch_fid(path: str | os.PathLike[str] | None = None) -> Extractor:
  """The same, resized and scaled as pytorch-fid does it: half a pixel and half a level beside.

  In a config its name is 'inception.pytorch_fid', in results 'inception_pytorch_fid:6726825d'.
  """
  params, digest = files.load(files.located(files.INCEPTION, path), folded)
  return Extractor(f'inception_pytorch_fid:{digest[:8]}', params, _as_pytorch_fid)


def folded(state: Mapping[str, Any]) -> Params:
  """A state dict of the PyTorch port, OIHW -> the parameters of `nets.inception`, HWIO.

  BatchNorm by fixed statistics is y = (x - mean) s + beta with s = gamma / sqrt(var + epsilon):
  the kernel times s, and the bias beta - mean s. Computed in float64. Raises InputError for weights
  of another network, torchvision's Inception-v3 for one, whose scores are no FID.
  """
  params: dict[str, Any] = {}
  try:
    for name in (n.removesuffix('.conv.weight') for n in state if n.endswith('.conv.weight')):
      *block, layer = name.split('.')
      inside = params.setdefault(block[0], {}) if block else params
      inside[layer] = _folded_layer(state, name)
    params['fc'] = {'kernel': np.ascontiguousarray(np.asarray(state['fc.weight']).T)}
  except KeyError as error:
    raise InputError(f'these are not the weights of Inception: {error} is not there.') from None
  return files.fitting(params, Inception(), (1, SIDE, SIDE, 3))


def _folded_layer(state: Mapping[str, Any], name: str) -> Params:
  weight = np.asarray(state[f'{name}.conv.weight'])
  gamma, beta, mean, var = (
    np.asarray(state[f'{name}.bn.{part}'], np.float64)
    for part in ('weight', 'bias', 'running_mean', 'running_var')
  )
  scale = gamma / np.sqrt(var + EPSILON)
  kernel = weight.transpose(2, 3, 1, 0) * scale
  dtype = weight.dtype
  return {'kernel': kernel.astype(dtype, order='C'), 'bias': (beta - mean * scale).astype(dtype)}


def _seen(params: Params, images: Array) -> dict[str, Array]:
  return _of(params, (tf1_bilinear(_in_colour(params, images), SIZE) - 128) / 128)


def _clean(params: Params, images: Array) -> dict[str, Array]:
  return _of(params, (pil_bicubic(_in_colour(params, images), SIZE) - 128) / 128)


def _as_pytorch_fid(params: Params, images: Array) -> dict[str, Array]:
  return _of(params, half_pixel_bilinear(_in_colour(params, images), SIZE) / 127.5 - 1)


def _in_colour(params: Params, images: Array) -> Array:
  """uint8[B,H,W,1|3] -> [B,H,W,3] of the type of the weights."""
  return coloured(images.astype(params['fc']['kernel'].dtype))


def _of(params: Params, x: Array) -> dict[str, Array]:
  with jax.default_matmul_precision('highest'):
    out: Any = Inception().apply({'params': params}, x)
  return {name: out[name] for name in ('features', 'logits', 'spatial')}
