"""How the networks behind published scores were fed: any other resizing moves a score."""

import jax.numpy as jnp
import numpy as np

from gan_jax.errors import InputError
from gan_jax.game import Array

KEYS = -0.5  # the a of the cubic kernel (Keys 1981) that Pillow has


def tf1_bilinear(x: Array, size: tuple[int, int]) -> Array:
  """x uint8|f[B,H,W,C] -> f[B,h,w,C]: bilinear, no half pixels, no antialiasing, in float32.

  What TensorFlow 1 does and Inception's graph of 2015 has in it: output i lies at i H / h of the
  input, computed in float32, and the last row and column go on for ever. Bit for bit that of
  torch-fidelity on CPU. Of float64 it is float64.
  """
  return _bilinear(x, size, offset=0.0)


def half_pixel_bilinear(x: Array, size: tuple[int, int]) -> Array:
  """x uint8|f[B,H,W,C] -> f[B,h,w,C]: bilinear between the centres of pixels, no antialiasing.

  Output i lies at (i + 1/2) H / h - 1/2 of the input: PyTorch's `interpolate`, as pytorch-fid
  feeds its network. Within 1e-4.
  """
  return _bilinear(x, size, offset=0.5)


def pil_bicubic(x: Array, size: tuple[int, int]) -> Array:
  """x uint8|f[B,H,W,C] -> f[B,h,w,C] in [0, 255]: cubic, antialiased, clipped, as clean-FID does.

  That is Pillow's BICUBIC of each channel as float32: smaller images are averaged over a kernel
  that is stretched by the factor, so that they do not alias (Parmar et al. 2022). Within 1e-3.
  """
  x = _floating(x)
  (rows, columns) = (
    jnp.asarray(_cubic(n, m), x.dtype) for n, m in zip(x.shape[1:3], size, strict=True)
  )
  x = jnp.einsum('jw,bhwc->bhjc', columns, x, precision='highest')
  x = jnp.einsum('ih,bhjc->bijc', rows, x, precision='highest')
  return jnp.clip(x, 0, 255)


def coloured(x: Array) -> Array:
  """x [B,H,W,1|3] -> [B,H,W,3]: grey images as colour; InputError for other channels."""
  if x.shape[-1] not in (1, 3):
    raise InputError(f'this network looks at images of 1 or 3 channels; these have {x.shape[-1]}.')
  return jnp.broadcast_to(x, (*x.shape[:3], 3))


def _bilinear(x: Array, size: tuple[int, int], offset: float) -> Array:
  x = _floating(x)
  (top, bottom, down), (left, right, across) = (
    _between(n, m, x.dtype, offset) for n, m in zip(x.shape[1:3], size, strict=True)
  )
  upper, lower = (
    _mixed(rows[:, :, left], rows[:, :, right], jnp.asarray(across[None, None, :, None]))
    for rows in (x[:, top], x[:, bottom])
  )
  return _mixed(upper, lower, jnp.asarray(down[None, :, None, None]))


def _floating(x: Array) -> Array:
  floating = jnp.issubdtype(x.dtype, jnp.floating)
  return jnp.asarray(x, x.dtype if floating else jnp.float32)


def _mixed(a: Array, b: Array, share: Array) -> Array:
  """a + (b - a) share, rounded twice as PyTorch does.

  The maximum with the lowest number there is changes nothing, but keeps the compiler from
  multiplying and adding in one instruction, which rounds once.
  """
  step = (b - a) * share
  return a + jnp.maximum(step, jnp.finfo(step.dtype).min)


def _between(
  n: int, size: int, dtype: np.dtype, offset: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """For each of `size` outputs the inputs before and after it, and how far it is past the first."""
  scale = float(np.float32(n / size))
  at = (np.arange(size) + offset) * scale - offset  # rounded once, as where it multiplies and adds
  at = np.maximum(at, 0).astype(dtype)
  before = at.astype(np.int32)
  return before, np.minimum(before + 1, n - 1), at - before.astype(dtype)


def _cubic(n: int, size: int) -> np.ndarray:
  """f64[size,n]: what each output takes of each input; each row sums to 1, at the edges too."""
  scale = n / size
  stretch = max(scale, 1.0)
  centre = (np.arange(size) + 0.5) * scale
  first, last = (np.floor(centre + side * 2 * stretch + 0.5) for side in (-1, 1))
  at = np.arange(n)
  weights = _keys((at + 0.5 - centre[:, None]) / stretch)
  weights[(at < first[:, None]) | (at >= last[:, None])] = 0
  return weights / weights.sum(1, keepdims=True)


def _keys(t: np.ndarray) -> np.ndarray:
  """The cubic convolution kernel (Keys 1981, eq. 4 with a): 1 at 0, 0 at all other integers."""
  t = np.abs(t)
  near = ((KEYS + 2) * t - (KEYS + 3)) * t**2 + 1
  far = KEYS * (((t - 5) * t + 8) * t - 4)
  return np.where(t < 1, near, np.where(t < 2, far, 0.0))
