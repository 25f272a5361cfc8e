"""Our convolutions against lax's, in value, gradient and second gradient.

Covers: ops/geometry.py, ops/matrix.py, ops/native.py, ops/varying.py.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.sharding import AxisType, PartitionSpec

from gan_jax.nets import dcgan_authors
from gan_jax.ops import conv as ops
from gan_jax.ops import matrix, native
from gan_jax.ops.geometry import Geometry
from tests.messages import refused

LAYOUT = ('NHWC', 'HWIO', 'NHWC')
CASES = [
  (5, 2, (9, 8), dcgan_authors.DOWN, dcgan_authors.UP),
  (5, 2, (8, 8), 'SAME', 'SAME'),
  (4, 2, (8, 6), 'SAME', 'SAME'),
  (4, 2, (7, 9), ((1, 1), (1, 1)), ((2, 2), (2, 2))),
  (3, 2, (7, 8), ((1, 1), (1, 1)), ((1, 2), (1, 2))),
  (3, 1, (6, 5), 'SAME', 'SAME'),
  (5, 3, (10, 11), 'VALID', 'VALID'),
  (4, 3, (9, 7), ((3, 0), (-1, 2)), ((3, 0), (1, 4))),
  (1, 2, (6, 5), 'VALID', 'SAME'),
]
# By default one of each kind: a stride of 1, one above the window, edges that are cut, padding by
# name and in numbers, even windows and odd.
SLOW = [(5, 2, (8, 8)), (4, 2, (7, 9)), (3, 2, (7, 8))]
OURS = {'down': ops.conv, 'up': ops.conv_transpose}


def theirs(kind, x, k, strides, padding):
  if kind == 'down':
    return lax.conv_general_dilated(x, k, strides, padding, dimension_numbers=LAYOUT)
  return lax.conv_transpose(x, k, strides, padding, dimension_numbers=LAYOUT)


def tangle(f, x, k):
  """(value, gradient, gradient of a gradient penalty) of f(x, k), all of them dense."""

  def value(x, k):
    y = f(x, k)
    return jnp.sum(jnp.sin(y)), y

  def penalty(x, k):
    slopes, y = jax.grad(value, (0, 1), has_aux=True)(x, k)
    return sum(jnp.sum(s**2) for s in slopes), (y, slopes)

  return jax.grad(penalty, (0, 1), has_aux=True)(x, k)


def normal(*shapes):
  rng = np.random.default_rng(0)
  return [np.float32(rng.normal(size=shape)) for shape in shapes]


def close(a, b):
  for left, right in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
    scale = float(np.abs(right).max()) + 1e-6
    np.testing.assert_allclose(left / scale, right / scale, atol=2e-5)


@pytest.mark.parametrize('kind', ['down', 'up'])
@pytest.mark.parametrize(
  'case', [pytest.param(c, marks=[pytest.mark.slow] * (c[:3] in SLOW), id=str(c)) for c in CASES]
)
def test_conv_equals_lax_in_value_and_both_gradients(case, kind):
  size, stride, image, *paddings = case
  padding, strides = paddings[kind == 'up'], (stride, stride)
  x, k = normal((2, *image, 3), (size, size, 3, 2))
  k /= size

  def forms(x, k):
    ours = tangle(lambda x, k: OURS[kind](x, k, strides, padding), x, k)
    return ours, tangle(lambda x, k: theirs(kind, x, k, strides, padding), x, k)

  close(*jax.jit(forms)(x, k))


ADJOINTS = list(
  itertools.product([(1, 1), (3, 3), (5, 5), (3, 4)], [(1, 1), (2, 2), (3, 3), (1, 2)])
)
SOON = {0, 2, 5, 8, 15}  # each window, each stride, and one above the window


@pytest.mark.parametrize(
  ('window', 'strides'),
  [
    pytest.param(*pair, marks=[pytest.mark.slow] * (i not in SOON))
    for i, pair in enumerate(ADJOINTS)
  ],
)
def test_up_and_taps_for_cpu_and_gpu_are_the_adjoints(window, strides):
  """Both forms of `up` and `taps`, whichever would be chosen here, against JAX's transposes."""
  g = Geometry.of((9, 8), window, strides, ((1, 2), (0, 1)))
  x, y, k = normal((2, 9, 8, 3), (2, *g.small, 4), (*window, 3, 4))

  def forms(x, y, k):
    up = jax.linear_transpose(lambda x: native.down(g, x, k), x)(y)[0]
    taps = jax.linear_transpose(lambda k: native.down(g, x, k), k)(y)[0]
    ups = [f(g, y, k) for f in (matrix.up, native.up)]
    return (up, taps), list(zip(ups, [f(g, x, y) for f in (matrix.taps, native.taps)], strict=True))

  adjoints, found = jax.jit(forms)(x, y, k)
  for form in found:
    close(form, adjoints)


def gradient(x, k):
  y = ops.conv_transpose(ops.conv(x, k, (2, 2), 'SAME'), k.swapaxes(2, 3), (2, 2), 'SAME')
  return jnp.sum(jnp.sin(y), (1, 2, 3))


def test_conv_under_vmap_is_that_of_each_image_and_kernel():
  x, k = normal((3, 2, 8, 8, 2), (3, 4, 4, 2, 3))
  f = jax.grad(lambda x, k: gradient(x, k).sum(), (0, 1))
  together, one = jax.jit(jax.vmap(f)), jax.jit(f)
  each = [one(x[i], k[i]) for i in range(3)]
  close(together(x, k), jax.tree.map(lambda *leaves: np.stack(leaves), *each))


def test_conv_under_shard_map_is_that_of_the_whole_batch():
  mesh = jax.make_mesh((4,), ('data',), axis_types=(AxisType.Auto,))
  x, k = normal((8, 8, 8, 2), (4, 4, 2, 3))

  def penalty(x, k):
    slopes = jax.grad(lambda x: gradient(x, k).sum())(x)
    return jnp.sum(slopes**2, (1, 2, 3))

  def both(f):
    """The penalties of all images, and the slope of their sum."""

    def total(k, x):
      each = f(x, k)
      return each.sum(), each

    return jax.jit(jax.grad(total, has_aux=True))

  data = PartitionSpec('data')
  sharded = jax.shard_map(penalty, mesh=mesh, in_specs=(data, PartitionSpec()), out_specs=data)
  close(both(sharded)(k, x), both(penalty)(k, x))


def test_conv_keeps_bfloat16():
  x, k = (jax.ShapeDtypeStruct(s, jnp.bfloat16) for s in ((1, 8, 8, 2), (4, 4, 2, 3)))
  for form in OURS.values():
    assert jax.eval_shape(lambda x, k, f=form: f(x, k, (2, 2), 'SAME'), x, k).dtype == jnp.bfloat16


@pytest.mark.skipif(jax.default_backend() != 'cpu', reason='GPUs dilate at no cost')
def test_conv_has_no_dilated_convolution_on_cpu():
  x, k = normal((2, 8, 8, 2), (4, 4, 2, 3))

  def compiled(f):
    return jax.jit(jax.grad(lambda x, k: jnp.sum(f(x, k) ** 2), (0, 1))).lower(x, k).compile()

  stock = compiled(lambda x, k: theirs('up', x, k, (2, 2), 'SAME')).as_text()
  assert '_dilate=2x2' in stock
  for ours in OURS.values():
    text = compiled(lambda x, k, f=ours: f(x, k, (2, 2), 'SAME')).as_text()
    assert '_dilate=2x2' not in text


def test_conv_refuses_a_kernel_that_does_not_fit():
  with refused('5x5', '3x3'):
    ops.conv(*normal((1, 3, 3, 1), (5, 5, 1, 1)), (1, 1), 'VALID')
