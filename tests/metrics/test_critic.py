"""A critic of its own finds how far apart two sets lie, and nothing between two of one kind."""

import jax
import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from gan_jax.errors import InputError
from gan_jax.metrics.critic import critic, critic_distance
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
quick = dict(steps=150, width=32, learning_rate=1e-2)


def normal(n, d=1):
  return RNG.normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize('c', [0.5, 2.0])
def test_a_shift_by_c_is_c(c):
  found = critic(normal(1000), normal(1000) + np.float32(c), KEY, **quick)
  assert abs(found.held - c) < 0.05 * c + 3 * found.stderr
  assert 0.9 < found.slope < 1.2
  assert abs(found.learnt - found.held) < 5 * found.stderr


def test_in_many_dimensions_it_is_the_length_of_the_shift():
  shift = np.float32([0.5] * 16)  # 2 long
  found = critic(normal(2000, 16), normal(2000, 16) + shift, KEY, **quick)
  assert abs(found.held - 2) < 0.2
  # It is a distance: in other units it is so many times as long.
  a, b = normal(400, 16), normal(400, 16) + shift
  near, far = (critic(s * a, s * b, KEY, **quick).held for s in (np.float32(1), np.float32(64)))
  assert far == pytest.approx(64 * near, rel=1e-3)


def test_it_is_the_distance_of_transport_where_that_is_no_shift():
  a, b = normal(2000), 3 * normal(2000)
  found = critic(a, b, KEY, steps=300, width=32, learning_rate=1e-2)
  exact = wasserstein_distance(a[:, 0], b[:, 0])
  assert 0.8 * exact < found.held < exact + 3 * found.stderr


def test_of_one_kind_it_is_zero_within_its_error():
  some = lambda i: critic(normal(300, 4), normal(300, 4), jax.random.key(i), **quick)
  z = [found.held / found.stderr for found in map(some, range(4))]
  assert np.max(np.abs(z)) < 3.5


def test_the_eval_sees_noise():
  real = RNG.integers(0, 256, (200, 4, 4, 1)).astype(np.uint8)
  more = RNG.integers(0, 256, (200, 4, 4, 1)).astype(np.uint8)
  source = source_of(real, test=real)
  of = lambda fake: critic_distance(sampler_of(fake), source, KEY, n=200, steps=150, width=32)
  null, darker = of(more), of(more // 2)
  assert abs(null['critic_distance']) < 4 * null['stderr']
  assert darker['critic_distance'] > 10 * darker['stderr']
  assert darker['critic_distance'] < np.sqrt(np.mean((real / 255.0) ** 2) * 16)
  assert darker['protocol']['critic'] == '2 x 32, 150 steps, slopes above 1 penalised'


def test_what_cannot_be_learnt_from_is_a_sentence():
  with pytest.raises(InputError, match='too few'):
    critic(normal(3), normal(9), KEY)
  with pytest.raises(InputError, match='nan or inf'):
    critic(normal(9) * np.float32(np.nan), normal(9), KEY)
  with pytest.raises(InputError, match=r'features \[N,D\] and \[M,D\]'):
    critic(normal(9, 2), normal(9, 3), KEY)
