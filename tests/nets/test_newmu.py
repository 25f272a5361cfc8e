"""The DCGAN authors' own SVHN networks, in ours: a golden test, where their weights are at hand.

Measured, 128 samples: D's mean logit is -5.5 on G's samples, -14.0 on those of a G with mirrored
kernels, -16.2 on CIFAR-10, -18.5 on noise (each ± 2.5 between images). Seen: clear house numbers.

Covers: nets/dcgan_authors.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.nets import dcgan, dcgan_authors, layers, newmu
from tests.nets.drawn import spec

SHAPE = (32, 32, 3)
Z = jax.random.normal(jax.random.key(0), (128, 100))
JUDGED = 32  # of them, by D, whose mean logit is then known within 0.5


def mirrored(params):
  return jax.tree.map(lambda w: w[::-1, ::-1] if w.ndim == 4 else w, params)


@pytest.fixture(scope='module')
def pair(real_data):
  arrays = np.load(real_data / 'weights' / 'dcgan_svhn_newmu.npz')
  g = newmu.generator([arrays[name] for name in sorted(arrays) if name.startswith('gen')])
  d = newmu.discriminator([arrays[name] for name in sorted(arrays) if name.startswith('discrim')])
  return g, d


@pytest.fixture(scope='module')
def nets():
  return (
    layers.net(dcgan.AuthorsGenerator(SHAPE, width=64), spec((2, 100))),
    layers.net(dcgan.AuthorsDiscriminator(width=64), spec((2, *SHAPE))),
  )


@pytest.fixture(scope='module')
def draw(nets):
  """params -> their images of Z."""
  apply = jax.jit(nets[0].apply)
  return lambda params: np.asarray(apply(params, Z))


@pytest.fixture(scope='module')
def samples(pair, draw):
  return draw(pair[0])


def test_generator_and_discriminator_have_weights_of_our_shapes(pair, nets):
  for params, net in zip(pair, nets, strict=True):
    ours = jax.eval_shape(net.init, jax.random.key(0))
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, ours)


def test_discriminator_prefers_house_numbers(pair, nets, draw, samples, real_data):
  (g, d), (_, D) = pair, nets
  score = jax.jit(D.apply)
  logit = lambda image, params=d: float(np.mean(score(params, np.float32(image))))
  samples, garbled = samples[:JUDGED], draw(mirrored(g))[:JUDGED]
  noise = np.random.default_rng(1).uniform(-1, 1, samples.shape)
  cifar = np.load(real_data / 'cifar10_train_batch1.npz')['d1'][:JUDGED].reshape(-1, *SHAPE)
  of_samples = logit(samples)
  assert -9 < of_samples < 0  # good, and still known for samples
  assert of_samples > logit(noise) + 9
  assert of_samples > logit(cifar / 127.5 - 1) + 7
  assert of_samples > logit(garbled) + 6
  # A discriminator with its own kernels the wrong way round tells them apart much less.
  wrong = mirrored(d)
  assert logit(samples, wrong) - logit(garbled, wrong) < 6


def off_centre(image):
  """How far the edges' centre of gravity is from the image's centre, in pixels."""
  step = np.square(np.diff(image, axis=1)).sum((0, 2, 3))
  rows = np.sum(step * np.arange(31.0)) / step.sum() - 15
  step = np.square(np.diff(image, axis=2)).sum((0, 1, 3))
  columns = np.sum(step * np.arange(31.0)) / step.sum() - 15
  return max(abs(rows), abs(columns))


def test_generator_draws_digits_in_the_middle(samples):
  """SVHN's crops are centred on a digit; of 128 images the centre is known within 0.3 a side."""
  assert off_centre(samples) < 0.5


@pytest.mark.slow  # a whole network compiled for each padding
@pytest.mark.parametrize(
  'padding', ['SAME', ((1, 4), (1, 4)), ((2, 3), (3, 2)), ((3, 2), (2, 3))], ids=str
)
def test_generator_with_another_padding_moves_the_digits(pair, nets, monkeypatch, padding):
  """SAME pads both axes wrongly, the others one or both, by a pixel on the wrong side."""
  monkeypatch.setattr(dcgan_authors, 'UP', padding)
  shifted = jax.jit(lambda g, z: nets[0].apply(g, z))  # a new function, which jit has not seen
  assert off_centre(shifted(pair[0], Z)) > 0.9


def test_generator_draws_smooth_images(samples):
  variation = np.abs(np.diff(samples, axis=2)).mean()
  assert 0.02 < variation < 0.06
  assert 0.15 < samples.std() < 0.6
