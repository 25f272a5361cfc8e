"""AdaGAN: the weights of Theorem 1, the mixture, and a boosted experiment that goes on."""

import shutil

import jax
import numpy as np
import pytest
import threadpoolctl

from gan_jax import boosting, log, runs, train
from gan_jax.sampling import Sampler
from tests.configs import boosted
from tests.messages import refused
from tests.runs import assert_same

KEY = jax.random.key(0)


@pytest.fixture(scope='module', autouse=True)
def _one_thread():
  """Trees of so few examples: threads would only wait for each other, and burn what they wait."""
  import sklearn.ensemble  # noqa: F401 - or its threads are not there yet to be told

  with threadpoolctl.threadpool_limits(1):
    yield


def test_reweighted_solves_the_equation_of_theorem_1():
  """w = (lambda - (1 - beta) h)_+ / (beta N), and lambda, read off one of them, fits all."""
  rng = np.random.default_rng(0)
  for beta in (0.5, 1 / 3, 0.1):
    h = rng.exponential(1.0, 200)
    w = boosting.reweighted(h, beta)
    np.testing.assert_allclose(w.sum(), 1)
    i = int(np.argmax(w))
    level = w[i] * beta * 200 + (1 - beta) * h[i]
    np.testing.assert_allclose(w, np.maximum(level - (1 - beta) * h, 0) / (beta * 200), atol=1e-12)


def test_reweighted_gives_weight_to_what_is_missed():
  w = boosting.reweighted(np.r_[np.zeros(25), np.full(75, 4 / 3)], 0.25)
  np.testing.assert_allclose(w[:25], 1 / 25)  # all that the new generator must learn
  np.testing.assert_allclose(w[25:], 0)
  np.testing.assert_allclose(boosting.reweighted(np.ones(10), 0.3), 0.1)  # nothing is missed
  w = boosting.reweighted(np.r_[0.0, 1e8], 0.5)
  np.testing.assert_allclose(w, [1, 0])


def drawing(value):
  """A sampler that draws z + value."""
  fill = lambda key, n: (jax.random.uniform(key, (n, 2)),)
  generate = lambda z: np.asarray(z) + value
  nothing = dict.fromkeys(Sampler._fields)
  return Sampler(**{**nothing, 'fill': fill, 'generate': generate, 'see': lambda x: x})


def test_mixture_draws_from_each_as_often_as_it_weighs():
  whole = boosting.mixture([drawing(0), drawing(10), drawing(20)], [0.2, 0.0, 0.8])
  z, which = whole.fill(KEY, 4000)
  np.testing.assert_allclose(whole.generate(z, which), z + 10 * which, rtol=1e-6)
  share = np.bincount(which[:, 0], minlength=3) / 4000
  np.testing.assert_allclose(share, [0.2, 0, 0.8], atol=0.03)
  np.testing.assert_array_equal(whole.draw(KEY, 9), whole.generate(*whole.fill(KEY, 9)))
  assert whole.prior is None


def test_ratio_finds_what_the_mixture_leaves_out():
  near = np.random.default_rng(1).uniform(size=(500, 2))
  images = np.concatenate([near, near + 5]).astype(np.float32)  # of which the second half is missed
  found = drawing(0)._replace(draw=lambda key, n: np.asarray(jax.random.uniform(key, (n, 2))))
  h = boosting.ratio(found, images, KEY, 1000)
  assert np.median(h[:500]) > 1  # dP_g / dP_d is 2 there
  assert np.median(h[500:]) < 0.1
  w = boosting.reweighted(h, 0.5)
  assert w[500:].sum() > 0.7


@pytest.fixture(scope='module')
def whole(trained):
  """Two generators, one after the other."""
  return trained('mixture')


def test_run_adds_generators_and_goes_on_where_it_was(whole, tmp_path):
  assert [e['step'] for e in log.read(whole)] == [1, 2]
  weights = np.load(whole / 'weights_1.npy')
  np.testing.assert_allclose(weights.sum(), 1)
  first, second = (runs.load(whole / str(i)) for i in range(2))
  assert (first.config['data']['name'], second.config['data']['name']) == (
    'mixture.ring', 'reweighted',
  )  # fmt: skip
  assert (first.config['seed'], second.config['seed']) == (0, 1)
  sampler = runs.sampler(whole)
  assert sampler.draw(KEY, 20).shape == (20, 2)
  with refused('round 4', whole / '0', whole / '1'):
    runs.sampler(whole, step=4)

  workdir = shutil.copytree(whole, tmp_path / 'run')
  shutil.rmtree(workdir / '1')  # as if there had been only the first
  (workdir / 'weights_1.npy').unlink()
  log.truncate(workdir / log.FILE, 1)
  boosting.run(boosted(boosting=dict(generators=1)), workdir)
  assert [e['step'] for e in log.read(workdir)] == [1]
  assert_same(boosting.run(boosted(), workdir), second.state)
  assert [e['step'] for e in log.read(workdir)] == [1, 2]
  np.testing.assert_array_equal(np.load(workdir / 'weights_1.npy'), weights)


def test_run_refuses_what_cannot_be_boosted(tmp_path):
  with refused("'generator'", "'generators'"):
    boosting.run(boosted(boosting=dict(generator=2)), tmp_path)
  with refused('boosting', 'varied'):
    boosting.run(boosted(), tmp_path, {'seed': range(2)})
  with refused('driver'):
    train.run(boosted(), tmp_path)
