"""Counting modes, on samples whose modes are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import entropy

from gan_jax.data import mixture
from gan_jax.data.digits import digits
from gan_jax.data.stacked import stacked
from gan_jax.features.extractor import Extractor
from gan_jax.metrics.modes import coverage, modes, recovered, stacked_modes
from tests.messages import refused, says
from tests.metrics.standing import sampler_of

KEY = jax.random.key(0)
STACKED = lambda split='train': stacked('digits', split=split)


def test_coverage_of_the_ring_itself_is_eight_modes():
  source = mixture.ring(n=2500)
  centres = np.asarray(source.meta['centres'])
  assert len(np.unique(centres.round(6), axis=0)) == 8
  found = coverage(source.arrays['image'], centres, source.meta['sigma'])
  assert found['modes'] == 8
  # Within 3 sigma of a plane Gaussian's centre lie 1 - e^-4.5 of its points.
  assert found['high_quality'] == pytest.approx(1 - np.exp(-4.5), abs=0.01)
  assert found['kl'] < 0.01


def test_coverage_of_a_collapsed_generator_is_one_mode():
  centres = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
  found = coverage(np.tile([1.0, 0.0], (100, 1)), centres, 0.1)
  assert found == {'modes': 1.0, 'high_quality': 1.0, 'kl': pytest.approx(np.log(4))}


def test_coverage_of_samples_far_from_every_mode_is_none():
  found = coverage(np.full((10, 2), 50.0), np.array([[0.0, 0], [1, 0]]), 0.1)
  assert (found['modes'], found['high_quality'], found['kl']) == (0.0, 0.0, np.inf)


def test_modes_are_of_mixtures_and_stacked_modes_of_stacks():
  with refused('digits', 'centres'):
    modes(sampler_of(np.zeros((9, 8, 8, 1), np.uint8)), digits, KEY)
  with refused('digits', 'stacked'):
    stacked_modes(sampler_of(np.zeros((9, 8, 8, 1), np.uint8)), digits, KEY)


# --- stacked digits -------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def drawn():
  """1,500 stacks, and the mode of each."""
  found = stacked('digits', n=1500, seed=1).arrays
  return found['image'], found['label']


def exact(source):
  """Reads digits that it has seen: those of the nearest image of what it is given to learn from."""
  base = source('train').arrays
  known = np.asarray(base['image'], np.float32).reshape(len(base['image']), -1)
  label = np.asarray(base['label'])
  return Extractor(f'exact of {len(label)}', (known, label), nearest)


def nearest(weights, images):
  known, label = weights
  x = images.reshape(len(images), -1).astype(jnp.float32)
  row = jnp.argmin(jnp.sum(known**2, 1)[None] - 2 * x @ known.T, axis=1)
  return {'features': x, 'logits': jax.nn.one_hot(label[row], 10)}


READER = f'{__name__}.exact'


def test_recovered_modes_and_their_divergence_are_counts():
  share = np.array([0.5, 0.3, 0.2, 0.0])
  mode = np.array([0, 0, 1, 0, 1])
  hit, kl = recovered(mode, share)
  assert hit == 2
  assert kl == pytest.approx(entropy([3, 2, 0, 0], share), rel=1e-12)
  assert recovered(np.array([3, 0]), share) == (2, np.inf)
  with refused('4 modes', 'mode 4'):
    recovered(np.array([4]), share)


def test_recovered_of_draws_of_the_data_has_the_known_divergence():
  rng = np.random.default_rng(0)
  share = rng.dirichlet(np.full(50, 9.0))
  kl = [recovered(rng.choice(50, 5000, p=share), share)[1] for _ in range(100)]
  assert np.mean(kl) == pytest.approx(49 / 1e4, rel=0.1)


def test_stacked_modes_are_read_channel_by_channel(drawn):
  """By who has learnt single digits of the training split, and so knows them all."""
  image, label = drawn
  found = stacked_modes(sampler_of(image), STACKED, KEY, features=READER, n=1500)
  share = np.bincount(digits().arrays['label']) / 1500
  shares = np.prod(np.meshgrid(share, share, share, indexing='ij'), axis=0).ravel()
  assert found['stacked_modes'] == len(np.unique(label))
  assert found['kl'] == pytest.approx(entropy(np.bincount(label, minlength=1000), shares), rel=1e-9)
  assert found['modes_real'] == len(np.unique(STACKED().arrays['label']))
  assert abs(found['kl'] - found['kl_real']) < 0.05
  says(found['protocol']['features'], 'exact of 1500', 'channel')


def test_stacked_modes_are_fewer_where_digits_were_lost(drawn):
  image, label = drawn
  lost = image[label // 100 < 3]
  found = stacked_modes(sampler_of(lost), STACKED, KEY, features=READER, n=len(lost))
  assert found['stacked_modes'] <= 300
  assert found['kl'] > np.log(3)
  one = np.repeat(lost[:1], 50, axis=0)
  found = stacked_modes(sampler_of(one), STACKED, KEY, features=READER, n=50)
  assert found['stacked_modes'] == 1
  assert found['kl'] == pytest.approx(np.log(1000), rel=0.1)


def test_stacked_modes_refuse_who_tells_no_classes(drawn):
  with refused('pixels', '10 classes', 'digits'):
    stacked_modes(sampler_of(drawn[0]), STACKED, KEY, features='pixels', n=60)


@pytest.mark.slow  # a network is compiled and trained; the tests above have a reader of their own
def test_stacked_modes_are_read_by_a_classifier_of_single_digits(drawn):
  quick = dict(name='classifier', width=2, shown=640)
  found = stacked_modes(sampler_of(drawn[0]), STACKED, KEY, features=quick, n=60)
  says(found['protocol']['features'], 'classifier:digits train:acc', 'channel')
  assert 1 <= found['stacked_modes'] <= 60
