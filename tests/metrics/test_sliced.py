"""Transport along directions, and exact: against scipy, POT and closed forms."""

from itertools import permutations

import jax
import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from gan_jax.metrics import sliced as module
from gan_jax.metrics.look import Look, Seen
from gan_jax.metrics.sliced import (
  directions,
  emd,
  gaps,
  mind,
  monge,
  monge_distance,
  random_gaps,
  sliced,
  transported,
)
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)
KEY = jax.random.key(0)


def normal(n, d=6, mean=0.0):
  return RNG.normal(mean, 1, (n, d)).astype(np.float32)


def test_directions_are_unit_vectors_all_over_the_sphere():
  v = directions(4000, 3, RNG)
  np.testing.assert_allclose(np.linalg.norm(v, axis=1), 1, rtol=1e-6)
  np.testing.assert_allclose(v.T @ v / 4000, np.eye(3) / 3, atol=0.03)


@pytest.mark.parametrize('together', [2**24, 500])  # all directions at once, or two
def test_gaps_equal_scipy(together, monkeypatch):
  monkeypatch.setattr(module, 'TOGETHER', together)
  x, y, along = normal(200), 2 * normal(200) + 1, directions(9, 6, RNG)
  expected = [wasserstein_distance(x @ v, y @ v) for v in along]
  np.testing.assert_allclose(gaps(x, y, along).first, expected, rtol=1e-6)


def test_monge_distance_is_minds_formula():
  """As torch-fidelity has it, by hand and in float64."""
  x, y, along = normal(150, 4), normal(150, 4, 0.5), directions(40, 4, RNG)
  value = 0.0
  for v in along.astype(np.float64):
    a, b = np.sort(x @ v), np.sort(y @ v)
    value += np.mean((a - b) ** 2) / 40
  assert monge_distance(gaps(x, y, along).second, 4)[0] == pytest.approx(12 * value, rel=1e-6)


def test_random_gaps_are_along_directions_whatever_their_parts(monkeypatch):
  x, y = normal(30), normal(30)
  along = directions(11, 6, np.random.default_rng(3))
  monkeypatch.setattr(module, 'TOGETHER', 20)  # three directions at a time
  found = random_gaps(x, y, 11, np.random.default_rng(3))
  for ours, theirs in zip(found, gaps(x, y, along), strict=True):
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_monge_distance_of_a_shift_is_known():
  x, d = normal(500), 6
  along = directions(2000, d, RNG)
  value, error = monge_distance(gaps(x, x + np.float32(0.5), along).second, d)
  assert value == pytest.approx(3 * d * 0.25, abs=4 * error)
  assert monge_distance(gaps(x, x, along).second, d) == (0, 0)
  along = np.float32([[1, 0, 0, 0, 0, 0]])
  assert gaps(x, x + np.float32(0.5), along).first[0] == pytest.approx(0.5, rel=1e-5)


def test_transported_equals_pot():
  ot = pytest.importorskip('ot')
  x, y = normal(80), normal(80, mean=1)
  weight = np.full(80, 1 / 80)
  cost = np.linalg.norm(x[:, None].astype(float) - y[None], axis=-1)
  assert transported(x, y) == pytest.approx(ot.emd2(weight, weight, cost), rel=1e-9)


def test_transported_of_numbers_is_scipys():
  x, y = normal(60, 1), normal(60, 1, 2)
  assert transported(x, y) == pytest.approx(wasserstein_distance(x[:, 0], y[:, 0]), rel=1e-9)
  assert transported(x, x[::-1]) == 0


def test_gaps_are_less_than_the_exact_distance():
  x, y = normal(60), normal(60, mean=1)
  assert gaps(x, y, directions(50, 6, RNG)).first.max() <= transported(x, y)


def test_gaps_and_transported_are_golden_numbers():
  """By hand: sorted along the first axis 0, 1, 3, 4 and 0, 2, 3, 6, and so on."""
  x = np.array([[0, 1, 2], [3, 4, 0], [1, 2, 3], [4, 0, 1.0]])
  y = np.array([[0, 1, 2], [3, 4, 5], [6, 0, 1], [2, 3, 4.0]])
  along = np.array([[1, 0, 0], [0.6, 0.8, 0], [0, 0, -1.0]])
  np.testing.assert_allclose(gaps(x, y, along).first, [0.75, 0.65, 1.5])
  assert monge_distance(gaps(x, y, along).second, 3)[0] == pytest.approx(
    9 * (1.25 + 0.85 + 2.5) / 3
  )
  pairings = (np.linalg.norm(x - y[list(p)], axis=1).mean() for p in permutations(range(4)))
  assert transported(x, y) == pytest.approx(min(pairings))


def images(n, low=0, high=256):
  return RNG.integers(low, high, (n, 4, 4, 1)).astype(np.uint8)


@pytest.mark.parametrize(('measure', 'name'), [(sliced, 'sliced'), (monge, 'monge'), (emd, 'emd')])
def test_sliced_monge_and_emd_move_with_noise_and_dropping(measure, name):
  real = np.concatenate([images(60, 0, 120), images(60, 130)])[RNG.permutation(120)]
  of = lambda fake: measure(
    sampler_of(fake), source_of(real), KEY, n=60, features='pixels', split='train'
  )
  same = of(np.concatenate([images(30, 0, 120), images(30, 130)]))
  noise, dropped = of(images(60)), of(images(60, 130))
  assert noise[name] > 1.1 * same[name]
  assert dropped[name] > 1.3 * same[name]
  if name == 'emd':
    assert same['emd'] == pytest.approx(same['real'], rel=0.25)
  else:
    assert same['stderr'] > 0
    assert same['protocol']['directions'] == 1000
  assert same['protocol']['features'] == 'pixels'


def test_mind_is_of_inceptions_features(monkeypatch):
  asked = {}

  def looked(sampler, source, key, **how):
    asked.update(how)
    seen = lambda mean: Seen(normal(how['n'], mean=mean))
    return Look(seen(0), seen(1), dict(features='inception'))

  monkeypatch.setattr(module, 'look', looked)
  found = mind(None, source_of(images(40)), KEY, n=30, count=10)
  assert asked == dict(features='inception', n=30, split='train')
  assert list(found) == ['mind', 'stderr', 'protocol']


def test_sliced_is_of_its_parts():
  real, fake = images(50), images(50)
  found = sliced(sampler_of(fake), source_of(real), KEY, n=50, features='pixels', count=30)
  rng = np.random.default_rng(np.asarray(jax.random.key_data(KEY)))
  unit = lambda x: x.reshape(50, -1) / np.float32(255)
  along = directions(30, 16, rng)
  assert found['sliced'] == pytest.approx(
    gaps(unit(fake), unit(real), along).first.mean(), rel=1e-5
  )
  square = gaps(unit(fake), unit(real), along).second.mean()
  assert found['w2'] == pytest.approx(np.sqrt(square), rel=1e-5)


def test_gaps_and_transported_refuse_bad_input():
  along = directions(3, 6, RNG)
  with refused((5, 6), (6, 6), (3, 6)):
    gaps(normal(5), normal(6), along)
  with refused((5, 4), (3, 6)):
    gaps(normal(5, 4), normal(5, 4), along)
  with refused('nan', (5, 6)):
    gaps(np.full((5, 6), np.inf), normal(5), along)
  with refused((5, 6), (6, 6)):
    transported(normal(5), normal(6))
