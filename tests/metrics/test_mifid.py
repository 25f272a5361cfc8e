"""Copies count against a generator: MiFID, against a loop over all pairs."""

import jax
import numpy as np
import pytest

from gan_jax.metrics import mifid as module
from gan_jax.metrics.frechet import distance, moments
from gan_jax.metrics.mifid import memorisation, mifid
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def in_a_loop(fake, real):
  least = []
  for g in fake.astype(np.float64):
    cosines = [abs(g @ r) / np.sqrt((g @ g) * (r @ r)) for r in real.astype(np.float64)]
    least.append(min(1 - c for c in cosines))
  return np.mean(least)


def test_memorisation_is_the_mean_least_angle_of_samples(monkeypatch):
  monkeypatch.setattr(module, 'BLOCK', 17)
  fake, real = (RNG.normal(size=(n, 6)).astype(np.float32) for n in (50, 70))
  expected = in_a_loop(fake, real)
  assert memorisation(fake, real) == pytest.approx(expected, rel=1e-9)
  zero = np.zeros((3, 6), np.float32)
  padded = [np.concatenate([zero, x]) for x in (fake, real)]
  assert memorisation(*padded) == pytest.approx(expected, rel=1e-9)


def test_memorisation_is_over_samples_not_over_real_images():
  real = RNG.normal(size=(200, 20))
  fake = np.concatenate([real[:90] * 3, RNG.normal(size=(10, 20))])
  assert memorisation(fake, real) < 0.06
  assert memorisation(real, fake) > 0.15  # the other way round, as torchmetrics has it


def images(n, seed):
  return np.random.default_rng(seed).integers(0, 256, (n, 3, 3, 1)).astype(np.uint8)


def test_mifid_divides_by_memorisation_where_it_is_small():
  real, honest = images(60, 1), images(60, 2)
  copies = np.concatenate([real[:50], honest[:10]])
  run = lambda fake, **kw: mifid(
    sampler_of(fake), source_of(real), KEY, features='pixels', n=60, **kw
  )
  flat = lambda x: x.reshape(len(x), -1) / 255
  plain = distance(moments(flat(real)), moments(flat(copies)))
  caught = run(copies, threshold=0.05)
  assert caught['mifid'] == pytest.approx(plain / caught['memorisation'], rel=1e-5)
  assert run(copies, threshold=1e-6)['mifid'] == pytest.approx(plain, rel=1e-5)
  assert run(honest)['memorisation'] > caught['memorisation']
  assert run(real)['mifid'] == 0.0
  assert caught['protocol']['threshold'] == 0.05


def test_memorisation_refuses_sets_of_zeros():
  with refused('features', '0'):
    memorisation(np.zeros((4, 3)), np.ones((4, 3)))
