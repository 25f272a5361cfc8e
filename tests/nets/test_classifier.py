"""The classifier of images of any size: its shapes, and one image as in a batch."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.nets import layers
from gan_jax.nets.classifier import Classifier
from gan_jax.sampling import calibrate


def made(shape, width=2):
  return layers.net(Classifier(3, width), jax.ShapeDtypeStruct((2, *shape), jnp.float32))


def kernels(shape, width=2):
  params = jax.eval_shape(made(shape, width).init, jax.random.key(0))
  return [params[f'Conv_{i}']['kernel'].shape for i in range(len(params)) if f'Conv_{i}' in params]


@pytest.mark.parametrize('shape', [(4, 4, 1), (8, 8, 1), (28, 28, 1), (5, 30, 3), (64, 64, 3)])
def test_images_of_any_size_give_features_and_logits(shape):
  net = made(shape)
  params = jax.eval_shape(net.init, jax.random.key(0))
  out = jax.eval_shape(net.apply, params, jax.ShapeDtypeStruct((5, *shape), jnp.float32))
  assert {name: leaf.shape for name, leaf in out.items()} == {
    'features': (5, 128),
    'logits': (5, 3),
  }
  assert net.statistics is not None


def test_it_halves_to_four_a_side_and_does_most_of_its_work_on_small_ones():
  of = lambda *widths: [(3, 3, a, b) for a, b in itertools.pairwise(widths)]
  assert kernels((4, 4, 1)) == of(1, 2, 2)
  assert kernels((28, 28, 1)) == of(1, 2, 2, 4, 4, 8, 8)  # 14, 7, 4
  assert kernels((64, 64, 3)) == of(3, 2, 2, 2, 4, 4, 8, 8)  # 32; 16, 8, 4


def test_calibrated_each_image_by_itself_is_as_in_the_batch():
  net = made((8, 8, 1))
  x = jax.random.normal(jax.random.key(1), (6, 8, 8, 1))
  params = calibrate(net, net.init(jax.random.key(0)), x[None])
  together = net.apply(params, x)
  alone = jnp.concatenate([net.apply(params, x[i : i + 1])['logits'] for i in range(6)])
  np.testing.assert_allclose(alone, together['logits'], rtol=1e-4, atol=1e-5)
  assert float(together['features'].min()) >= 0
