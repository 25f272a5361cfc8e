"""What classifiers learn from samples, where it is known what samples are wrong in.

Each set of images teaches one classifier, whoever asks for it: the same images give the same.
"""

import jax
import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from gan_jax.data.source import digest
from gan_jax.features.classifier import Recipe, scores, train
from gan_jax.metrics import cas
from tests.messages import refused, says
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
RECIPE = Recipe(width=8, shown=4000)


def bars(n, classes=3, noise=40.0):
  """A bright column says the class."""
  label = np.arange(n) % classes
  image = RNG.normal(60, noise, (n, 8, 8, 1))
  image[np.arange(n), :, 2 * label + 1] += 120
  return np.clip(image, 0, 255).astype(np.uint8), label


REAL, TEST, SAMPLES = bars(240), bars(150), bars(240)


@pytest.fixture(scope='module')
def learnt():
  """(image, label, classes, recipe) -> weights, as `train` gives them, trained once."""
  known = {}

  def once(image, label, classes, recipe, title=''):
    key = digest(image), digest(np.asarray(label)), classes, recipe
    if key not in known:
      known[key] = train(image, label, classes, recipe, title)
    return known[key]

  return once


@pytest.fixture
def taught(learnt, monkeypatch):
  """(image, label) of samples -> what the eval says of them."""
  monkeypatch.setattr(cas, 'train', learnt)
  source = source_of(*REAL, test=TEST)
  return lambda image, label: cas.cas(
    sampler_of(image, label), source, KEY, n=len(label), width=8, shown=4000
  )


def test_cas_of_good_samples_is_high_and_of_mislabelled_ones_low(taught):
  image, label = SAMPLES
  good = taught(image, label)
  assert good['cas'] > 0.95
  assert good['real'] > 0.95
  assert good['gan_test'] > 0.95
  assert good['divergence'] < 0.3
  wrong = taught(image, (label + 1) % 3)
  assert wrong['cas'] < 0.1
  assert wrong['gan_test'] < 0.1
  assert wrong['divergence'] > 1


def test_cas_of_few_classes_is_low_though_they_pass(taught):
  image, label = SAMPLES
  found = taught(image[label < 2], label[label < 2])
  assert found['gan_test'] > 0.95
  assert found['cas'] < 0.75
  assert found['stderr'] == pytest.approx(np.sqrt(found['cas'] * (1 - found['cas']) / 150))


def test_taught_are_the_numbers_of_the_two_classifiers(learnt, monkeypatch):
  monkeypatch.setattr(cas, 'train', learnt)
  fake, test = bars(240, noise=90), bars(150, noise=90)
  found = cas.taught(fake, REAL, test, 3, RECIPE)
  by = {n: learnt(*given, 3, RECIPE) for n, given in (('fake', fake), ('real', REAL))}
  logits = lambda name, image: scores(by[name], image, 3, 8)
  right = lambda name, given: np.mean(logits(name, given[0]).argmax(1) == given[1])
  assert found.gan_train == right('fake', test)
  assert found.gan_test == right('real', fake)
  assert found.real == right('real', test)
  p, q = softmax(logits('fake', test[0]), axis=1), softmax(logits('real', test[0]), axis=1)
  assert found.divergence == pytest.approx(np.mean(entropy(p, q, axis=1)), rel=1e-4)


def test_divergence_is_scipys():
  a, b = RNG.normal(size=(2, 20, 5))
  expected = np.mean([entropy(p, q) for p, q in zip(softmax(a, 1), softmax(b, 1), strict=True)])
  assert cas.divergence(a, b) == pytest.approx(expected, rel=1e-9)
  assert cas.divergence(a, a) == 0


def test_cas_takes_images_evenly_as_drawn_and_none_without_a_label(learnt, monkeypatch):
  """Of whatever classifiers: those that are handed out know other images."""
  image, label = SAMPLES
  stored = np.pad(image, [(0, 0), (1, 1), (2, 2), (0, 0)])
  untold = np.where(np.arange(240) % 2, label, -1)
  taken = []
  known = learnt(*REAL, 3, RECIPE)
  monkeypatch.setattr(cas, 'train', lambda x, y, *_: taken.append((x, y)) or known)
  crop = lambda x: np.asarray(x, np.float32)[:, 1:-1, 2:-2] / 255
  sampler = sampler_of(image, label, see=crop)
  source = source_of(stored, untold, test=(stored[:30], label[:30]))
  found = cas.cas(sampler, source, KEY, n=50, real_n=40, width=8, shown=640)
  (drawn, asked), (x, y) = taken
  np.testing.assert_array_equal(drawn, image[:50])
  np.testing.assert_array_equal(asked, label[:50])
  rows = (2 * np.linspace(0, 119, 40).astype(int)) + 1
  np.testing.assert_array_equal(x, image[rows])
  np.testing.assert_array_equal(y, label[rows])
  says(found['protocol']['real'], 'standing train', '40')
  says(found['protocol']['test'], 'standing test', '30')


def test_cas_refuses_what_has_no_classes():
  image, label = bars(60)
  with refused("'label'"):
    cas.cas(sampler_of(image), source_of(image, label), KEY, n=60)
  with refused('standing train', 'labels'):
    cas.cas(sampler_of(image, label), source_of(image), KEY, n=60)
  with refused('0 test', '0 labels'):
    cas.taught((image, label), (image, label), (image[:0], label[:0]), 3, RECIPE)
