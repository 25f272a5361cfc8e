"""Evals of kernel distances."""

import jax
import numpy as np
import pytest

from gan_jax.features.extractor import Extractor
from gan_jax.metrics import kernel, look
from gan_jax.metrics.discrepancy import discrepancy, subsets
from gan_jax.metrics.kernel_sums import gaussian, polynomial
from tests.metrics.standing import sampler_of, source_of

KEY = jax.random.key(0)


def means():
  return Extractor('means', (), lambda w, x: {'features': x.astype('float32').mean((1, 3)) / 255})


def of(n, high, seed=0):
  return np.random.default_rng(seed).integers(0, high, (n, 4, 4, 1)).astype(np.uint8)


SOURCE = source_of(of(120, 256))


def run(eval_, images, **kw):
  return eval_(sampler_of(images), SOURCE, KEY, features=means(), n=len(images), **kw)


def seen(images):
  return (images.astype(np.float32).mean((1, 3)) / 255).astype(np.float32)


EVALS = kernel.kernel_distance, kernel.kernel_blocks, kernel.mmd, kernel.cmmd


@pytest.mark.parametrize('eval_', EVALS)
def test_kernel_distance_and_the_others_tell_noise_from_the_data(eval_):
  name, more = eval_.__name__, {'most': 30} if eval_ is kernel.kernel_blocks else {}
  same = run(eval_, of(120, 256, 1), **more)
  noise = of(120, 60, 2)
  noise[:, :, 0] = 0
  other = run(eval_, noise, **more)
  assert other[name] > same[name]
  assert other[name] > max(5 * other['stderr'], 3 * abs(same[name]))
  assert 'kernel' in same['protocol']
  assert same['stderr'] > 0


def test_kernel_distance_and_cmmd_are_of_what_is_seen():
  real, fake = seen(of(120, 256)), seen(of(120, 200, 1))
  found = run(kernel.kernel_distance, of(120, 200, 1))
  expected = discrepancy(real, fake, polynomial())
  assert found['kernel_distance'] == pytest.approx(expected.unbiased, abs=1e-6)
  assert found['biased'] == pytest.approx(expected.biased, abs=1e-6)
  assert found['stderr'] == pytest.approx(expected.stderr, rel=1e-3)
  units = [kernel.unit(x) for x in (real, fake)]
  np.testing.assert_allclose(np.linalg.norm(units[0], axis=1), 1, rtol=1e-6)
  expected = 1000 * discrepancy(*units, gaussian(10.0)).biased
  assert run(kernel.cmmd, of(120, 200, 1))['cmmd'] == pytest.approx(expected, rel=1e-3)
  assert not kernel.unit(np.zeros((2, 3), np.float32)).any()


def test_kid_is_of_all_pairs_and_of_subsets(monkeypatch):
  monkeypatch.setattr(look, 'built', lambda features, source: means())
  found = kernel.kid(sampler_of(of(90, 200, 1)), SOURCE, KEY, n=90, subset=40, count=5)
  real, fake = seen(of(120, 256)[np.arange(90) * 120 // 90]), seen(of(90, 200, 1))
  assert found['kid'] == pytest.approx(discrepancy(real, fake, polynomial()).unbiased, abs=1e-6)
  expected = subsets(real, fake, polynomial(), kernel.drawn_subsets(90, 90, 40, 5))
  assert found['subsets'] == pytest.approx(np.mean(expected), abs=1e-6)
  assert found['subsets_sd'] == pytest.approx(np.std(expected), abs=1e-6)
  assert found['protocol']['subsets'] == '5 of 40'


def test_mmd_moves_with_collapse_and_copies_as_it_should():
  images = of(120, 256)
  honest = run(kernel.mmd, of(120, 256, 1))['biased']
  assert run(kernel.mmd, np.repeat(images[:4], 30, 0))['biased'] > 5 * honest
  assert run(kernel.mmd, images)['biased'] < 1e-6
