"""Counting modes, on samples whose modes are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import entropy

from gan_jax.data import mixture
from gan_jax.data.digits import digits
from gan_jax.data.stacked import stacked
from gan_jax.errors import InputError
from gan_jax.features.extractor import Extractor
from gan_jax.metrics.modes import coverage, modes, recovered, stacked_modes
from tests.metrics.standing import sampler_of

KEY = jax.random.key(0)
STACKED = lambda split='train': stacked('digits', split=split)


def test_the_ring_itself_covers_eight_distinct_modes():
  source = mixture.ring(n=2500)
  centres = np.asarray(source.meta['centres'])
  assert len(np.unique(centres.round(6), axis=0)) == 8
  found = coverage(source.arrays['image'], centres, source.meta['sigma'])
  assert found['modes'] == 8
  # Within 3 sigma of a plane Gaussian's centre lie 1 - e^-4.5 of its points.
  assert found['high_quality'] == pytest.approx(1 - np.exp(-4.5), abs=0.01)
  assert found['kl'] < 0.01


def test_a_collapsed_generator_finds_one_mode_and_its_kl_is_log_of_their_number():
  centres = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
  found = coverage(np.tile([1.0, 0.0], (100, 1)), centres, 0.1)
  assert found == {'modes': 1.0, 'high_quality': 1.0, 'kl': pytest.approx(np.log(4))}


def test_samples_far_from_every_mode_count_for_none():
  found = coverage(np.full((10, 2), 50.0), np.array([[0.0, 0], [1, 0]]), 0.1)
  assert (found['modes'], found['high_quality'], found['kl']) == (0.0, 0.0, np.inf)


def test_modes_are_asked_of_mixtures_and_of_stacks():
  with pytest.raises(InputError, match='its sidecar names no centres'):
    modes(sampler_of(np.zeros((9, 8, 8, 1), np.uint8)), digits, KEY)
  with pytest.raises(InputError, match='digits is not stacked'):
    stacked_modes(sampler_of(np.zeros((9, 8, 8, 1), np.uint8)), digits, KEY)


# --- stacked digits -------------------------------------------------------------------------------


def exact():
  """Reads digits that it has seen: those of the nearest training image."""
  base = digits().arrays
  known = base['image'].reshape(1500, -1).astype(np.float32)
  label = jnp.asarray(base['label'])

  def apply(weights, images):
    x = images.reshape(len(images), -1).astype(jnp.float32)
    nearest = jnp.argmin(jnp.sum(weights**2, 1)[None] - 2 * x @ weights.T, axis=1)
    return {'features': x, 'logits': jax.nn.one_hot(label[nearest], 10)}

  return Extractor('exact', known, apply)


def test_modes_hit_and_their_divergence_are_counts():
  share = np.array([0.5, 0.3, 0.2, 0.0])
  mode = np.array([0, 0, 1, 0, 1])
  hit, kl = recovered(mode, share)
  assert hit == 2
  assert kl == pytest.approx(entropy([3, 2, 0, 0], share), rel=1e-12)
  assert recovered(np.array([3, 0]), share) == (2, np.inf)
  with pytest.raises(InputError, match='a sample is of mode 4'):
    recovered(np.array([4]), share)


def test_draws_of_the_data_have_the_divergence_that_few_draws_have():
  rng = np.random.default_rng(0)
  share = rng.dirichlet(np.full(50, 9.0))
  kl = [recovered(rng.choice(50, 5000, p=share), share)[1] for _ in range(100)]
  assert np.mean(kl) == pytest.approx(49 / 1e4, rel=0.1)


def test_stacked_digits_are_read_channel_by_channel():
  drawn = stacked('digits', n=1500, seed=1)
  found = stacked_modes(sampler_of(drawn.arrays['image']), STACKED, KEY, features=exact(), n=1500)
  label = drawn.arrays['label']
  share = np.bincount(digits().arrays['label']) / 1500
  shares = np.prod(np.meshgrid(share, share, share, indexing='ij'), axis=0).ravel()
  assert found['stacked_modes'] == len(np.unique(label))
  assert found['kl'] == pytest.approx(entropy(np.bincount(label, minlength=1000), shares), rel=1e-9)
  assert found['modes_real'] == len(np.unique(STACKED().arrays['label']))
  assert abs(found['kl'] - found['kl_real']) < 0.05
  assert found['protocol']['features'] == 'exact, by channel'


def test_a_generator_that_lost_digits_has_fewer_modes_and_a_larger_divergence():
  drawn = stacked('digits', n=1500, seed=1).arrays
  lost = drawn['image'][drawn['label'] // 100 < 3]
  found = stacked_modes(sampler_of(lost), STACKED, KEY, features=exact(), n=len(lost))
  assert found['stacked_modes'] <= 300
  assert found['kl'] > np.log(3)
  one = np.repeat(lost[:1], 50, axis=0)
  found = stacked_modes(sampler_of(one), STACKED, KEY, features=exact(), n=50)
  assert found['stacked_modes'] == 1
  assert found['kl'] == pytest.approx(np.log(1000), rel=0.1)


def test_the_reader_is_trained_on_single_digits():
  drawn = stacked('digits', n=60, seed=1).arrays['image']
  quick = dict(name='classifier', width=2, shown=640)
  found = stacked_modes(sampler_of(drawn), STACKED, KEY, features=quick, n=60)
  assert found['protocol']['features'].startswith('classifier:digits train:acc')
  assert 1 <= found['stacked_modes'] <= 60
  with pytest.raises(InputError, match='does not tell the 10 classes'):
    stacked_modes(sampler_of(drawn), STACKED, KEY, features='random_conv', n=60)
