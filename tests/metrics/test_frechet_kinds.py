"""Distances of more than one Gaussian, against their formulas in plain NumPy."""

import jax
import numpy as np
import pytest
from scipy.linalg import sqrtm

from gan_jax.features.extractor import Extractor
from gan_jax.metrics import frechet_kinds as kinds
from gan_jax.metrics.frechet import distance, moments
from gan_jax.metrics.frechet_kinds import Sample, by_class, conditional
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def correlated(n, d, seed):
  rng = np.random.default_rng(seed)
  return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) / d**0.5


def of(a, b):
  return distance(moments(a), moments(b))


def between(c, c_):
  return np.trace(c + c_ - 2 * sqrtm(c @ c_).real)


def closed_form(x, y, y_):
  """Soloveitchik et al. 2021 of a shared x, with every covariance written out."""
  p, d = x.shape[1], y.shape[1]
  full = np.cov(np.concatenate([x, y, y_], axis=1), rowvar=False)
  at = np.split(np.arange(p + 2 * d), [p, p + d])
  c = lambda i, j: full[np.ix_(at[i], at[j])]
  inverse = np.linalg.pinv(c(0, 0), rcond=1e-10)
  left = [c(i, i) - c(i, 0) @ inverse @ c(0, i) for i in (1, 2)]
  cross = c(1, 0) - c(2, 0)
  gap = y.mean(0) - y_.mean(0)
  return gap @ gap + np.trace(cross @ inverse @ cross.T) + between(*left)


def test_conditional_is_the_closed_form():
  x = correlated(300, 3, 0)
  y = x @ RNG.normal(size=(3, 5)) + correlated(300, 5, 1)
  y_ = x @ RNG.normal(size=(3, 5)) + 2 * correlated(300, 5, 2) + 0.3
  found = conditional(Sample(x, y), Sample(x, y_))
  assert found == pytest.approx(closed_form(x, y, y_), rel=1e-9)
  doubled = np.concatenate([x, x], axis=1)  # conditions that determine each other
  assert conditional(Sample(doubled, y), Sample(doubled, y_)) == pytest.approx(found, rel=1e-9)


def test_conditional_on_a_class_is_the_mean_over_classes():
  label = np.arange(400) % 4
  y, y_ = (correlated(400, 6, s) + RNG.normal(size=(4, 6))[label] for s in (1, 2))
  one_hot = np.eye(4)[label]
  means = [[v[label == k].mean(0) for k in range(4)] for v in (y, y_)]
  within = [
    np.cov(v - np.array(m)[label], rowvar=False) for v, m in zip((y, y_), means, strict=True)
  ]
  gaps = np.array(means[0]) - np.array(means[1])
  spread = np.sum((gaps - gaps.mean(0))[label] ** 2) / 399 + np.sum(gaps.mean(0) ** 2)
  expected = spread + between(*within)
  found = conditional(Sample(one_hot, y), Sample(one_hot, y_))
  assert found == pytest.approx(expected, rel=1e-9)
  # Samples in another order, whose classes are known, are the same samples.
  order = RNG.permutation(400)
  again = conditional(Sample(one_hot, y), Sample(one_hot[order], y_[order]))
  assert again == pytest.approx(found, rel=1e-9)


def test_conditional_on_what_says_nothing_is_the_plain_distance():
  y, y_ = correlated(500, 4, 1), correlated(500, 4, 2) + 0.5
  x = RNG.normal(size=(500, 2))
  told = np.concatenate([np.ones((500, 1)), y, y_], axis=1)
  x -= told @ np.linalg.lstsq(told, x, rcond=None)[0]  # exactly uncorrelated with both
  assert conditional(Sample(x, y), Sample(x, y_)) == pytest.approx(of(y, y_), rel=1e-9)


def test_conditional_alone_sees_good_images_of_the_wrong_condition():
  x = RNG.normal(size=(400, 3))
  y = x @ RNG.normal(size=(3, 3)) + 0.1 * RNG.normal(size=(400, 3))
  wrong = y[RNG.permutation(400)]
  assert of(y, wrong) < 1e-9
  assert conditional(Sample(x, y), Sample(x, wrong)) > 1
  assert conditional(Sample(x, y), Sample(x, y)) < 1e-9


def test_conditional_refuses_conditions_of_other_rows():
  with refused('40 rows', (30, 2)):
    conditional(
      Sample(np.zeros((30, 2)), np.zeros((40, 3))), Sample(np.zeros((30, 2)), np.ones((30, 3)))
    )


def test_by_class_is_the_distance_of_every_class():
  real, fake = correlated(90, 5, 1), correlated(120, 5, 2)
  a, b = np.arange(90) % 3, np.arange(120) % 4  # the fourth is no class of the real ones
  b[b == 2] = 0
  b[0] = 2  # one sample has no covariance
  found = by_class(real, a, fake, b)
  for k in (0, 1):
    assert found.distance[k] == pytest.approx(of(real[a == k], fake[b == k]), rel=1e-12)
  assert np.isnan(found.distance[2])
  np.testing.assert_allclose(found.real, [1 / 3] * 3)
  np.testing.assert_allclose(found.fake, np.array([59, 30, 1]) / 120)
  whole = by_class(real, np.zeros(90), fake, np.zeros(120))
  assert whole.distance == pytest.approx([of(real, fake)], rel=1e-12)


def told(x):
  """The class of an image is its first pixel; its features are the others."""
  flat = x.reshape(len(x), -1).astype('float32')
  logits = 50.0 * jax.nn.one_hot(x[:, 0, 0, 0], 3)
  return {'features': flat[:, 1:4] / 64, 'logits': logits, 'spatial': flat / 64}


TOLD = Extractor('told', (), lambda weights, x: told(x))
BLIND = Extractor('blind', (), lambda weights, x: {'features': told(x)['features']})


def set_of(label, seed):
  rng = np.random.default_rng(seed)
  image = rng.integers(0, 64, (len(label), 2, 2, 1)) + 60 * np.asarray(label)[:, None, None, None]
  image[:, 0, 0, 0] = label
  return image.astype(np.uint8)


LABEL = np.arange(240) % 3
SOURCE = source_of(set_of(LABEL, 1), label=LABEL)


def run(eval_, label, asked=None, extractor=TOLD, seed=2):
  sampler = sampler_of(set_of(label, seed), label=asked)
  return eval_(sampler, SOURCE, KEY, features=extractor, n=len(label))


def test_class_aware_sees_dropped_classes_apart_from_the_others():
  whole, dropped = run(kinds.class_aware, LABEL), run(kinds.class_aware, LABEL % 2)
  assert (whole['missing'], dropped['missing']) == (0, 1)
  assert whole['kl'] == pytest.approx(0, abs=1e-12)
  assert dropped['kl'] == pytest.approx(np.log(3) + 2 / 3 * np.log(2 / 3) + np.log(1 / 3) / 3)
  seen = lambda label, seed: (np.asarray(told(set_of(label, seed))['features']), label)
  (real, a), (fake, b) = seen(LABEL, 1), seen(LABEL, 2)
  expected = np.mean([of(real[a == k], fake[b == k]) for k in range(3)])
  assert whole['class_aware'] == pytest.approx(expected, rel=1e-6)
  assert whole['worst'] >= whole['class_aware']


def test_intra_class_and_conditional_see_classes_not_asked_for():
  for eval_ in (kinds.intra_class, kinds.conditional_frechet):
    name = eval_.__name__
    right, wrong = run(eval_, LABEL, LABEL), run(eval_, LABEL, (LABEL + 1) % 3)
    assert wrong[name] > 5 * right[name]
    assert right['protocol']['n_fake'] == 240


def test_spatial_is_the_distance_of_the_maps():
  found = run(kinds.spatial, LABEL)
  maps = [np.asarray(told(set_of(LABEL, seed))['spatial']) for seed in (1, 2)]
  assert found['spatial'] == pytest.approx(of(*maps), rel=1e-6)
  assert found['stderr'] > 0


def test_spatial_and_the_others_say_what_is_not_there():
  with refused('blind', "features='inception'"):
    run(kinds.spatial, LABEL, extractor=BLIND)
  with refused('blind', "features='classifier'"):
    run(kinds.class_aware, LABEL, extractor=BLIND)
  with refused("'label'"):
    run(kinds.intra_class, LABEL)
  with refused('classes [2]', 'two'):
    run(kinds.intra_class, LABEL % 2, LABEL % 2)
  unlabelled = source_of(set_of(LABEL, 1))
  with refused('labels'):
    kinds.intra_class(sampler_of(set_of(LABEL, 2), LABEL), unlabelled, KEY, features=TOLD, n=9)
