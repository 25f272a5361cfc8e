"""The weights that the DCGAN authors released (Newmu/dcgan_code), as weights of our networks.

Their arrays are Theano's: images [C,H,W], kernels [out,in,kh,kw]. Theano's convolution mirrors its
kernel and JAX's does not, so the discriminator's kernels are mirrored here; the generator's layers
are the adjoint of that convolution, which is JAX's transposed convolution as it stands.
"""

from collections.abc import Sequence

import numpy as np

from gan_jax.game import Params


def generator(arrays: Sequence[np.ndarray]) -> Params:
  """(W, gain, bias, [W, gain, bias] ..., W) -> weights of `dcgan.AuthorsGenerator`."""
  project, gain, bias, *rest, last = arrays
  top = rest[0].shape[0]  # channels of the projected image
  params = {
    'Dense_0': {'kernel': _pixels_last(project, top, axis=1)},
    'BatchNorm_0': {'scale': _pixels_last(gain, top), 'bias': _pixels_last(bias, top)},
  }
  for i, w in enumerate([*rest[::3], last]):
    params[f'ConvTranspose_{i}'] = {'kernel': w.transpose(2, 3, 0, 1)}
  for i, (gain, bias) in enumerate(zip(rest[1::3], rest[2::3], strict=True)):
    params[f'BatchNorm_{i + 1}'] = {'scale': gain, 'bias': bias}
  return params


def discriminator(arrays: Sequence[np.ndarray]) -> Params:
  """(W, [W, gain, bias] ..., W) -> weights of `dcgan.AuthorsDiscriminator`."""
  first, *rest, last = arrays
  kernels = [first, *rest[::3]]
  params = {
    f'Conv_{i}': {'kernel': w[:, :, ::-1, ::-1].transpose(2, 3, 1, 0)}
    for i, w in enumerate(kernels)
  }
  for i, (gain, bias) in enumerate(zip(rest[1::3], rest[2::3], strict=True)):
    params[f'BatchNorm_{i}'] = {'scale': gain, 'bias': bias}
  return {**params, 'Dense_0': {'kernel': _pixels_last(last, len(kernels[-1]), axis=0)}}


def _pixels_last(w: np.ndarray, channels: int, axis: int = 0) -> np.ndarray:
  """An axis that runs over [C,H,W] -> the same axis over [H,W,C]."""
  before, after = w.shape[:axis], w.shape[axis + 1 :]
  split = w.reshape(*before, channels, -1, *after)
  return np.moveaxis(split, axis, axis + 1).reshape(w.shape)
