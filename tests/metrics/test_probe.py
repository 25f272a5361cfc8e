"""The probe: its features by hand, its SVM against scikit-learn on the same ones, its draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.svm import LinearSVC

from gan_jax import inside, priors, sampling
from gan_jax import step as steps
from gan_jax.data import transforms
from gan_jax.exposed import columns, exposed
from gan_jax.game import Net, Objective
from gan_jax.inside import Layer
from gan_jax.metrics import probe
from gan_jax.nets import dcgan
from gan_jax.nets.layers import net
from tests.messages import refused, says
from tests.metrics.standing import source_of

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def stripes(n):
  """Images of noise with stripes across, along, or none, and which it is."""
  label = np.arange(n) % 3
  image = RNG.integers(0, 160, (n, 16, 16, 1))
  image[label == 0, ::4] += 90
  image[label == 1, :, ::4] += 90
  return image.astype(np.uint8), label


TRAIN, TEST = stripes(240), stripes(90)
SOURCE = source_of(*TRAIN, test=TEST)


@pytest.fixture(scope='module')
def sampler():
  """Of an untrained D of two layers; what G is does not matter."""
  nets = {
    'G': Net(lambda key: (), lambda w, z, key=None: jnp.zeros((len(z), 16, 16, 1))),
    'D': net(dcgan.Discriminator(width=3), jnp.zeros((2, 16, 16, 1))),
  }
  game = steps.Game(nets, {}, Objective({}), {})
  make = sampling.make_sampler(game, priors.normal(4), transforms.scale(), batch=8, calibration=2)
  return make(steps.init(game, KEY))


@pytest.fixture(scope='module')
def opened(sampler):
  """Its D laid open, with the images to learn from."""
  return exposed(sampler, 'D', columns(SOURCE, 'train'))


@pytest.fixture(scope='module')
def features(sampler, opened):
  """What `extract` makes of both splits."""
  given = np.concatenate([*opened.given, sampler.see(TEST[0])])
  return np.split(probe.extract(opened, given), [len(TRAIN[0])])


def test_pooled_takes_the_maxima_of_a_grid():
  maps = RNG.normal(size=(2, 8, 12, 3)).astype(np.float32)
  given = maps, maps[:, :4, :4], maps[:, :2, :7], maps[:, :7]
  whole, small, wide, odd = jax.jit(lambda *all_: [probe.pooled(a) for a in all_])(*given)
  expected = maps.reshape(2, 4, 2, 4, 3, 3).max((2, 4))
  np.testing.assert_array_equal(whole, expected)
  np.testing.assert_array_equal(small, maps[:, :4, :4])
  assert wide.shape == (2, 2, 4, 3)
  for i, rows in enumerate(((0, 2), (1, 4), (3, 6), (5, 7))):  # cells 0-1, 1-3, 3-5, 5-6
    np.testing.assert_array_equal(odd[0, i, 0], maps[0, slice(*rows), :3].max((0, 1)))


def test_extract_is_of_all_layers_of_maps(opened, features):
  see = jax.jit(inside.seen(opened.function, inside.maps(opened.layers)))
  values = see(opened.given[0])
  assert [value.after.shape for value in values] == [(240, 8, 8, 3), (240, 4, 4, 6)]
  expected = [np.asarray(values[0].after).reshape(240, 4, 2, 4, 2, 3).max((2, 4)), values[1].after]
  expected = np.concatenate([np.asarray(e).reshape(240, -1) for e in expected], axis=1)
  np.testing.assert_allclose(features[0], expected, atol=1e-5)
  flat = opened._replace(layers=(Layer('Dense_0', 'Dense', (5,)),))
  with refused('maps', 'convolutions'):
    probe.extract(flat, *opened.given)


def test_probe_is_as_right_as_scikit_learn_on_the_same_features(sampler, features):
  x, test = features
  found = probe.probe(sampler, SOURCE, KEY, c=(0.01,))
  expected = LinearSVC(C=0.01, dual=False).fit(x, TRAIN[1]).score(test, TEST[1])
  assert found['accuracy'] == pytest.approx(expected, abs=0.012)
  assert found['accuracy'] > 0.6
  assert found['features'] == 16 * 9
  assert found['c'] == 0.01
  says(found['protocol']['features'], 'D', '2 layers')


def test_chosen_c_is_the_best_on_what_is_held_out():
  x = RNG.normal(size=(200, 30))
  y = (x[:, 0] + 0.7 * RNG.normal(size=200) > 0).astype(int)
  fit, held = probe.Labelled(x[:100], y[:100]), probe.Labelled(x[100:], y[100:])
  grid = (1e-4, 1e-2, 100.0)
  scores = [LinearSVC(C=c, dual=False).fit(*fit).score(*held) for c in grid]
  assert probe.chosen([(fit, held)], grid[::-1]) == grid[int(np.argmax(scores))]
  assert probe.chosen([(fit, fit)], (7,)) == 7


def test_balanced_takes_as_many_labels_of_each_class():
  y = np.repeat([0, 1, 2], [50, 30, 20])
  rows = probe.balanced(y, 30, np.random.default_rng(0))
  assert np.bincount(y[rows]).tolist() == [10, 10, 10]
  assert len(set(rows)) == 30
  for count in (31, 63, 0):
    with refused(f'{count} labels', '3 classes', '20'):
      probe.balanced(y, count, np.random.default_rng(0))


def test_few_labels_make_more_errors_the_fewer_they_are(sampler, features, monkeypatch):
  """Of features that are known, of the network's own inputs for either split."""
  known = {240: features[0], 90: features[1]}
  monkeypatch.setattr(probe, 'extract', lambda net, x: known[len(x)])
  of = lambda labels: probe.few_labels(
    sampler, SOURCE, KEY, labels=labels, draws=4, c=(0.1,), validation=60
  )
  few, more = of(6), of(120)
  assert few['error'] > more['error']
  assert few['spread'] > more['spread'] > 0
  assert of(6)['error'] == few['error']
  assert more['protocol']['validation'] == 60
  assert more['protocol']['labels'] == 120


def test_probe_takes_an_extractor_in_the_same_way(sampler):
  found = probe.probe(sampler, SOURCE, KEY, of='pixels', c=(1e-3,))
  flat = lambda image: image.reshape(len(image), -1) / 255
  expected = LinearSVC(C=1e-3).fit(flat(TRAIN[0]), TRAIN[1]).score(flat(TEST[0]), TEST[1])
  assert found['accuracy'] == pytest.approx(expected, abs=0.012)
  assert expected > 0.6
  assert found['protocol']['features'] == 'pixels'


def test_probe_refuses_data_without_labels(sampler):
  with refused("'test'", 'labels'):
    probe.probe(sampler, source_of(*TRAIN, test=TEST[0]), KEY)
