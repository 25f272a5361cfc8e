"""The short algorithms against JAX's own convolution and its transposes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.ops import bilinear, conv, native
from gan_jax.ops.geometry import Geometry
from tests.features.test_inception import double_precision

CASES = [  # image, window, strides, pads
  ((8, 8), (4, 4), (2, 2), ((1, 1), (1, 1))),
  ((13, 9), (4, 4), (2, 2), ((1, 1), (1, 1))),
  ((7, 8), (3, 3), (1, 1), ((0, 0), (2, 1))),
  ((9, 8), (5, 5), (2, 2), ((1, 2), (2, 2))),
  ((9, 9), (3, 4), (1, 2), ((1, 1), (-1, 3))),
  ((8, 8), (2, 2), (1, 1), ((0, 1), (0, 0))),
  ((14, 11), (6, 6), (3, 3), ((2, 2), (2, 1))),
]


@pytest.mark.parametrize('r', bilinear.ALGORITHMS)
def test_the_algorithms_are_algorithms(r):
  """sum_p A_ap G_pi B_jp = 1 where j = a + i, else 0, which is what a filter of r taps does."""
  a, g, b = bilinear.ALGORITHMS[r]
  form = np.einsum('ap,pi,jp->aij', a, g, b)
  output, tap, entry = np.indices(form.shape)
  np.testing.assert_array_equal(form, entry == output + tap)
  assert g.shape[0] == r + 1


@pytest.mark.parametrize('dtype', [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize('case', CASES, ids=str)
def test_equals_the_native_form(case, dtype):
  g = Geometry.of(*case)
  keys = jax.random.split(jax.random.key(0), 3)
  shapes = (2, *g.size, 3), (*g.window, 3, 4), (2, *g.small, 4)
  x, k, y = (jax.random.normal(i, s).astype(dtype) for i, s in zip(keys, shapes, strict=True))
  exact = [a.astype(jnp.float32) for a in (x, k, y)]
  at = {'down': (0, 1), 'up': (2, 1), 'taps': (0, 2)}
  for name, (i, j) in at.items():
    ours = jax.jit(getattr(bilinear, name), static_argnums=0)(g, (x, k, y)[i], (x, k, y)[j])
    theirs = getattr(native, name)(g, exact[i], exact[j])
    assert ours.dtype == dtype
    assert ours.shape == theirs.shape
    error = jnp.abs(ours.astype(jnp.float32) - theirs).max() / jnp.abs(theirs).max()
    assert error < (2e-6 if dtype == jnp.float32 else 0.03), name


@pytest.mark.parametrize(('size', 'stride'), [(4, 2), (5, 2), (3, 1)])
def test_value_gradient_and_second_gradient_where_it_is_chosen(size, stride):
  """With channels enough `ops.conv` takes the short form; all its derivatives must be lax's."""
  x = jax.random.normal(jax.random.key(0), (2, 7, 6, 16))
  k = jax.random.normal(jax.random.key(1), (size, size, 16, 17)) / size / 4
  strides = (stride, stride)
  assert bilinear.suits(Geometry.of((7, 6), (size, size), strides, ((1, 1), (1, 1))), 16, 17)

  def tangle(f):
    value = lambda x, k: jnp.mean(jnp.sin(f(x, k)))
    penalty = lambda x, k: sum(jnp.sum(s**2) for s in jax.grad(value, (0, 1))(x, k))
    return jax.jit(
      lambda x, k: (f(x, k), jax.grad(value, (0, 1))(x, k), jax.grad(penalty, (0, 1))(x, k))
    )

  ours = tangle(lambda x, k: conv.conv(x, k, strides, 'SAME'))(x, k)
  theirs = tangle(
    lambda x, k: jax.lax.conv_general_dilated(
      x, k, strides, 'SAME', dimension_numbers=('NHWC', 'HWIO', 'NHWC')
    )
  )(x, k)
  for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
    scale = float(jnp.abs(b).max())
    np.testing.assert_allclose(a / scale, b / scale, atol=2e-5)


def test_under_vmap_over_images_and_kernels():
  g = Geometry.of((8, 8), (4, 4), (2, 2), ((1, 1), (1, 1)))
  x = jax.random.normal(jax.random.key(0), (3, 2, 8, 8, 4))
  k = jax.random.normal(jax.random.key(1), (3, 4, 4, 4, 5))
  down = jax.jit(bilinear.down, static_argnums=0)
  together = jax.jit(jax.vmap(lambda x, k: bilinear.down(g, x, k)))(x, k)
  for i in range(3):
    np.testing.assert_allclose(together[i], down(g, x[i], k[i]), atol=1e-4)


def test_with_64_bits_an_array_keeps_its_type():
  g = Geometry.of((8, 8), (3, 3), (1, 1), ((1, 1), (1, 1)))  # whose weights are halves, too
  with double_precision():
    for dtype in (jnp.bfloat16, jnp.float32, jnp.float64):
      x, k = jnp.ones((1, 8, 8, 2), dtype), jnp.ones((3, 3, 2, 2), dtype)
      y = bilinear.down(g, x, k)
      assert y.dtype == dtype
      assert float(y[0, 4, 4, 0]) == 18


@pytest.mark.skipif(jax.default_backend() != 'cpu', reason='only on CPU are products counted so')
def test_it_multiplies_less():
  """9 products where the plain form has 16: the point of it all, as XLA counts."""
  g = Geometry.of((16, 16), (4, 4), (2, 2), ((1, 1), (1, 1)))
  x, k = jnp.ones((2, 16, 16, 64)), jnp.ones((4, 4, 64, 64))
  program = jax.jit(lambda x, k: bilinear.down(g, x, k)).lower(x, k).compile()
  plain = 2 * 2 * 8 * 8 * 16 * 64 * 64
  assert program.cost_analysis()['flops'] < 0.6 * plain
