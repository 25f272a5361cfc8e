"""The short algorithms against JAX's own convolution and its transposes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.ops import bilinear, conv, native
from gan_jax.ops.geometry import Geometry
from tests.ops.test_conv import close, tangle
from tests.precision import float64

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
def test_algorithms_are_filters_of_r_taps(r):
  """sum_p A_ap G_pi B_jp = 1 where j = a + i, else 0, which is what a filter of r taps does."""
  a, g, b = bilinear.ALGORITHMS[r]
  form = np.einsum('ap,pi,jp->aij', a, g, b)
  output, tap, entry = np.indices(form.shape)
  np.testing.assert_array_equal(form, entry == output + tap)
  assert g.shape[0] == r + 1


MAPS = {'down': (0, 1), 'up': (2, 1), 'taps': (0, 2)}  # each of two of x, k and y


def both(case, dtype):
  """name -> (ours, the native form of the same numbers in float32) of each map."""
  g = Geometry.of(*case)
  rng = np.random.default_rng(0)
  shapes = (2, *g.size, 3), (*g.window, 3, 4), (2, *g.small, 4)
  given = [rng.normal(size=shape).astype(dtype) for shape in shapes]

  def maps(form, given):
    return {name: getattr(form, name)(g, given[i], given[j]) for name, (i, j) in MAPS.items()}

  exact = [a.astype(np.float32) for a in given]
  program = jax.jit(lambda given, exact: (maps(bilinear, given), maps(native, exact)))
  ours, theirs = program(given, exact)
  return {name: (ours[name], np.asarray(theirs[name])) for name in MAPS}


# What a type changes is the same for every geometry. By default that is shown for r = 2 alone, and
# for r = 3 beside r = 2: with a stride and without one, and with edges that are cut.
SOME = (0, 4)
BFLOAT16 = [
  case if i in SOME else pytest.param(case, marks=pytest.mark.slow) for i, case in enumerate(CASES)
]


@pytest.mark.parametrize('case', CASES, ids=str)
def test_maps_equal_the_native_form(case):
  for name, (ours, theirs) in both(case, np.float32).items():
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() / np.abs(theirs).max() < 2e-6, name


@pytest.mark.parametrize('case', BFLOAT16, ids=str)
def test_maps_in_bfloat16_are_near_the_native_form(case):
  for name, (ours, theirs) in both(case, jnp.bfloat16).items():
    assert ours.dtype == jnp.bfloat16
    assert ours.shape == theirs.shape
    error = np.abs(np.float32(ours) - theirs).max() / np.abs(theirs).max()
    assert error < 0.03, name


# By default one for each r, with a stride and without one.
@pytest.mark.parametrize(
  ('size', 'stride'), [(4, 2), (3, 1), pytest.param(5, 2, marks=pytest.mark.slow)]
)
def test_suits_where_conv_has_laxs_value_and_both_gradients(size, stride):
  """With channels enough `ops.conv` takes the short form; all its derivatives must be lax's."""
  rng = np.random.default_rng(0)
  x = np.float32(rng.normal(size=(2, 7, 6, 16)))
  k = np.float32(rng.normal(size=(size, size, 16, 17)) / size / 4)
  strides = (stride, stride)
  assert bilinear.suits(Geometry.of((7, 6), (size, size), strides, ((1, 1), (1, 1))), 16, 17)
  short = lambda x, k: conv.conv(x, k, strides, 'SAME')
  plain = lambda x, k: jax.lax.conv_general_dilated(
    x, k, strides, 'SAME', dimension_numbers=('NHWC', 'HWIO', 'NHWC')
  )
  ours, theirs = jax.jit(lambda x, k: (tangle(short, x, k), tangle(plain, x, k)))(x, k)
  close(ours, theirs)


def test_down_under_vmap_is_that_of_each_image_and_kernel():
  g = Geometry.of((8, 8), (4, 4), (2, 2), ((1, 1), (1, 1)))
  rng = np.random.default_rng(0)
  x = np.float32(rng.normal(size=(3, 2, 8, 8, 4)))
  k = np.float32(rng.normal(size=(3, 4, 4, 4, 5)))
  down = jax.jit(lambda x, k: bilinear.down(g, x, k))
  together = jax.jit(jax.vmap(lambda x, k: bilinear.down(g, x, k)))(x, k)
  for i in range(3):
    np.testing.assert_allclose(together[i], down(x[i], k[i]), atol=1e-4)


def test_maps_keep_the_type_of_an_array_with_64_bits():
  g = Geometry.of((8, 8), (3, 2), (1, 1), ((1, 1), (0, 1)))  # some weights of r = 3 are halves
  types = (jnp.bfloat16, jnp.float32, jnp.float64)
  with float64():
    for dtype in types:
      shapes = (1, 8, 8, 2), (3, 2, 2, 2), (1, 8, 8, 2)
      given = [jax.ShapeDtypeStruct(shape, dtype) for shape in shapes]
      for name, (i, j) in MAPS.items():
        form = partial(getattr(bilinear, name), g)
        assert jax.eval_shape(form, given[i], given[j]).dtype == dtype
    ones = [(np.ones((1, 8, 8, 2), dtype), np.ones((3, 2, 2, 2), dtype)) for dtype in types]
    found = jax.jit(lambda ones: [bilinear.down(g, x, k) for x, k in ones])(ones)
    assert [float(y[0, 4, 4, 0]) for y in jax.device_get(found)] == [12, 12, 12]


@pytest.mark.skipif(jax.default_backend() != 'cpu', reason='only on CPU are products counted so')
def test_down_multiplies_less_than_the_plain_form():
  """9 products where the plain form has 16: the point of it all, as XLA counts."""
  g = Geometry.of((16, 16), (4, 4), (2, 2), ((1, 1), (1, 1)))
  x, k = np.ones((2, 16, 16, 64), np.float32), np.ones((4, 4, 64, 64), np.float32)
  program = jax.jit(lambda x, k: bilinear.down(g, x, k)).lower(x, k).compile()
  plain = 2 * 2 * 8 * 8 * 16 * 64 * 64
  assert program.cost_analysis()['flops'] < 0.6 * plain
