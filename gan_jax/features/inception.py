"""What the Inception-v3 of 2015 sees: the features of the published FID and its kin.

The weights come from a file that a user has or fetches (`python -m gan_jax.features.fetch`).
"""

import os
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.errors import InputError
from gan_jax.features import weights as files
from gan_jax.features.extractor import Extractor
from gan_jax.features.resize import pil_bicubic, tf1_bilinear
from gan_jax.game import Array, Params
from gan_jax.nets.inception import SIDE, Inception

EPSILON = 1e-3  # of the BatchNorms
LAYERS = 94  # convolutions, each with one
CLASSES = 1008


def inception(path: str | os.PathLike[str] | None = None, *, clean: bool = False) -> Extractor:
  """'features' f32[B,2048], 'logits' f32[B,1008] without bias, 'spatial' f32[B,2023].

  Grey images are shown as colour. Its name is 'inception:6726825d', by the digest of the published
  weights, or 'inception_clean:6726825d'.

  Args:
    path: pytorch-fid's or torch-fidelity's file of weights, .pth, or the .npz made of it; unsaid,
      what GAN_JAX_INCEPTION names, else the one in the cache.
    clean: resize as clean-FID does (Parmar et al. 2022, arXiv 2104.11222), not as TensorFlow 1 did;
      the numbers are not to be compared with others, and have the name to say so.

  Raises:
    InputError: there are no weights, and what to put where; or they are damaged or others.
  """
  params, digest = files.load(files.located(files.INCEPTION, path), folded)
  if clean:
    return Extractor(f'inception_clean:{digest[:8]}', params, _clean)
  return Extractor(f'inception:{digest[:8]}', params, _seen)


def folded(state: Mapping[str, Any]) -> Params:
  """A state dict of the PyTorch port, OIHW -> the parameters of `nets.inception`, HWIO.

  BatchNorm by fixed statistics is y = (x - mean) s + beta with s = gamma / sqrt(var + epsilon):
  the kernel times s, and the bias beta - mean s. Computed in float64. Raises InputError where a
  tensor is missing.
  """
  names = [name.removesuffix('.conv.weight') for name in state if name.endswith('.conv.weight')]
  if len(names) != LAYERS or 'fc.weight' not in state:
    raise InputError(
      f'these are not the weights of Inception-v3 for the FID: {len(names)} convolutions, not '
      f'{LAYERS}, and {"an" if "fc.weight" in state else "no"} fc.weight.'
    )
  last = np.asarray(state['fc.weight'])
  if last.shape != (CLASSES, 2048):
    raise InputError(
      f'fc.weight is of {last.shape}, not ({CLASSES}, 2048): these are the weights of another '
      'Inception-v3 (torchvision has one), whose scores are no FID.'
    )
  params: dict[str, Any] = {'fc': {'kernel': np.ascontiguousarray(last.T)}}
  try:
    for name in names:
      *block, layer = name.split('.')
      inside = params.setdefault(block[0], {}) if block else params
      inside[layer] = _folded_layer(state, name)
  except KeyError as error:
    raise InputError(f'these weights of Inception-v3 lack {error}.') from None
  return params


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
  return _of(params, tf1_bilinear(_in_colour(params, images), (SIDE, SIDE)))


def _clean(params: Params, images: Array) -> dict[str, Array]:
  return _of(params, pil_bicubic(_in_colour(params, images), (SIDE, SIDE)))


def network(params: Params, x: Array) -> Any:
  """x f32[B,299,299,3] in [0, 255] -> all that `nets.inception` returns."""
  with jax.default_matmul_precision('highest'):
    return Inception().apply({'params': params}, (x - 128) / 128)


def _of(params: Params, x: Array) -> dict[str, Array]:
  out = network(params, x)
  return {name: out[name] for name in ('features', 'logits', 'spatial')}


def _in_colour(params: Params, images: Array) -> Array:
  """uint8[B,H,W,1|3] -> [B,H,W,3] of the kind of the weights."""
  if images.shape[-1] not in (1, 3):
    raise InputError(f'Inception-v3 looks at grey or colour images, not at {images.shape[1:]}.')
  x = images.astype(params['fc']['kernel'].dtype)
  return jnp.broadcast_to(x, (*x.shape[:3], 3))
