"""Translations and coupled pictures, by generators that do what they are told."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.outlines import outlined
from gan_jax.data.source import Source
from gan_jax.figures.translation import coupled, translations
from gan_jax.metrics.reconstruction import coupling, errors, reconstruction

rng = np.random.default_rng(0)
X = rng.integers(256, size=(5, 8, 8, 3), dtype=np.uint8)
Y = rng.integers(256, size=(5, 8, 8, 3), dtype=np.uint8)
TRAIN = rng.integers(256, size=(20, 8, 8, 3), dtype=np.uint8)
KEY = jax.random.key(0)


def opened(split=None):
  held = {'source': X, 'image': Y}
  return Source(
    held if split == 'val' else {'source': TRAIN, 'image': TRAIN}, {'classes': ['a', 'b']}
  )


def sampler(generate, prior=None):
  """What sees and shows images in [-1, 1], with this for a generator."""
  unit = lambda x: np.clip((np.asarray(x) + 1) / 2, 0, 1)
  return SimpleNamespace(
    generate=generate,
    prior=prior,
    fill=lambda key, n: (prior(key, n), np.arange(n, dtype=np.int32) % 2),
    see=lambda x: np.asarray(x, np.float32) / 127.5 - 1,
    display=lambda x: np.rint(255 * unit(x)).astype(np.uint8),
    unit=unit,
  )


def test_errors_are_numpys():
  found = errors(np.full((2, 1, 1, 1), 0.5), np.array([0.6, 0.4]).reshape(2, 1, 1, 1))
  np.testing.assert_allclose([found['l1'], found['psnr']], [0.1, 20.0])
  assert errors(X / 255, X / 255)['psnr'] == 100  # not infinite


def test_reconstruction_is_beside_doing_nothing_and_the_mean_image():
  numbers = reconstruction(sampler(lambda x: np.zeros_like(x)), opened, KEY, split='val', n=4)
  x, y = X[:4] / 255, Y[:4] / 255
  np.testing.assert_allclose(numbers['l1'], np.abs(0.5 - y).mean(), rtol=1e-5)
  np.testing.assert_allclose(numbers['l1_identity'], np.abs(x - y).mean(), rtol=1e-5)
  mean = (TRAIN / 255).mean(0)
  np.testing.assert_allclose(numbers['l1_mean'], np.abs(mean - y).mean(), rtol=1e-5)
  psnr = np.mean([-10 * np.log10(np.mean((0.5 - image) ** 2)) for image in y])
  np.testing.assert_allclose(numbers['psnr'], psnr, rtol=1e-5)


def test_reconstruction_of_the_right_translation_has_no_error():
  right = {image.tobytes(): wanted for image, wanted in zip(X, Y, strict=True)}
  look = sampler(None)
  of = lambda x: look.see(np.stack([right[image.tobytes()] for image in look.display(x)]))
  assert reconstruction(sampler(of), opened, KEY, split='val')['l1'] < 1e-6


def test_translations_are_drawn_between_source_and_target():
  picture = translations(sampler(lambda x: -x[..., :1]), opened, KEY, n=3, zoom=1)['translations']
  assert picture.shape == (3 * 10 + 2, 3 * 10 + 2, 3)
  np.testing.assert_array_equal(picture[2:10, 12:20], X[1])
  np.testing.assert_array_equal(picture[22:30, 12:20], Y[1])
  np.testing.assert_allclose(
    picture[12:20, 12:20].astype(int), 255 - X[1][..., :1].astype(int) + 0 * Y[1]
  )


def pictures(z, label):
  """For each z a picture of its own in domain 0, and in domain 1 its outlines."""
  image = np.stack([np.random.default_rng(int(v)).integers(256, size=(8, 8, 1)) for v in z[:, 0]])
  image = image.astype(np.uint8)
  image = np.where(label[:, None, None, None] == 1, outlined(image), image)
  return image / np.float32(127.5) - 1


def test_coupling_finds_outlines_of_what_is_drawn():
  prior = lambda key, n: jnp.arange(n, dtype=jnp.float32).reshape(n, 1)
  numbers = coupling(sampler(pictures, prior), opened, KEY, n=6)
  assert numbers['l1'] < 1e-6
  assert numbers['l1_shuffled'] > 0.1
  drawn = coupled(sampler(pictures, prior), opened, KEY, n=6, zoom=1)['coupled']
  assert drawn.shape == (2 * 10 + 2, 6 * 10 + 2, 1)
