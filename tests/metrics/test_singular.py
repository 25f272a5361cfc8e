"""Singular values of kernels that are made of known ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import ortho_group

from gan_jax import pairs, priors, sampling
from gan_jax import step as steps
from gan_jax.data.transforms import scale
from gan_jax.game import Net
from gan_jax.metrics.singular import kernels, singular, spectrum
from gan_jax.objectives.gan import gan
from tests.messages import refused
from tests.metrics.standing import sampler_of

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def of_values(s, rows):
  """A matrix [rows, len(s)] of these singular values."""
  u, v = (ortho_group.rvs(n, random_state=n) for n in (rows, len(s)))
  return (u[:, : len(s)] * s) @ v


def test_spectrum_is_known_whatever_the_kernels_shape():
  s = np.array([8.0, 4, 2, 1])
  for shape in ((12, 4), (2, 2, 3, 4)):
    found = spectrum(of_values(s, 12).reshape(shape))
    np.testing.assert_allclose(found.values, s)
    assert found.largest == pytest.approx(8)
    assert found.condition == pytest.approx(8)
    assert found.stable_rank == pytest.approx(85 / 64)


def test_spectrum_has_a_stable_rank_between_1_and_the_rank():
  assert spectrum(np.eye(5)).stable_rank == pytest.approx(5)
  assert spectrum(np.outer(np.arange(1, 6), np.ones(7))).stable_rank == pytest.approx(1)
  assert spectrum(np.zeros((3, 3))).condition == np.inf


def test_spectrum_flags_a_layer_of_one_direction():
  some = RNG.normal(size=(32, 16))
  assert not spectrum(some).collapsed
  one = some + 10 * np.outer(RNG.normal(size=32), RNG.normal(size=16))
  assert spectrum(one).collapsed
  assert not spectrum(one[:, :1]).collapsed  # a verdict is of one direction anyway


def test_kernels_are_found_by_name_with_their_paths():
  tree = {'Dense_0': {'kernel': np.ones((2, 3)), 'bias': np.ones(3)},
          'deep': [{'kernel': np.ones((3, 3, 1, 2))}], 'norm': {'kernel': np.ones(3)}}  # fmt: skip
  assert [path for path, _ in kernels(tree)] == ['Dense_0', 'deep/0']


def drawing(g, d):
  layer = lambda w, f: Net(
    lambda key: {'layer': {'kernel': jnp.float32(w)}}, lambda p, *a, key=None: f(p, *a)
  )
  nets = {
    'G': layer(g, lambda p, z: (z @ p['layer']['kernel']).reshape(-1, 4, 4, 1)),
    'D': layer(d, lambda p, x: (x.reshape(-1, 16) @ p['layer']['kernel'])[:, 0]),
  }
  game = steps.Game(nets, {}, gan(None, pair=pairs.hinge()), {})
  return sampling.make_sampler(game, priors.normal(8), scale())(steps.init(game, KEY))


def test_singular_tells_of_every_layer_of_both():
  healthy = drawing(of_values(np.linspace(2, 1, 8), 16).T, of_values(np.ones(8), 16))
  found = singular(healthy, None, KEY)
  assert found['singular'] == pytest.approx(2, rel=1e-5)
  assert found['G/layer/condition'] == pytest.approx(2, rel=1e-5)
  assert found['D/layer/stable_rank'] == pytest.approx(8, rel=1e-5)
  assert found['collapsed'] == 0
  values = np.r_[20.0, np.ones(7)]
  exploded = singular(drawing(of_values(values, 16).T, of_values(np.ones(8), 16)), None, KEY)
  assert exploded['collapsed'] == 1
  assert exploded['singular'] == pytest.approx(20, rel=1e-5)
  assert exploded['stable_rank'] < found['stable_rank']


def test_singular_refuses_what_has_no_kernels():
  with refused('networks of a run'):
    singular(sampler_of(np.zeros((2, 4, 4, 1), np.uint8)), None, KEY)
  with refused("'E'"):
    singular(drawing(np.ones((8, 16)), np.ones((16, 1))), None, KEY, nets=('E',))
  with refused('nan', (2, 2)):
    spectrum(np.full((2, 2), np.nan))
