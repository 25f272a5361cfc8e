"""The probe: its features by hand, its SVM against scikit-learn on the same ones, its draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.svm import LinearSVC

from gan_jax import inside
from gan_jax.errors import InputError
from gan_jax.exposed import columns, exposed
from gan_jax.metrics import probe
from gan_jax.nets import dcgan, plain
from gan_jax.nets.layers import net
from tests.figures.test_filters import run
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
  return run(net(dcgan.Discriminator(width=3), jnp.zeros((2, 16, 16, 1))))


def test_pooling_takes_the_maxima_of_a_grid():
  maps = jnp.asarray(RNG.normal(size=(2, 8, 12, 3)), jnp.float32)
  expected = np.asarray(maps).reshape(2, 4, 2, 4, 3, 3).max((2, 4))
  np.testing.assert_array_equal(probe.pooled(maps), expected)
  np.testing.assert_array_equal(probe.pooled(maps[:, :4, :4]), maps[:, :4, :4])
  assert probe.pooled(maps[:, :2, :7]).shape == (2, 2, 4, 3)
  odd = probe.pooled(maps[:, :7])  # cells 0-1, 1-3, 3-5, 5-6
  for i, rows in enumerate(((0, 2), (1, 4), (3, 6), (5, 7))):
    np.testing.assert_array_equal(odd[0, i, 0], np.asarray(maps)[0, slice(*rows), :3].max((0, 1)))


def test_features_are_of_all_layers_of_maps(sampler):
  opened = exposed(sampler, 'D', columns(SOURCE, 'train'))
  found = probe.extract(opened, *opened.given)
  values = inside.seen(opened.function, inside.maps(opened.layers))(opened.given[0])
  assert [value.after.shape for value in values] == [(240, 8, 8, 3), (240, 4, 4, 6)]
  expected = [np.asarray(values[0].after).reshape(240, 4, 2, 4, 2, 3).max((2, 4)), values[1].after]
  expected = np.concatenate([np.asarray(e).reshape(240, -1) for e in expected], axis=1)
  np.testing.assert_allclose(found, expected, atol=1e-5)
  flat = run(net(plain.Discriminator(), jnp.zeros((2, 16, 16, 1))))
  with pytest.raises(InputError, match='no maps to pool'):
    probe.extract(exposed(flat, 'D', columns(SOURCE, 'train')), *opened.given)


def test_accuracy_is_scikit_learns_on_the_same_features(sampler):
  opened = exposed(sampler, 'D', columns(SOURCE, 'train'))
  x = probe.extract(opened, *opened.given)
  test = probe.extract(opened, sampler.see(TEST[0]))
  found = probe.probe(sampler, SOURCE, KEY, c=(0.01,))
  expected = LinearSVC(C=0.01, dual=False).fit(x, TRAIN[1]).score(test, TEST[1])
  assert found['accuracy'] == pytest.approx(expected, abs=0.012)
  assert found['accuracy'] > 0.6
  assert found['features'] == 16 * 9
  assert found['c'] == 0.01
  assert found['protocol']['features'] == 'D, 2 layers'


def test_c_is_chosen_on_what_is_held_out():
  x = RNG.normal(size=(200, 30))
  y = (x[:, 0] + 0.7 * RNG.normal(size=200) > 0).astype(int)
  fit, held = probe.Labelled(x[:100], y[:100]), probe.Labelled(x[100:], y[100:])
  grid = (1e-4, 1e-2, 100.0)
  scores = [LinearSVC(C=c, dual=False).fit(*fit).score(*held) for c in grid]
  assert probe.chosen([(fit, held)], grid[::-1]) == grid[int(np.argmax(scores))]
  assert probe.chosen([(fit, fit)], (7,)) == 7


def test_few_labels_are_as_many_of_each_class():
  y = np.repeat([0, 1, 2], [50, 30, 20])
  rows = probe.balanced(y, 30, np.random.default_rng(0))
  assert np.bincount(y[rows]).tolist() == [10, 10, 10]
  assert len(set(rows)) == 30
  for count in (31, 63, 0):
    with pytest.raises(InputError, match='multiple of the classes'):
      probe.balanced(y, count, np.random.default_rng(0))


def test_fewer_labels_more_errors(sampler):
  of = lambda labels: probe.few_labels(
    sampler, SOURCE, KEY, labels=labels, draws=4, c=(0.1,), validation=60
  )
  few, more = of(6), of(120)
  assert few['error'] > more['error']
  assert few['spread'] > more['spread'] > 0
  assert of(6)['error'] == few['error']
  assert more['protocol']['validation'] == 60
  assert more['protocol']['labels'] == 120


def test_an_extractor_is_probed_in_the_same_way(sampler):
  found = probe.probe(sampler, SOURCE, KEY, of='pixels', c=(1e-3,))
  flat = lambda image: image.reshape(len(image), -1) / 255
  expected = LinearSVC(C=1e-3).fit(flat(TRAIN[0]), TRAIN[1]).score(flat(TEST[0]), TEST[1])
  assert found['accuracy'] == pytest.approx(expected, abs=0.012)
  assert expected > 0.6
  assert found['protocol']['features'] == 'pixels'


def test_without_labels_it_is_a_sentence(sampler):
  with pytest.raises(InputError, match="'test' has no labels"):
    probe.probe(sampler, source_of(*TRAIN, test=TEST[0]), KEY)
