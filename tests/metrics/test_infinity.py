"""What is extrapolated to infinitely many samples, against SciPy's line and known limits."""

import jax
import numpy as np
import pytest
from scipy.stats import linregress

from gan_jax.features.extractor import Extractor
from gan_jax.metrics import infinity
from gan_jax.metrics.frechet import distance, moments
from gan_jax.metrics.infinity import frechet_limit, limit, parts, score_limit, sizes_of
from tests.messages import refused, says
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)


def test_limit_of_a_line_is_its_end():
  sizes = sizes_of(1000)
  found = limit([2.5 + 70 / n for n in sizes], sizes)
  assert (found.value, found.slope) == pytest.approx((2.5, 70), rel=1e-10)
  assert found.stderr == pytest.approx(0, abs=1e-12)


def test_limit_is_that_of_scipys_line():
  rng, sizes = np.random.default_rng(0), sizes_of(5000)
  values = 3 + 50 / np.array(sizes) + 0.01 * rng.normal(size=len(sizes))
  expected = linregress(1 / np.array(sizes), values)
  found = limit(values, sizes)
  assert found.value == pytest.approx(expected.intercept, rel=1e-12)
  assert found.stderr == pytest.approx(expected.intercept_stderr, rel=1e-9)
  assert found.slope == pytest.approx(expected.slope, rel=1e-9)


def test_sizes_of_are_even_and_their_rows_come_once():
  assert sizes_of(50_000)[:2] == [5000, 8214]
  assert sizes_of(50_000)[-1] == 50_000
  for size, rows in zip((3, 10), parts(10, (3, 10), np.random.default_rng(0)), strict=True):
    assert len(set(rows)) == size
    assert set(rows) <= set(range(10))


def test_frechet_limit_is_what_the_real_set_leaves():
  """N(0, 1) in d = 40: of n and m samples some d (d + 5) / 4 (1 / n + 1 / m); at infinity 1 / m."""
  rng = np.random.default_rng(1)
  d, n, m = 40, 3000, 20_000
  real, fake = (rng.normal(size=(k, d)) for k in (m, n))
  found = frechet_limit(moments(real), fake, sizes_of(n), np.random.default_rng(2))
  whole = distance(moments(real), moments(fake))
  assert found.slope == pytest.approx(d * (d + 5) / 4, rel=0.1)
  assert found.value < 0.4 * whole
  assert abs(found.value) < 0.15


def test_score_limit_is_above_the_score_of_few():
  logits = np.random.default_rng(0).normal(size=(2000, 10)) * 2
  found = score_limit(logits, sizes_of(2000), np.random.default_rng(1))
  whole = infinity.inception_score(logits, 1).mean
  many = infinity.inception_score(np.random.default_rng(9).normal(size=(200_000, 10)) * 2, 1).mean
  assert found.slope < 0
  assert found.value > whole
  assert found.value == pytest.approx(many, abs=0.06)


def pixels():
  flat = lambda x: x.reshape(len(x), -1).astype('float32') / 255
  return Extractor('flat', (), lambda weights, x: {'features': flat(x), 'logits': 5 * flat(x)})


def images(n, seed):
  return np.random.default_rng(seed).integers(0, 256, (n, 2, 2, 1)).astype(np.uint8)


def test_frechet_infinity_and_score_tell_the_limit_and_the_whole():
  sampler, source = sampler_of(images(200, 1)), source_of(images(200, 2))
  run = lambda eval_, **kw: eval_(sampler, source, KEY, features=pixels(), n=200, **kw)
  found = run(infinity.frechet_infinity)
  assert found['frechet_infinity'] < found['frechet']
  assert found['stderr'] > 0
  says(found['protocol']['sizes'], '15', '20', '200')
  assert 'note' not in found['protocol']
  assert run(infinity.frechet_infinity) == found
  score = run(infinity.score_infinity, points=5)
  assert 1 <= score['score'] < score['score_infinity'] < 4


def test_frechet_infinity_notes_or_refuses_too_few():
  sampler, source = sampler_of(images(30, 1)), source_of(images(30, 2))
  found = infinity.frechet_infinity(sampler, source, KEY, features=pixels(), n=30)
  says(found['protocol']['note'], '3 samples', '4 features')
  with refused('3 or more', [10, 20]):
    limit([1.0, 2.0], [10, 20])
  with refused('pixels', "features='classifier'"):
    infinity.score_infinity(sampler, source, KEY, features='pixels', n=30)
