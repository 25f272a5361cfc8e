"""AdaGAN: the weights of Theorem 1, the mixture, and a boosted experiment that goes on."""

import jax
import numpy as np
import pytest

from gan_jax import boosting, log, runs, train
from gan_jax.errors import InputError
from gan_jax.sampling import Sampler

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def test_weights_solve_the_theorems_equation():
  """w = (lambda - (1 - beta) h)_+ / (beta N), and lambda, read off one of them, fits all."""
  for beta in (0.5, 1 / 3, 0.1):
    h = RNG.exponential(1.0, 200)
    w = boosting.reweighted(h, beta)
    np.testing.assert_allclose(w.sum(), 1)
    i = int(np.argmax(w))
    level = w[i] * beta * 200 + (1 - beta) * h[i]
    np.testing.assert_allclose(w, np.maximum(level - (1 - beta) * h, 0) / (beta * 200), atol=1e-12)


def test_weights_go_to_what_is_missed():
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


def test_a_mixture_draws_from_each_as_often_as_it_weighs():
  whole = boosting.mixture([drawing(0), drawing(10), drawing(20)], [0.2, 0.0, 0.8])
  z, which = whole.fill(KEY, 4000)
  np.testing.assert_allclose(whole.generate(z, which), z + 10 * which, rtol=1e-6)
  share = np.bincount(which[:, 0], minlength=3) / 4000
  np.testing.assert_allclose(share, [0.2, 0, 0.8], atol=0.03)
  np.testing.assert_array_equal(whole.draw(KEY, 9), whole.generate(*whole.fill(KEY, 9)))
  assert whole.prior is None


def test_the_classifier_finds_what_the_mixture_leaves_out():
  near = RNG.uniform(size=(500, 2))
  images = np.concatenate([near, near + 5]).astype(np.float32)  # of which the second half is missed
  found = drawing(0)._replace(draw=lambda key, n: np.asarray(jax.random.uniform(key, (n, 2))))
  h = boosting.ratio(found, images, KEY, 1000)
  assert np.median(h[:500]) > 1  # dP_g / dP_d is 2 there
  assert np.median(h[500:]) < 0.1
  w = boosting.reweighted(h, 0.5)
  assert w[500:].sum() > 0.7


def boosted(**changes):
  config = dict(
    driver='boosting.run',
    boosting=dict(generators=2),
    data=dict(name='mixture.ring', split='train', n=200),
    prior=dict(name='normal', dim=2),
    nets=dict(
      G=dict(name='plain.Generator', inputs=('z',), hidden=(8,)),
      D=dict(name='plain.Discriminator', inputs=('image',), hidden=(8,)),
    ),
    objective=dict(name='gan', pair='nonsaturating'),
    players={n: dict(tx=dict(name='adam', learning_rate=1e-3)) for n in 'DG'},
    play='alternating',
    rounds=4,
    batch=8,
    devices=1,
    rounds_per_call=2,
    log_every=2,
    evals=dict(modes=dict(name='metrics.modes.modes', every=4, n=50)),
    checkpoint=dict(every=2, keep=2),
    finish=(),
  )
  return {**config, **changes}


def test_generators_follow_one_another_and_go_on(tmp_path):
  state = boosting.run(boosted(), tmp_path / 'a')
  assert [e['step'] for e in log.read(tmp_path / 'a')] == [1, 2]
  weights = np.load(tmp_path / 'a' / 'weights_1.npy')
  np.testing.assert_allclose(weights.sum(), 1)
  first, second = (runs.load(tmp_path / 'a' / str(i)).config for i in range(2))
  assert (first['data']['name'], second['data']['name']) == ('mixture.ring', 'reweighted')
  assert (first['seed'], second['seed']) == (0, 1)
  sampler = runs.sampler(tmp_path / 'a')
  assert sampler.draw(KEY, 20).shape == (20, 2)
  with pytest.raises(InputError, match='holds several runs, and no one of them is meant by'):
    runs.sampler(tmp_path / 'a', step=4)

  boosting.run(boosted(boosting=dict(generators=1)), tmp_path / 'b')
  again = boosting.run(boosted(), tmp_path / 'b')
  jax.tree.map(np.testing.assert_array_equal, again, state)
  assert [e['step'] for e in log.read(tmp_path / 'b')] == [1, 2]


def test_what_cannot_be_boosted_is_a_sentence(tmp_path):
  with pytest.raises(InputError, match="did you mean 'generators'"):
    boosting.run(boosted(boosting=dict(generator=2)), tmp_path)
  with pytest.raises(InputError, match='cannot be varied'):
    boosting.run(boosted(), tmp_path, {'seed': range(2)})
  with pytest.raises(InputError, match='driver'):
    train.run(boosted(), tmp_path)
