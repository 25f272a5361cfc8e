"""Strided and transposed convolutions, fast on every platform and differentiable to any order.

A convolution is one trilinear form in the large image x, the kernel k and the small image y,

  T(x, k, y) = <down(x, k), y> = <x, up(y, k)> = <k, taps(x, y)>,

so `down`, `up` and `taps` are each other's derivatives: the three rules below are closed under
differentiation, and no derivative is ever left to the compiler. That matters on CPU, where XLA
lowers dilated convolutions to loops that are 10-40 times slower than the same sums as matrix
products (`ops/matrix.py`). On GPU and TPU all three are the native convolution and its transposes.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from gan_jax.game import Array
from gan_jax.ops import matrix, native
from gan_jax.ops.geometry import Geometry
from gan_jax.ops.varying import alike

Padding = str | Sequence[tuple[int, int]]  # 'SAME', 'VALID' or ((low, high), (low, high))


def conv(x: Array, kernel: Array, strides: Sequence[int], padding: Padding) -> Array:
  """x [B,H,W,I], kernel [kh,kw,I,O] -> [B,h,w,O], as `lax.conv_general_dilated` in NHWC, HWIO."""
  window = kernel.shape[:2]
  if isinstance(padding, str):
    padding = lax.padtype_to_pads(x.shape[1:3], window, strides, padding)
  return down(Geometry.of(x.shape[1:3], window, strides, padding), *alike(x, kernel))


def grouped(
  x: Array, kernel: Array, strides: Sequence[int], padding: Padding, groups: int
) -> Array:
  """x [B,H,W,I], kernel [kh,kw,I/g,O] -> [B,h,w,O]: each of g groups of outputs sees one of inputs.

  The first O/g outputs see the first I/g inputs and so on, as `feature_group_count` has it.
  """
  apart = lambda a: jnp.moveaxis(a.reshape(*a.shape[:-1], groups, -1), -2, 0)
  y = jax.vmap(lambda x, k: conv(x, k, strides, padding))(apart(x), apart(kernel))
  return jnp.moveaxis(y, 0, -2).reshape(*y.shape[1:-1], kernel.shape[-1])


def conv_transpose(y: Array, kernel: Array, strides: Sequence[int], padding: Padding) -> Array:
  """y [B,h,w,I], kernel [kh,kw,I,O] -> [B,H,W,O], as `lax.conv_transpose` (kernel not flipped).

  Explicit padding is that of the dilated image: H = (h - 1) stride + 2 + low + high - kh. This is
  `up` through the mirrored kernel, whose convolution has the padding k - 1 - (low, high).
  """
  window = kernel.shape[:2]
  if isinstance(padding, str):
    padding = tuple(_transposed(k, s, padding) for k, s in zip(window, strides, strict=True))
  size = tuple(
    (n - 1) * s + 2 + low + high - k
    for n, k, s, (low, high) in zip(y.shape[1:3], window, strides, padding, strict=True)
  )
  pads = tuple((k - 1 - low, k - 1 - high) for k, (low, high) in zip(window, padding, strict=True))
  y, kernel = alike(y, kernel)
  return up(Geometry.of(size, window, strides, pads), y, kernel[::-1, ::-1].swapaxes(2, 3))


def _transposed(k: int, s: int, padding: str) -> tuple[int, int]:
  """lax's padding that makes H = stride h ('SAME') or keeps every sum ('VALID')."""
  total = k + s - 2 + (max(k - s, 0) if padding == 'VALID' else 0)
  low = k - 1 if padding == 'VALID' or s > k - 1 else (total + 1) // 2
  return low, total - low


@partial(jax.jit, static_argnums=(0, 1, 2), inline=True)  # so that it is traced once for a shape
def _by_platform(cpu: Callable, default: Callable, g: Geometry, a: Array, b: Array) -> Array:
  return lax.platform_dependent(a, b, cpu=partial(cpu, g), default=partial(default, g))


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def down(g: Geometry, x: Array, k: Array) -> Array:
  """x [B,H,W,I], k [kh,kw,I,O] -> y [B,h,w,O]."""
  return _by_platform(matrix.down, native.down, g, x, k)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def up(g: Geometry, y: Array, k: Array) -> Array:
  """y [B,h,w,O], k [kh,kw,I,O] -> x [B,H,W,I]."""
  return _by_platform(matrix.up, native.up, g, y, k)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def taps(g: Geometry, x: Array, y: Array) -> Array:
  """x [B,H,W,I], y [B,h,w,O] -> k [kh,kw,I,O]."""
  return _by_platform(matrix.taps, native.taps, g, x, y)


down.defvjp(
  lambda g, x, k: (down(g, x, k), (x, k)),
  lambda g, xk, y: (up(g, y, xk[1]), taps(g, xk[0], y)),
)
up.defvjp(
  lambda g, y, k: (up(g, y, k), (y, k)),
  lambda g, yk, x: (down(g, x, yk[1]), taps(g, x, yk[0])),
)
taps.defvjp(
  lambda g, x, y: (taps(g, x, y), (x, y)),
  lambda g, xy, k: (up(g, xy[1], k), down(g, xy[0], k)),
)
