"""A critic of its own finds how far apart two sets lie, and nothing between two of one kind.

All sets but those of images are of as many rows of as many numbers, and their critics train alike,
so that one program is compiled for all of them.
"""

import jax
import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from gan_jax.metrics.critic import critic, critic_distance
from tests.messages import refused, says
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
N, D = 1000, 4
quick = dict(steps=150, width=32, learning_rate=1e-2)


def normal(n=N, d=D):
  return RNG.normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize('c', [0.5, 2.0])
def test_critic_finds_the_length_of_a_shift(c):
  shift = np.full(D, c / np.sqrt(D), np.float32)
  found = critic(normal(), normal() + shift, KEY, **quick)
  assert abs(found.held - c) < 0.05 * c + 3 * found.stderr
  assert abs(found.held - c) < 0.2
  assert 0.9 < found.slope < 1.2
  assert abs(found.learnt - found.held) < 5 * found.stderr


def test_critic_in_other_units_is_so_many_times_as_far():
  a, b = normal(), normal() + np.float32(1)
  near, far = (critic(s * a, s * b, KEY, **quick).held for s in (np.float32(1), np.float32(64)))
  assert far == pytest.approx(64 * near, rel=1e-3)


def test_critic_is_the_distance_of_transport_where_that_is_no_shift():
  """Of sets on a line in the space, where SciPy knows it."""
  a, b = normal(d=1), 3 * normal(d=1)
  line = np.eye(1, D, dtype=np.float32)
  found = critic(a * line, b * line, KEY, **quick)
  exact = wasserstein_distance(a[:, 0], b[:, 0])
  assert 0.8 * exact < found.held < exact + 3 * found.stderr


def test_critic_of_one_kind_is_zero_within_its_error():
  some = lambda i: critic(normal(), normal(), jax.random.key(i), **quick)
  z = [found.held / found.stderr for found in map(some, range(4))]
  assert np.max(np.abs(z)) < 3.5


def test_critic_distance_sees_darker_images():
  """With the learning rate that an evaluation has."""
  real, more = (RNG.integers(0, 256, (200, 4, 4, 1)).astype(np.uint8) for _ in range(2))
  source = source_of(real, test=real)
  of = lambda fake: critic_distance(sampler_of(fake), source, KEY, n=200, steps=150, width=32)
  null, darker = of(more), of(more // 2)
  assert abs(null['critic_distance']) < 4 * null['stderr']
  assert darker['critic_distance'] > 10 * darker['stderr']
  assert darker['critic_distance'] < np.sqrt(np.mean((real / 255.0) ** 2) * 16)
  says(darker['protocol']['critic'], '2 x 32', '150 steps')


def test_critic_refuses_what_cannot_be_learnt_from():
  with refused('3 images', '9 samples'):
    critic(normal(3), normal(9), KEY)
  with refused('nan'):
    critic(normal(9) * np.float32(np.nan), normal(9), KEY)
  with refused((9, 2), (9, 3)):
    critic(normal(9, 2), normal(9, 3), KEY)
