"""Words, detail and anomalies: what the numbers say of samples that are known."""

import jax
import numpy as np
import pytest

from gan_jax.data import shapes
from gan_jax.data.digits import digits
from gan_jax.data.pyramid import doubled, shrunk
from gan_jax.data.without import without
from gan_jax.errors import InputError
from gan_jax.metrics import anomaly, residual, words
from gan_jax.sampling import Sampler

KEY = jax.random.key(0)
NOTHING = dict.fromkeys(Sampler._fields)


def drawing(**functions):
  return Sampler(**{**NOTHING, 'display': lambda x: x, 'see': lambda x: x, **functions})


def showing(images):
  """A sampler that draws these, whatever it is asked for."""
  prior = lambda key, n: np.zeros((n, 1))
  return drawing(prior=prior, generate=lambda z, text: images[: len(text)])


def open_shapes(split='train'):
  return shapes.shapes(split, n=600)


def test_real_shapes_show_what_their_captions_say():
  real = open_shapes('test').arrays
  sampler = showing(real['image'])
  found = words.words(sampler, open_shapes, KEY, n=300)
  assert found['colour'] == found['ground'] == 1
  assert found['shape'] == found['judge'] > 0.9
  assert found['all'] == found['shape']


def test_shapes_that_ignore_the_words_are_right_by_chance():
  real = open_shapes('test').arrays
  shuffled = real['image'][np.random.default_rng(0).permutation(600)]
  sampler = showing(shuffled)
  found = words.words(sampler, open_shapes, KEY, n=600)
  assert abs(found['shape'] - 1 / 4) < 0.08
  assert abs(found['colour'] - 1 / 6) < 0.07
  assert abs(found['ground'] - 1 / 2) < 0.09


def test_words_are_judged_on_shapes_alone():
  with pytest.raises(InputError, match='not digits'):
    words.words(drawing(), lambda split='train': digits(split), KEY)


def test_blurred_images_lack_detail():
  real = shapes.shapes(n=200).arrays['image']
  blurred = doubled(shrunk(real, 1))
  sampler = drawing(draw=lambda key, n: blurred[:n])
  found = residual.residual(sampler, lambda: shapes.shapes(n=200), KEY, n=200)
  assert found['real'] == residual.detail(real)
  assert found['drawn'] < 0.7 * found['real']


def test_an_error_of_the_left_out_class_alone_is_a_perfect_score(monkeypatch):
  source = lambda split='train': without(dict(name='digits'), classes=(0,), split=split)
  label = digits('test').arrays['label']

  def found(sampler, x, key, **options):
    assert options == dict(steps=7, restarts=3, learning_rate=0.1, features=0.1)
    error = np.where(label[: len(x)] == 0, 2.0, 1.0)
    return type('Fit', (), {'error': error})

  monkeypatch.setattr(anomaly, 'fit', found)
  numbers = anomaly.anomaly(drawing(see=np.asarray), source, KEY, most=200, steps=7)
  assert numbers['auroc'] == 1
  assert (numbers['usual'], numbers['unusual']) == (1, 2)
  assert numbers['nearest'] > 0.8
  with pytest.raises(InputError, match='anomalies need data'):
    anomaly.anomaly(drawing(), lambda split='train': digits(split), KEY)
