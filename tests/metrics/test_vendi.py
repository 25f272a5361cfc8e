"""The Vendi score: against its package, known answers and the direction of diversity."""

import jax
import numpy as np
import pytest

from gan_jax.metrics import vendi as module
from gan_jax.metrics.vendi import effective, of_features, of_kernel, vendi
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

RNG = np.random.default_rng(0)
# Of the package's own description.
THREE = np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1.0]])


def kernel(x):
  unit = x / np.linalg.norm(x, axis=1, keepdims=True)
  return unit @ unit.T


@pytest.mark.filterwarnings('ignore')  # it asks SciPy for a name that is no more
@pytest.mark.parametrize('q', [1, 0.5, 2, 'inf'])
def test_of_kernel_and_of_features_equal_the_package(q):
  package = pytest.importorskip('vendi_score.vendi')
  x = RNG.normal(size=(40, 12)) + 0.5
  order = float(q)
  # The roundings of 0 that it counts weigh something where the order is small.
  near = lambda value: pytest.approx(value, rel=1e-9 if order >= 1 else 1e-7)
  assert of_kernel(kernel(x), order) == near(package.score_K(kernel(x), q=q))
  assert of_features(x, order) == near(package.score_dual(x, q=q))
  # What it computes from features ignores the order.
  assert package.score_X(x, q=q) == pytest.approx(of_features(x, 1), rel=1e-9)


def test_of_features_is_of_kernel_of_their_products(monkeypatch):
  monkeypatch.setattr(module, 'ROWS', 7)
  for n, d in [(30, 8), (8, 30), (20, 20)]:
    x = RNG.normal(size=(n, d))
    for q in (0.3, 1.0, 3.0, np.inf):
      assert of_features(x, q) == pytest.approx(of_kernel(kernel(x), q), rel=1e-9)


def test_of_kernel_and_effective_have_known_answers():
  assert of_kernel(np.eye(5)) == pytest.approx(5)
  assert of_kernel(np.ones((5, 5))) == pytest.approx(1)
  assert of_kernel(THREE) == pytest.approx(2.1573004833739833, abs=1e-12)
  share = np.array([0.5, 0.25, 0.25])
  assert effective(share, 2) == pytest.approx(1 / (0.25 + 0.125))
  assert effective(share, np.inf) == pytest.approx(2)
  assert effective(share, 1) == pytest.approx(2**1.5)
  assert effective(share, 1 + 1e-6) == pytest.approx(2**1.5, rel=1e-5)
  for q in (0.5, 1, 2, np.inf):
    assert of_kernel(np.eye(4), q) == pytest.approx(4)


def test_of_features_falls_with_the_order_and_with_copies():
  x = RNG.normal(size=(60, 10))
  found = [of_features(x, q) for q in (0.5, 1, 2, np.inf)]
  assert found == sorted(found, reverse=True)
  copies = np.concatenate([x[:30], x[:30]])
  assert of_features(copies) == pytest.approx(of_features(x[:30]))
  assert of_features(np.repeat(x[:1], 60, axis=0)) == pytest.approx(1)


def test_of_features_takes_no_direction_for_one_kind():
  x = np.concatenate([np.zeros((3, 4)), np.tile([[1.0, 0, 0, 0]], (3, 1))])
  assert of_features(x) == pytest.approx(2)
  assert of_features(np.zeros((9, 2))) == pytest.approx(1)


def test_vendi_sees_collapse():
  real = RNG.integers(0, 256, (50, 4, 4, 1)).astype(np.uint8)
  of = lambda fake, **how: vendi(
    sampler_of(fake), source_of(real), jax.random.key(0), n=50, features='pixels', **how
  )
  same, one = of(real), of(np.repeat(real[:1], 50, axis=0))
  assert same['vendi'] == pytest.approx(same['real'])
  assert one['vendi'] == pytest.approx(1, abs=1e-6)
  assert of(real, q=np.inf)['vendi'] < same['vendi']
  assert of(real, q=2.0)['protocol']['order'] == 2


def test_of_kernel_and_of_features_refuse_bad_input():
  with refused('q=0'):
    of_features(RNG.normal(size=(5, 3)), 0)
  with refused('itself 1'):
    of_kernel(2 * np.eye(3))
  with refused('symmetric'):
    of_kernel(np.array([[1, 0.5], [0.1, 1]]))
  with refused('nan', (3, 2)):
    of_features(np.full((3, 2), np.nan))
