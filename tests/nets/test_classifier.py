"""The classifier of images of any size: its shapes, and one image as in a batch."""

import itertools

import jax
import numpy as np
import pytest

from gan_jax.nets import layers
from gan_jax.nets.classifier import Classifier
from gan_jax.sampling import calibrate
from tests.nets.drawn import normal, spec, weights

pytestmark = pytest.mark.usefixtures('native_convolutions')


def made(shape, width=2):
  return layers.net(Classifier(3, width), spec((2, *shape)))


def kernels(shape, width=2):
  params = jax.eval_shape(made(shape, width).init, jax.random.key(0))
  return [params[f'Conv_{i}']['kernel'].shape for i in range(len(params)) if f'Conv_{i}' in params]


@pytest.mark.parametrize('shape', [(4, 4, 1), (8, 8, 1), (28, 28, 1), (5, 30, 3), (64, 64, 3)])
def test_classifier_gives_features_and_logits_of_any_size(shape):
  net = made(shape)
  params = jax.eval_shape(net.init, jax.random.key(0))
  out = jax.eval_shape(net.apply, params, spec((5, *shape)))
  assert {name: leaf.shape for name, leaf in out.items()} == {
    'features': (5, 128),
    'logits': (5, 3),
  }
  assert net.statistics is not None


def test_classifier_halves_to_four_a_side_and_is_widest_there():
  of = lambda *widths: [(3, 3, a, b) for a, b in itertools.pairwise(widths)]
  assert kernels((4, 4, 1)) == of(1, 2, 2)
  assert kernels((28, 28, 1)) == of(1, 2, 2, 4, 4, 8, 8)  # 14, 7, 4
  assert kernels((64, 64, 3)) == of(3, 2, 2, 2, 4, 4, 8, 8)  # 32; 16, 8, 4


def test_classifier_calibrated_does_with_one_what_it_does_in_batches():
  net, x = made((8, 8, 1)), normal(6, 8, 8, 1)

  @jax.jit
  def both(params):
    params = calibrate(net, params, x[None])
    return net.apply(params, x), jax.lax.map(lambda x: net.apply(params, x[None])['logits'][0], x)

  together, alone = both(weights(net))
  np.testing.assert_allclose(alone, together['logits'], rtol=1e-4, atol=1e-5)
  assert float(together['features'].min()) >= 0
