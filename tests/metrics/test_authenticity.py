"""Which samples are new: against a loop over all pairs, and on copies."""

import jax
import numpy as np
import pytest

from gan_jax.metrics.authenticity import authentic, authenticity
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)


def normal(n, d=8):
  return RNG.normal(size=(n, d)).astype(np.float32)


def test_authentic_is_the_verdict_of_the_paper():
  train, fake = normal(150), normal(130)
  among = np.linalg.norm(train[:, None] - train[None], axis=-1)
  np.fill_diagonal(among, np.inf)
  to_train = np.linalg.norm(fake[:, None] - train[None], axis=-1)
  expected = [among[row.argmin()].min() < row.min() for row in to_train]
  np.testing.assert_array_equal(authentic(train, fake), expected)


def test_authentic_falls_as_copies_are_mixed_in():
  train = normal(300, 30)
  shares = [
    np.mean(authentic(train, np.concatenate([normal(300 - n, 30), train[:n]])))
    for n in (0, 100, 200, 300)
  ]
  assert shares[0] > 0.6
  assert np.all(np.diff(shares) < -0.1)
  assert shares[3] == 0


def test_authenticity_is_the_share_with_its_binomial_error():
  images = RNG.integers(0, 256, (80, 4, 4, 1)).astype(np.uint8)
  drawn = np.concatenate([images[:20], RNG.integers(0, 256, (60, 4, 4, 1)).astype(np.uint8)])
  found = authenticity(
    sampler_of(drawn), source_of(images), jax.random.key(0), n=80, features='pixels'
  )
  share = found['authenticity']
  unit = lambda x: x.reshape(80, -1).astype(np.float32) / 255
  assert share == pytest.approx(np.mean(authentic(unit(images), unit(drawn))))
  assert found['stderr'] == pytest.approx(np.sqrt(share * (1 - share) / 80))
  assert not authentic(unit(images), unit(drawn))[:20].any()


def test_authentic_refuses_one_training_image():
  with refused('k=1', '0 rows'):
    authentic(normal(1), normal(5))


def test_authenticity_notices_a_copy_of_any_image_by_few_samples():
  images = RNG.integers(0, 256, (90, 4, 4, 1)).astype(np.uint8)
  given = sampler_of(images[31:51]), source_of(images), jax.random.key(0)
  assert authenticity(*given, n=20, features='pixels')['authenticity'] == 0
  assert authenticity(*given, n=20, train_n=9, features='pixels')['authenticity'] > 0.2
