"""Forgetting to draw: boxes to positions, the regression against scikit-learn, maps that are 0."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from gan_jax import inside
from gan_jax.figures import forgetting
from gan_jax.game import Net
from gan_jax.nets import dcgan
from gan_jax.nets.layers import net
from tests.figures.test_filters import IMAGES, run
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)
SOURCE = source_of(IMAGES)
# G alone is looked into here: a D without weights, of which nothing is compiled.
NO_D = Net(lambda key: {}, lambda params, x, key=None: jnp.zeros(len(x)))


@pytest.fixture(scope='module')
def sampler():
  return run(NO_D)


@pytest.fixture(scope='module')
def opened(sampler):
  """G, inputs for six images, and its layers."""
  given = sampler.fill(KEY, 6)
  G = sampler.function('G')
  return G, given, inside.find(G, *given)


def test_second_are_the_maps_of_the_second_highest_resolution(opened):
  _, _, layers = opened
  assert forgetting.second(layers) == inside.named(layers, 'BatchNorm_1')
  assert forgetting.second(layers).shape == (8, 8, 2)
  with refused('maps', 'resolution'):
    forgetting.second(layers[-1:])


def test_examples_are_in_a_box_by_their_middle():
  maps = np.arange(2 * 4 * 4).reshape(2, 4, 4, 1).astype(np.float32)
  # Of 8x8 pixels each position stands for 2x2, with its middle at 1, 3, 5 and 7.
  x, y = forgetting.examples(maps, [(1, 0, 2, 4, 5)], (8, 8))
  assert x[y, 0].tolist() == [16 + 1, 16 + 4 + 1]
  assert len(x) == 4
  assert all(v >= 16 for v in x[~y, 0]), 'others are of the same image'
  assert not set(x[y, 0]) & set(x[~y, 0])
  again, _ = forgetting.examples(maps, [(1, 0, 2, 4, 5)], (8, 8), seed=1)
  assert again[y].tolist() == x[y].tolist()
  for boxes in ([(0, 0, 0, 1, 1)], [(0, 0, 0, 8, 8)]):
    with refused('4x4', 'boxes'):
      forgetting.examples(maps, boxes, (8, 8))


def test_regression_is_scikit_learns():
  rng = np.random.default_rng(0)
  x, y = rng.normal(size=(80, 5)), rng.random(80) < 0.5
  x[y, 2] += 1
  weights, accuracy = forgetting.regression(x.astype(np.float32), y)
  fitted = LogisticRegression(max_iter=10_000).fit(x.astype(np.float32).astype(float), y)
  np.testing.assert_allclose(weights, fitted.coef_[0], rtol=1e-6)
  assert accuracy == pytest.approx(np.mean(fitted.predict(x) == y))
  # The optimum of 1/2 |w|^2 + sum log(1 + exp(-y (w x + b))), whose slope is 0 there.
  sign = np.where(y, 1, -1)
  margin = sign * (x @ weights + fitted.intercept_[0])
  slope = weights - ((sign / (1 + np.exp(margin)))[:, None] * x).sum(0)
  assert np.abs(slope).max() < 0.05


def test_without_a_map_is_a_kernel_without_it_and_of_none_the_same(opened):
  G, given, layers = opened
  at = forgetting.second(layers)
  none, one = np.zeros(2, bool), np.array([False, True])
  np.testing.assert_array_equal(forgetting.without(G, at, none)(*given), G(*given))
  found = forgetting.without(G, at, one)(*given)
  params = G.args[0]
  last = params['ConvTranspose_1']
  cut = {**last, 'kernel': last['kernel'].at[:, :, 1].set(0)}
  net_ = net(dcgan.Generator((16, 16, 1), width=2), jnp.zeros((2, 4)))
  expected = net_.apply({**params, 'ConvTranspose_1': cut}, *given)
  np.testing.assert_allclose(found, expected, atol=1e-6)
  assert np.abs(np.asarray(found - G(*given))).max() > 1e-3


def test_forgetting_takes_boxes_or_their_file_and_tells_how_well(sampler, tmp_path):
  found = forgetting.forgetting(sampler, SOURCE, KEY, n=6)
  assert list(found) == ['boxes']
  assert found['boxes'].shape[1] > 600
  boxes = [(1, 2, 3, 9, 10), (4, 0, 0, 8, 8)]
  out = forgetting.forgetting(sampler, SOURCE, KEY, n=6, rows=1, columns=3, boxes=boxes)
  assert out['forgetting'].dtype == np.uint8
  assert 0 <= out['dropped'] <= out['of'] == 2
  assert 0.5 <= out['accuracy'] <= 1
  (tmp_path / 'boxes.json').write_text(json.dumps(boxes))
  again = forgetting.forgetting(
    sampler, SOURCE, KEY, n=6, rows=1, columns=3, boxes=str(tmp_path / 'boxes.json')
  )
  np.testing.assert_array_equal(again['forgetting'], out['forgetting'])


def test_forgetting_refuses_what_are_no_boxes_and_no_images(sampler):
  of = lambda boxes: forgetting.forgetting(sampler, SOURCE, KEY, n=6, boxes=boxes)
  for boxes in ([(6, 0, 0, 4, 4)], [(0, 4, 0, 4, 4)], [(0, 0, 0, 17, 4)], [(0, 1, 2, 3)]):
    with refused(boxes[0], 'image, y0, x0, y1, x1', '16x16'):
      of(boxes)
  with refused('box'):
    of([])
  for boxes in ('/nowhere.json', [3]):
    with refused('image, y0, x0, y1, x1', boxes):
      of(boxes)
  with refused('images'):
    forgetting.forgetting(sampler_of(IMAGES), SOURCE, KEY, boxes=[(0, 0, 0, 4, 4)])
