"""The DCGAN authors' own SVHN networks, in ours: a golden test, where their weights are at hand.

Measured, 128 samples: D's mean logit is -5.5 on G's samples, -14.0 on those of a G with mirrored
kernels, -16.2 on CIFAR-10, -18.5 on noise (each ± 2.5 between images). Seen: clear house numbers.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.nets import dcgan, dcgan_authors, layers, newmu

SHAPE = (32, 32, 3)
Z = jax.random.normal(jax.random.key(0), (128, 100))


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
    layers.net(dcgan.AuthorsGenerator(SHAPE, width=64), jnp.zeros((2, 100))),
    layers.net(dcgan.AuthorsDiscriminator(width=64), jnp.zeros((2, *SHAPE))),
  )


def test_their_weights_are_ours(pair, nets):
  for params, net in zip(pair, nets, strict=True):
    ours = jax.eval_shape(net.init, jax.random.key(0))
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, ours)


def test_discriminator_prefers_house_numbers(pair, nets, real_data):
  (g, d), (G, D) = pair, nets

  score = jax.jit(D.apply)

  def logit(image):
    return float(score(d, image).mean())

  draw = jax.jit(G.apply)
  samples, garbled = draw(g, Z), draw(mirrored(g), Z)
  noise = jax.random.uniform(jax.random.key(1), samples.shape, minval=-1, maxval=1)
  cifar = np.load(real_data / 'cifar10_train_batch1.npz')['d1'][:128].reshape(-1, *SHAPE)
  assert -9 < logit(samples) < 0  # good, and still known for samples
  assert logit(samples) > logit(noise) + 9
  assert logit(samples) > logit(jnp.asarray(cifar / 127.5 - 1, jnp.float32)) + 7
  assert logit(samples) > logit(garbled) + 6
  # A discriminator with its own kernels the wrong way round tells them apart much less.
  wrong = mirrored(d)
  gap = score(wrong, samples).mean() - score(wrong, garbled).mean()
  assert float(gap) < 6


def off_centre(image):
  """How far the edges' centre of gravity is from the image's centre, in pixels."""
  step = jnp.square(jnp.diff(image, axis=1)).sum((0, 2, 3))
  rows = jnp.sum(step * jnp.arange(31.0)) / step.sum() - 15
  step = jnp.square(jnp.diff(image, axis=2)).sum((0, 1, 3))
  columns = jnp.sum(step * jnp.arange(31.0)) / step.sum() - 15
  return float(jnp.maximum(jnp.abs(rows), jnp.abs(columns)))


def test_digits_are_in_the_middle(pair, nets, monkeypatch):
  """SVHN's crops are centred on a digit; a pixel of padding on the wrong side moves it by 7."""
  (g, _), (G, _) = pair, nets
  assert off_centre(G.apply(g, Z)) < 0.5
  for padding in ('SAME', ((1, 4), (1, 4)), ((2, 3), (3, 2)), ((3, 2), (2, 3))):
    monkeypatch.setattr(dcgan_authors, 'UP', padding)
    shifted = jax.jit(lambda g, z: G.apply(g, z))  # a new function, which jit has not seen
    assert off_centre(shifted(g, Z)) > 0.9


def test_samples_are_smooth(pair, nets):
  (g, _), (G, _) = pair, nets
  image = G.apply(g, Z)
  variation = float(jnp.abs(jnp.diff(image, axis=2)).mean())
  assert 0.02 < variation < 0.06
  assert 0.15 < float(image.std()) < 0.6
