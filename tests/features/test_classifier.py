"""A classifier that learns the reference's classes, and then is what metrics look at."""

import jax
import numpy as np
import pytest

from gan_jax.data.digits import digits
from gan_jax.features import classifier as kit
from gan_jax.features.classifier import Recipe, classifier, scores, shifted, train
from tests.messages import refused
from tests.metrics.standing import source_of

QUICK = dict(width=16, shown=12_000)
RNG = np.random.default_rng(0)
LEARNT = 72  # with batches, classes and width as for the digits: compiled once for all of this file
SMALL = dict(width=16, shown=640)


@pytest.fixture(autouse=True, scope='module')
def _own_cache(tmp_path_factory):
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('GAN_JAX_DATA', str(tmp_path_factory.mktemp('cache')))
    yield


def two_kinds(n=40, size=8):
  """Images lit above or below, which anything can tell apart."""
  label = np.arange(n) % 2
  image = RNG.integers(0, 60, (n, size, size, 1))
  image[label == 0, : size // 2] += 180
  image[label == 1, size // 2 :] += 180
  return image.astype(np.uint8), 9 * label.astype(np.int32)


def never(*given, **options):
  raise AssertionError('it was trained already')


def test_classifier_learns_digits_says_how_well_and_is_trained_once(monkeypatch):
  found = classifier(digits, **QUICK)
  _, accuracy, weights = found.name.rsplit(':', 2)
  assert found.name.startswith('classifier:digits train:acc .')
  assert len(weights) == 8
  test = digits('test')
  out = jax.jit(found.apply)(found.weights, test.arrays['image'])
  assert out['features'].shape == (297, 128)
  assert out['logits'].shape == (297, 10)
  assert out['features'].min() >= 0
  right = np.mean(np.argmax(out['logits'], axis=1) == test.arrays['label'])
  assert right > 0.85
  assert float(accuracy.removeprefix('acc ')) > 0.9
  monkeypatch.setattr(kit, 'train', never)
  again = classifier(digits, **QUICK)
  assert again.name == found.name
  jax.tree.map(np.testing.assert_array_equal, again.weights, found.weights)


def test_classifier_sees_each_image_by_itself_as_in_the_batch():
  found = classifier(digits, **QUICK)
  apply = jax.jit(found.apply)
  images = digits('test').arrays['image'][:6]
  others = np.concatenate([images[:1], 255 - images[1:]])
  together, surrounded = apply(found.weights, images), apply(found.weights, others)
  for name in ('features', 'logits'):
    alone = np.concatenate([apply(found.weights, images[i : i + 1])[name] for i in range(6)])
    np.testing.assert_allclose(alone, together[name], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(surrounded[name][:1], together[name][:1], rtol=1e-4, atol=1e-4)


def test_train_gives_the_same_weights_by_the_same_recipe_alone():
  image, label = two_kinds(LEARNT)
  of = lambda seed: train(image, label, 10, Recipe(**SMALL, seed=seed))
  jax.tree.map(np.testing.assert_array_equal, of(0), of(0))
  assert np.any(of(1)['Dense_1']['kernel'] != of(0)['Dense_1']['kernel'])


def test_classifier_is_another_by_other_labels_not_by_untold_images():
  image, label = two_kinds(LEARNT)
  options = dict(width=16, shown=2000)
  a, b = (classifier(source_of(image, y), **options) for y in (label, 9 - label))
  assert a.name != b.name
  apply = jax.jit(a.apply)
  assert a.apply is b.apply
  said = lambda e, x: np.argmax(apply(e.weights, x)['logits'], axis=1)
  np.testing.assert_array_equal(said(a, image[:8]), label[:8])
  np.testing.assert_array_equal(said(b, image[:8]), 9 - label[:8])
  noise = RNG.integers(0, 256, (30, *image.shape[1:])).astype(np.uint8)
  untold = np.concatenate([image, noise]), np.concatenate([label, np.full(30, -1)])
  assert classifier(source_of(*untold), **options).name == a.name


def test_classifier_does_not_learn_from_held_out_images(monkeypatch):
  image, label = two_kinds(LEARNT)
  seen = []
  monkeypatch.setattr(kit, 'train', lambda x, y, *_: seen.append((x, y)) or train(x, y, *_))
  source = source_of(image[:, ::-1], label)
  classifier(source, **SMALL)
  kept = np.arange(LEARNT) % 10 != 9
  np.testing.assert_array_equal(seen[0][0], image[kept, ::-1])
  np.testing.assert_array_equal(seen[0][1], label[kept])


def test_shifted_moves_by_no_more_than_was_said_and_every_way():
  images = RNG.integers(0, 256, (500, 8, 16, 3)).astype(np.uint8)
  moved = shifted(images, 0.125, np.random.default_rng(1))
  padded = np.pad(images, [(0, 0), (1, 1), (2, 2), (0, 0)], mode='edge')
  ways = [(y, x) for y in range(3) for x in range(5)]
  match = np.array([
    [np.array_equal(m, p[y : y + 8, x : x + 16]) for y, x in ways]
    for m, p in zip(moved, padded, strict=True)
  ])  # fmt: skip
  np.testing.assert_array_equal(match.sum(1), 1)
  assert match.any(0).all()
  np.testing.assert_array_equal(shifted(images, 0, np.random.default_rng(1)), images)


def test_scores_come_for_any_number_of_images():
  image, label = two_kinds(LEARNT)
  weights = train(image, label, 10, Recipe(**SMALL))
  whole = scores(weights, np.tile(image, (10, 1, 1, 1)), 10, 16)
  assert whole.shape == (720, 10)
  np.testing.assert_allclose(scores(weights, image[:3], 10, 16), whole[:3], atol=1e-4)


def test_classifier_refuses_what_cannot_be_learnt():
  image, label = two_kinds()
  with refused('standing', 'labels'):
    classifier(source_of(image))
  with refused('20 images of 2', 'standing', '40 of 1'):
    classifier(source_of(image, np.zeros(40)))
  with refused('20 images of 2', '19 of 2'):
    classifier(source_of(image[:19], label[:19]))
  with refused('uint8', 'float32'):
    classifier(source_of(np.zeros((40, 2), np.float32), label))
  found = classifier(digits, **QUICK)
  with refused('(8, 8, 1)', '(9, 8, 1)'):
    found.apply(found.weights, np.zeros((2, 9, 8, 1), np.uint8))
