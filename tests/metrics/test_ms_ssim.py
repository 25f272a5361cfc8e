"""MS-SSIM between pairs, and as a measure of how alike samples are."""

import jax
import numpy as np
import pytest

from gan_jax.metrics import ms_ssim as module
from gan_jax.metrics.image_quality import ssim
from gan_jax.metrics.ms_ssim import WEIGHTS, apart, ms_ssim, multi_scale, scales
from tests.messages import refused
from tests.metrics.standing import sampler_of, source_of
from tests.metrics.test_image_quality import in_torch, noisy, smooth, window

RNG = np.random.default_rng(1)
KEY = jax.random.key(0)


@pytest.mark.parametrize('count', [5, 3])
def test_multi_scale_equals_pytorch_msssim(count, monkeypatch):
  torch, package = pytest.importorskip('torch'), pytest.importorskip('pytorch_msssim')
  monkeypatch.setattr(module, 'WEIGHTS', WEIGHTS[:count])
  a = smooth(2, 176, 2)
  b = noisy(a, 30)
  weights = WEIGHTS[:count].tolist()
  theirs = package.ms_ssim(
    *in_torch(torch, a, b), 255, size_average=False, win=window(torch, 2), weights=weights
  )
  # They keep weights and window in float32.
  np.testing.assert_allclose(multi_scale(a, b), theirs.numpy(), atol=1e-7)


def test_multi_scale_equals_piq(torch_fidelity):
  torch, piq = pytest.importorskip('torch'), pytest.importorskip('piq')
  a = smooth(2, 176, 1)
  b = noisy(a, 30)
  theirs = piq.multi_scale_ssim(*in_torch(torch, a, b), data_range=255.0, reduction='none')
  np.testing.assert_allclose(multi_scale(a, b), theirs.numpy(), atol=1e-6)


def test_scales_are_as_many_as_fit():
  assert [scales(s, s) for s in (8, 10, 11, 28, 32, 64, 128, 160, 161, 256)] == [
    0, 0, 1, 2, 2, 3, 4, 4, 5, 5,
  ]  # fmt: skip
  assert scales(64, 28) == 2
  assert scales(8, 8, 7) == 1


def test_multi_scale_at_one_scale_is_ssim():
  a = smooth(3, 20, 1)
  b = noisy(a)
  np.testing.assert_allclose(multi_scale(a, b), ssim(a, b) ** WEIGHTS.sum(), rtol=1e-12)
  assert multi_scale(a, a) == pytest.approx(1)


def test_multi_scale_of_fewer_scales_shares_the_weight_of_all():
  a = np.full((1, 16, 16, 1), 100, np.uint8)
  b = np.full((1, 16, 16, 1), 120, np.uint8)  # alike but for luminance, at the only scale
  assert multi_scale(a, b)[0] == pytest.approx(ssim(a, b)[0] ** WEIGHTS.sum())


def test_multi_scale_takes_odd_sides_and_every_size():
  for side, channels in [(13, 1), (28, 1), (33, 3), (63, 3)]:
    a = smooth(2, side, channels)
    assert np.all(multi_scale(a, noisy(a)) < 1)


def test_apart_pairs_within_a_class_and_takes_no_image_twice():
  label = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])
  pairs = np.concatenate(list(apart(9, label, RNG)))
  assert len(pairs) == 4
  assert np.all(label[pairs[:, 0]] == label[pairs[:, 1]])
  assert len(np.unique(pairs)) == pairs.size
  assert len(next(apart(9, None, RNG))) == 4


def test_ms_ssim_is_one_of_collapse_and_as_real_of_diverse_samples():
  real = smooth(60, 16, 1)
  collapsed = np.repeat(real[:1], 60, axis=0)
  one = ms_ssim(sampler_of(collapsed), source_of(real), KEY, n=60)
  same = ms_ssim(sampler_of(smooth(60, 16, 1)), source_of(real), KEY, n=60)
  assert one['ms_ssim'] == pytest.approx(1)
  assert one['real'] < 0.6
  gap = abs(same['ms_ssim'] - same['real'])
  assert gap < 4 * np.hypot(same['stderr'], same['real_stderr'])
  assert one['protocol']['scales'] == 1
  assert not one['protocol']['within_classes']


def test_ms_ssim_within_classes_sees_a_collapsed_class():
  label = np.repeat([0, 1, 2], 20)
  real = smooth(60, 16, 1)
  fake = real.copy()
  fake[label == 1] = fake[20]  # one class has collapsed
  found = ms_ssim(sampler_of(fake, label), source_of(real, label), KEY, n=60)
  assert found['protocol']['within_classes']
  assert found['ms_ssim'] > found['real'] + 0.1
  assert found['diverse'] < 1
  # By hand, for the class that has collapsed: all of its pairs are at 1.
  parts = [multi_scale(fake[label == k][:-1], fake[label == k][1:]).mean() for k in range(3)]
  assert parts[1] == pytest.approx(1)
  assert found['ms_ssim'] == pytest.approx(np.mean(parts), abs=0.1)


def test_ms_ssim_takes_the_labels_of_the_rows_it_looks_at():
  """Only a third of the split is looked at; were labels others', pairs would be of two classes."""
  label = np.repeat([0, 1], 30)
  real = np.where(label[:, None, None, None] == 0, smooth(1, 12, 1), smooth(1, 12, 1))
  found = ms_ssim(sampler_of(real[::3], label[::3]), source_of(real, label), KEY, n=20)
  assert found['real'] == pytest.approx(1)
  assert found['ms_ssim'] == pytest.approx(1)


def test_ms_ssim_refuses_too_small_and_too_few():
  small = smooth(4, 8, 1)
  with refused('8x8', 'window=7'):
    ms_ssim(sampler_of(small), source_of(small), KEY, n=4)
  assert ms_ssim(sampler_of(small), source_of(small), KEY, n=4, window=7)['ms_ssim'] < 1
  with refused('1 images', 'pair'):
    ms_ssim(sampler_of(small), source_of(small), KEY, n=1, window=7)
