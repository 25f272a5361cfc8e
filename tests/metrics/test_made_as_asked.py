"""Detail and anomalies: what the numbers say of samples that are known.

Covers: metrics/anomaly.py, metrics/residual.py.
"""

import jax
import numpy as np

from gan_jax.data import shapes
from gan_jax.data.digits import digits
from gan_jax.data.pyramid import doubled, shrunk
from gan_jax.data.without import without
from gan_jax.metrics import anomaly, residual
from gan_jax.sampling import Sampler
from tests.messages import refused

KEY = jax.random.key(0)
NOTHING = dict.fromkeys(Sampler._fields)


def drawing(**functions):
  return Sampler(**{**NOTHING, 'display': lambda x: x, 'see': lambda x: x, **functions})


def test_residual_finds_that_blurred_images_lack_detail():
  real = shapes.shapes(n=200).arrays['image']
  blurred = doubled(shrunk(real, 1))
  sampler = drawing(draw=lambda key, n: blurred[:n])
  found = residual.residual(sampler, lambda: shapes.shapes(n=200), KEY, n=200)
  assert found['real'] == residual.detail(real)
  assert found['drawn'] < 0.7 * found['real']


def test_anomaly_is_perfect_if_the_left_out_class_alone_errs(monkeypatch):
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
  with refused("name='without'", 'digits'):
    anomaly.anomaly(drawing(), lambda split='train': digits(split), KEY)
