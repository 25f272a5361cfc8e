"""Samplers of a part: one class, a truncated z."""

import jax
import numpy as np

from gan_jax import narrowed
from gan_jax.metrics import look
from tests.messages import refused
from tests.metrics.test_latent_path import drawing

KEY = jax.random.key(0)
A = np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32) / 8
told = lambda z, y: ((z @ A) + 0.2 * y[:, None]).reshape(-1, 4, 4, 1)


def test_truncated_draws_within_the_threshold_and_says_so():
  sampler = narrowed.truncated(drawing(lambda z: (z @ A).reshape(-1, 4, 4, 1)), 0.5)
  (z,) = sampler.fill(KEY, 200)
  assert 0.45 < np.abs(z).max() <= 0.5
  assert sampler.facts['truncation'] == 0.5
  seen = look.drawn(sampler, KEY, 20)
  np.testing.assert_array_equal(seen, sampler.display(sampler.draw(KEY, 20)))


def test_of_class_draws_one_class_with_the_z_of_the_whole():
  whole = drawing(told, inputs=('z', 'label'))
  sampler = narrowed.of_class(whole, 1, 2)
  z, label = sampler.fill(KEY, 6)
  np.testing.assert_array_equal(z, whole.fill(KEY, 6)[0])
  np.testing.assert_array_equal(label, np.ones(6))
  np.testing.assert_allclose(sampler.draw(KEY, 6), np.asarray(told(z, label)), rtol=1e-5, atol=1e-6)
  assert look.labelled(sampler, KEY, 6)[1].tolist() == [1] * 6


def test_narrowed_refuses_what_cannot_be_narrowed():
  with refused("'label'"):
    narrowed.of_class(drawing(lambda z: z @ A), 0, 2)
  with refused('class 2', '0 to 1'):
    narrowed.of_class(drawing(told, inputs=('z', 'label')), 2, 2)
  with refused('0.0', 'above 0'):
    narrowed.truncated(drawing(lambda z: z @ A), 0.0)
