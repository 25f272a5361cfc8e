import jax
import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from gan_jax.errors import InputError
from gan_jax.features.extractor import Extractor
from gan_jax.metrics import cas
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def bars(n, classes=3, noise=40.0):
  """A bright column says the class."""
  label = np.arange(n) % classes
  image = RNG.normal(60, noise, (n, 8, 8, 1))
  image[np.arange(n), :, 2 * label + 1] += 120
  return np.clip(image, 0, 255).astype(np.uint8), label


def run(image, label):
  source = source_of(*bars(240), test=bars(150))
  return cas.cas(
    sampler_of(image, label), source, KEY, n=len(label), width=8, shown=4000, test='test'
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


def told():
  """Sums of columns."""
  return Extractor('told', (), lambda w, x: {'features': x.astype('float32').mean((1, 3)) / 255})


def test_boundaries_are_distorted_by_dropped_classes():
  source = source_of(*bars(400))
  at = lambda image, label: cas.boundary(
    sampler_of(image, label), source, KEY, features=told(), n=len(label)
  )
  image, label = bars(400)
  whole, dropped = at(image, label), at(image[label < 2], label[label < 2])
  assert abs(whole['boundary']) < 0.03
  assert dropped['boundary'] > 0.25
  one = at(image[label == 1], label[label == 1])
  assert one['fake'] < 0.4


def test_the_divergence_is_scipys():
  a, b = RNG.normal(size=(2, 20, 5))
  expected = np.mean([entropy(p, q) for p, q in zip(softmax(a, 1), softmax(b, 1), strict=True)])
  assert cas.divergence(a, b) == pytest.approx(expected, rel=1e-9)
  assert cas.divergence(a, a) == 0


def test_what_has_no_classes_is_refused():
  image, label = bars(60)
  with pytest.raises(InputError, match='told no class'):
    cas.cas(sampler_of(image), source_of(image, label), KEY, n=60)
  with pytest.raises(InputError, match='train has no labels'):
    cas.cas(sampler_of(image, label), source_of(image), KEY, n=60)
  with pytest.raises(InputError, match='boundaries are between classes'):
    cas.boundary(sampler_of(image), source_of(image, label), KEY, features=told(), n=60)
