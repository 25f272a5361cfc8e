"""What classifiers learn from samples, where it is known what samples are wrong in."""

import jax
import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from gan_jax.errors import InputError
from gan_jax.features.classifier import Recipe, scores, train
from gan_jax.metrics import cas
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


def run(image, label, source=None, **options):
  source = source or source_of(*bars(240), test=bars(150))
  return cas.cas(
    sampler_of(image, label), source, KEY, n=len(label), width=8, shown=4000, **options
  )


def test_good_samples_teach_as_much_as_real_images_and_mislabelled_ones_do_not():
  image, label = bars(240)
  good = run(image, label)
  assert good['cas'] > 0.95
  assert good['real'] > 0.95
  assert good['gan_test'] > 0.95
  assert good['divergence'] < 0.3
  wrong = run(image, (label + 1) % 3)
  assert wrong['cas'] < 0.1
  assert wrong['gan_test'] < 0.1
  assert wrong['divergence'] > 1


def test_samples_of_few_classes_pass_but_do_not_teach():
  image, label = bars(240)
  found = run(image[label < 2], label[label < 2])
  assert found['gan_test'] > 0.95
  assert found['cas'] < 0.75
  assert found['stderr'] == pytest.approx(np.sqrt(found['cas'] * (1 - found['cas']) / 150))


def test_the_numbers_are_those_of_the_two_classifiers():
  fake, real, test = bars(90, noise=90), bars(120), bars(60, noise=90)
  found = cas.taught(fake, real, test, 3, RECIPE)
  by = {n: train(*given, 3, RECIPE) for n, given in (('fake', fake), ('real', real))}
  says = lambda name, image: scores(by[name], image, 3, 8)
  right = lambda name, given: np.mean(says(name, given[0]).argmax(1) == given[1])
  assert found.gan_train == right('fake', test)
  assert found.gan_test == right('real', fake)
  assert found.real == right('real', test)
  p, q = softmax(says('fake', test[0]), axis=1), softmax(says('real', test[0]), axis=1)
  assert found.divergence == pytest.approx(np.mean(entropy(p, q, axis=1)), rel=1e-4)


def test_the_divergence_is_scipys():
  a, b = RNG.normal(size=(2, 20, 5))
  expected = np.mean([entropy(p, q) for p, q in zip(softmax(a, 1), softmax(b, 1), strict=True)])
  assert cas.divergence(a, b) == pytest.approx(expected, rel=1e-9)
  assert cas.divergence(a, a) == 0


def test_images_are_taken_evenly_as_they_would_be_drawn_and_without_untold_ones(monkeypatch):
  image, label = bars(240)
  stored = np.pad(image, [(0, 0), (1, 1), (2, 2), (0, 0)])
  untold = np.where(np.arange(240) % 2, label, -1)
  taken = []
  monkeypatch.setattr(cas, 'train', lambda x, y, *_: taken.append((x, y)) or train(x, y, *_))
  crop = lambda x: np.asarray(x, np.float32)[:, 1:-1, 2:-2] / 255
  sampler = sampler_of(image, label, see=crop)
  source = source_of(stored, untold, test=(stored[:30], label[:30]))
  found = cas.cas(sampler, source, KEY, n=50, real_n=40, width=8, shown=640)
  (_, _), (x, y) = taken
  rows = (2 * np.linspace(0, 119, 40).astype(int)) + 1
  np.testing.assert_array_equal(x, image[rows])
  np.testing.assert_array_equal(y, label[rows])
  assert found['protocol']['real'] == 'standing train: 40'
  assert found['protocol']['test'] == 'standing test: 30'


def test_what_has_no_classes_is_refused():
  image, label = bars(60)
  with pytest.raises(InputError, match='told no class'):
    cas.cas(sampler_of(image), source_of(image, label), KEY, n=60)
  with pytest.raises(InputError, match='standing train has no labels'):
    run(image, label, source_of(image))
  with pytest.raises(InputError, match='there are 0 test images'):
    cas.taught((image, label), (image, label), (image[:0], label[:0]), 3, RECIPE)
