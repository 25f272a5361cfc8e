"""Digits stacked as channels: what the label says is what they show."""

import numpy as np

from gan_jax.data.digits import digits
from gan_jax.data.source import digest
from gan_jax.data.stacked import stacked
from tests.messages import refused


def test_stacked_channels_are_the_digits_that_the_label_says():
  source, base = stacked('digits', n=400), digits()
  image, label = source.arrays['image'], source.arrays['label']
  assert image.shape == (400, 8, 8, 3)
  assert label.dtype == np.int32
  known = {i.tobytes(): int(y) for i, y in zip(*base.arrays.values(), strict=True)}
  read = np.array([[known[i[..., c].tobytes()] for c in range(3)] for i in image])
  np.testing.assert_array_equal(read @ [100, 10, 1], label)
  assert source.meta['classes'][label[0]] == ' '.join(map(str, read[0]))
  assert len(source.meta['classes']) == 1000
  assert source.meta['sha256']['image'] == digest(image)
  assert source.meta['stacked'] == {'name': 'digits'}


def test_stacked_digits_are_drawn_independently_and_alike():
  label = stacked({'name': 'digits'}, n=30_000).arrays['label']
  assert len(np.unique(label)) == 1000
  share = np.bincount(digits().arrays['label']) / 1500
  by = np.stack([label // 100, label // 10 % 10, label % 10])
  for channel in by:
    np.testing.assert_allclose(np.bincount(channel) / 30_000, share, atol=0.01)
  np.testing.assert_allclose(np.corrcoef(by), np.eye(3), atol=0.02)


def test_stacked_splits_and_seeds_are_other_draws_each_the_same():
  of = lambda **options: stacked('digits', **options).arrays['image']
  assert len(of()) == 1500
  assert len(of(split='test')) == 297
  np.testing.assert_array_equal(of(), of())
  assert np.any(of(seed=1) != of())
  assert np.any(of(split='train[:1400]', n=50) != of(n=50))


def test_stacked_refuses_what_cannot_be_stacked():
  with refused('synthetic', '(8, 8, 3)'):
    stacked(dict(name='synthetic', shape=(8, 8, 3), n=10))
  with refused('mixture.ring', '(2,)'):
    stacked(dict(name='mixture.ring', n=10))
  with refused('label', 'digits'):
    stacked(dict(name='labelled', of='digits', per_class=2, split='train'))
