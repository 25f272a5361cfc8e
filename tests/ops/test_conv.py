"""Our convolutions against lax's, in value, gradient and second gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.sharding import AxisType, PartitionSpec

from gan_jax.errors import InputError
from gan_jax.nets import dcgan_authors
from gan_jax.ops import conv as ops
from gan_jax.ops import matrix, native
from gan_jax.ops.geometry import Geometry

QUICKLY = {'xla_backend_optimization_level': 0}  # to compile: what is computed is the same
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
OURS = {'down': ops.conv, 'up': ops.conv_transpose}


def theirs(kind, x, k, strides, padding):
  if kind == 'down':
    return lax.conv_general_dilated(x, k, strides, padding, dimension_numbers=LAYOUT)
  return lax.conv_transpose(x, k, strides, padding, dimension_numbers=LAYOUT)


def tangle(f):
  """(value, gradient, gradient of a gradient penalty) of f(x, k), all of them dense."""

  def value(x, k):
    return jnp.sum(jnp.sin(f(x, k)))

  def penalty(x, k):
    slopes = jax.grad(value, (0, 1))(x, k)
    return sum(jnp.sum(s**2) for s in slopes), (f(x, k), slopes)

  return jax.jit(jax.grad(penalty, (0, 1), has_aux=True), compiler_options=QUICKLY)


def close(a, b):
  for left, right in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
    scale = float(jnp.abs(right).max()) + 1e-6
    np.testing.assert_allclose(left / scale, right / scale, atol=2e-5)


@pytest.mark.parametrize('kind', ['down', 'up'])
@pytest.mark.parametrize('case', CASES, ids=str)
def test_equals_lax(case, kind):
  size, stride, image, *paddings = case
  padding, strides = paddings[kind == 'up'], (stride, stride)
  x = jax.random.normal(jax.random.key(0), (2, *image, 3))
  k = jax.random.normal(jax.random.key(1), (size, size, 3, 2)) / size
  ours = tangle(lambda x, k: OURS[kind](x, k, strides, padding))(x, k)
  close(ours, tangle(lambda x, k: theirs(kind, x, k, strides, padding))(x, k))


@pytest.mark.parametrize('window', [(1, 1), (3, 3), (5, 5), (3, 4)])
@pytest.mark.parametrize('strides', [(1, 1), (2, 2), (3, 3), (1, 2)])
def test_cpu_and_gpu_forms_are_the_adjoints(window, strides):
  """Both forms of `up` and `taps`, whichever would be chosen here, against JAX's transposes."""
  g = Geometry.of((9, 8), window, strides, ((1, 2), (0, 1)))
  x = jax.random.normal(jax.random.key(0), (2, 9, 8, 3))
  y = jax.random.normal(jax.random.key(1), (2, *g.small, 4))
  k = jax.random.normal(jax.random.key(2), (*window, 3, 4))

  def forms(x, y, k):
    up = jax.linear_transpose(lambda x: native.down(g, x, k), x)(y)[0]
    taps = jax.linear_transpose(lambda k: native.down(g, x, k), k)(y)[0]
    ups = [f(g, y, k) for f in (matrix.up, native.up)]
    return (up, taps), list(zip(ups, [f(g, x, y) for f in (matrix.taps, native.taps)], strict=True))

  adjoints, found = jax.jit(forms, compiler_options=QUICKLY)(x, y, k)
  for form in found:
    close(form, adjoints)


def gradient(x, k):
  y = ops.conv_transpose(ops.conv(x, k, (2, 2), 'SAME'), k.swapaxes(2, 3), (2, 2), 'SAME')
  return jnp.sum(jnp.sin(y), (1, 2, 3))


def test_under_vmap():
  x = jax.random.normal(jax.random.key(0), (3, 2, 8, 8, 2))
  k = jax.random.normal(jax.random.key(1), (3, 4, 4, 2, 3))
  f = jax.jit(jax.grad(lambda x, k: gradient(x, k).sum(), (0, 1)))
  each = [f(x[i], k[i]) for i in range(3)]
  together = jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
  close(jax.vmap(f)(x, k), together)


def test_under_shard_map():
  mesh = jax.make_mesh((4,), ('data',), axis_types=(AxisType.Auto,))
  x = jax.random.normal(jax.random.key(0), (8, 8, 8, 2))
  k = jax.random.normal(jax.random.key(1), (4, 4, 2, 3))

  def penalty(x, k):
    slopes = jax.grad(lambda x: gradient(x, k).sum())(x)
    return jnp.sum(slopes**2, (1, 2, 3))

  data = PartitionSpec('data')
  sharded = jax.shard_map(penalty, mesh=mesh, in_specs=(data, PartitionSpec()), out_specs=data)
  close(jax.jit(sharded)(x, k), penalty(x, k))
  weights = jax.jit(jax.grad(lambda k: sharded(x, k).sum()))(k)
  close(weights, jax.grad(lambda k: penalty(x, k).sum())(k))


def test_bfloat16_stays():
  x, k = jnp.ones((1, 8, 8, 2), jnp.bfloat16), jnp.ones((4, 4, 2, 3), jnp.bfloat16)
  assert ops.conv(x, k, (2, 2), 'SAME').dtype == jnp.bfloat16
  assert ops.conv_transpose(x, k, (2, 2), 'SAME').dtype == jnp.bfloat16


@pytest.mark.skipif(jax.default_backend() != 'cpu', reason='GPUs dilate at no cost')
def test_no_dilated_convolution_on_cpu():
  x, k = jnp.ones((2, 8, 8, 2)), jnp.ones((4, 4, 2, 3))

  def compiled(f):
    return jax.jit(jax.grad(lambda x, k: jnp.sum(f(x, k) ** 2), (0, 1))).lower(x, k).compile()

  stock = compiled(lambda x, k: theirs('up', x, k, (2, 2), 'SAME')).as_text()
  assert '_dilate=2x2' in stock
  for ours in OURS.values():
    text = compiled(lambda x, k, f=ours: f(x, k, (2, 2), 'SAME')).as_text()
    assert '_dilate=2x2' not in text


def test_a_kernel_that_does_not_fit():
  with pytest.raises(InputError, match='does not fit'):
    ops.conv(jnp.ones((1, 3, 3, 1)), jnp.ones((5, 5, 1, 1)), (1, 1), 'VALID')
