import jax
import numpy as np

from gan_jax import priors, sampling
from gan_jax import step as steps
from gan_jax.data.transforms import chain, scale
from gan_jax.figures import truncation
from gan_jax.game import Net, Objective
from tests.messages import refused
from tests.metrics.standing import source_of
from tests.metrics.test_latent_path import drawing

KEY = jax.random.key(0)
A = np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32) / 8
G = lambda z: (z @ A).reshape(-1, 4, 4, 1)
real = np.random.default_rng(1).integers(0, 256, (60, 4, 4, 1), np.uint8)


def test_truncation_has_a_row_of_the_same_z_for_each_threshold():
  sampler = drawing(G)
  found = truncation.truncation(
    sampler, source_of(real), KEY, thresholds=(0.5, 50.0), columns=4, zoom=1
  )['truncation']
  z = np.asarray(sampler.prior(KEY, 4))
  for r, threshold in enumerate((0.5, 50.0)):
    images = sampler.display(sampler.generate(priors.truncated(sampler.prior, z, threshold)))
    for c in range(4):
      place = found[2 + 6 * r : 6 + 6 * r, 2 + 6 * c : 6 + 6 * c]
      np.testing.assert_array_equal(place, images[c])


def test_truncation_sweep_loses_recall_as_z_is_held_closer():
  sampler = drawing(G)
  data = source_of(sampler.display(sampler.draw(jax.random.key(5), 200)))
  found = truncation.truncation_sweep(
    sampler, data, KEY, thresholds=(0.2, 30.0), n=200, features='pixels'
  )
  assert found['recall_0.2'] < 0.2 < found['recall_30']
  assert found['precision_0.2'] > 0.9
  assert found['truncation_sweep'].dtype == np.uint8


def test_truncation_refuses_a_prior_that_cannot_be_truncated():
  game = steps.Game({'G': Net(lambda key: (), lambda p, z, key=None: G(z))}, {}, Objective({}), {})
  make = sampling.make_sampler(
    game, priors.sphere(3), chain([scale()]), inputs=('z',), critic='', batch=8
  )
  with refused('normal', 'uniform'):
    truncation.truncation(make(steps.init(game, KEY)), source_of(real), KEY)
