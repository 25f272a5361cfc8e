"""Boundary distortion, on samples of which it is known how many images they are worth."""

import jax
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from gan_jax.features.extractor import Extractor
from gan_jax.metrics.boundary import boundary, distortion, linear
from tests.messages import refused, says
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def blobs(n, dim=30, apart=1.0, classes=3):
  """Overlapping Gaussians: the more examples, the better they are told apart."""
  label = RNG.integers(classes, size=n)
  return RNG.normal(size=(n, dim)) + apart * np.eye(dim)[label] * 2, label


def test_distortion_is_of_scikit_learns_classifiers_and_of_pairs():
  fake, real, asked = blobs(60), blobs(400), blobs(4000)
  found = distortion(fake, real, asked, fewer=(4,))

  def right(x, y):
    mean, sd = x.mean(0), x.std(0)
    model = LogisticRegression(max_iter=1000).fit((x - mean) / sd, y)
    return model.predict((asked[0] - mean) / sd) == asked[1]

  by_fake, by_real, by_few = right(*fake), right(*real), right(real[0][::4], real[1][::4])
  assert found.fake == pytest.approx(by_fake.mean(), abs=0.005)
  assert found.real == pytest.approx(by_real.mean(), abs=0.005)
  assert found.fewer == {
    100: pytest.approx(by_few.mean(), abs=0.005),
    400: pytest.approx(by_real.mean(), abs=0.005),
  }
  differences = by_real.astype(float) - by_fake
  error = np.sqrt(np.sum((differences - differences.mean()) ** 2) / 3999 / 4000)
  assert found.stderr == pytest.approx(error, rel=0.1)


def test_distortion_tells_how_many_real_images_samples_are_worth():
  real, asked = blobs(2048), blobs(3000)
  whole = distortion(blobs(2048), real, asked)
  few = distortion(blobs(128), real, asked)
  assert abs(whole.real - whole.fake) < 4 * whole.stderr + 0.01
  assert whole.worth > 1000
  assert 40 < few.worth < 400
  copied = blobs(32)
  again = tuple(np.repeat(a, 64, axis=0) for a in copied)
  assert distortion(again, real, asked).worth < 150
  assert few.real - few.fake > 5 * few.stderr


def test_linear_says_a_single_class_if_it_knows_no_other():
  x, y = blobs(50)
  asked, truth = blobs(40)
  np.testing.assert_array_equal(linear(x[y == 2], y[y == 2], asked, truth), truth == 2)


def bars(n, classes=3):
  """A bright column says the class; they come class by class, as in folders."""
  label = np.sort(np.arange(n) % classes)
  image = RNG.normal(60, 40, (n, 8, 8, 1))
  image[np.arange(n), :, 2 * label + 1] += 60
  return np.clip(image, 0, 255).astype(np.uint8), label


def told():
  """Means of columns, and as logits those that say the class."""

  def apply(weights, x):
    columns = x.astype('float32').mean((1, 3)) / 255
    return {'features': columns, 'logits': 50 * columns[:, 1:6:2]}

  return Extractor('told', (), apply)


def run(image, label=None, **options):
  source = source_of(*bars(400))
  return boundary(sampler_of(image, label), source, KEY, features=told(), n=len(image), **options)


def test_boundary_is_distorted_by_dropped_classes():
  image, label = bars(400)
  whole, dropped = run(image, label), run(image[label < 2], label[label < 2])
  assert abs(whole['boundary']) < 0.05
  says(whole['protocol']['labels'], 'asked')
  assert (whole['protocol']['learnt'], whole['protocol']['asked']) == (200, 200)
  assert dropped['boundary'] > 0.25
  assert dropped['worth'] < whole['worth']


def test_boundary_labels_samples_without_a_class_by_a_classifier():
  image, label = bars(400)
  asked, read = run(image, label), run(image, annotator=told())
  assert read['protocol']['labels'] == 'told'
  assert read['fake'] == pytest.approx(asked['fake'], abs=0.03)
  with refused('pixels', 'logits'):
    run(image, annotator='pixels')


def test_boundary_refuses_what_has_no_classes():
  image, label = bars(60)
  with refused('standing', 'classes'):
    boundary(sampler_of(image, label), source_of(image), KEY, features=told(), n=60)
  untold = source_of(image, np.full(60, -1))
  with refused('0 samples', '0 real', 'label'):
    boundary(sampler_of(image, label), untold, KEY, features=told(), n=60)
