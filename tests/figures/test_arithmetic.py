"""Sums of concepts, of a generator whose first latent is how far to the right the figure leans.

Covers: figures/attributes.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.figures import arithmetic, attributes
from gan_jax.figures.arithmetic import Draws, turn
from tests.messages import refused
from tests.metrics.standing import source_of
from tests.metrics.test_latent_path import drawing

KEY = jax.random.key(0)
SIZE = 16
source = source_of(np.zeros((4, SIZE, SIZE, 1), np.uint8))


def bar(z):
  """A bar through the middle: z[0] is its slant, z[1] its shade."""
  y, x = jnp.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
  slant = jnp.clip(z[:, :1, None], -2, 2) / 4
  shade = 0.5 + 0.4 * jnp.tanh(z[:, 1:2, None])
  away = jnp.abs(x[None] + slant * y[None])
  inside = jnp.abs(y)[None] < 6
  return (2 * shade * inside * jnp.clip(2.5 - away, 0, 1) - 1)[..., None]


def test_slant_and_the_other_attributes_measure_what_they_say():
  upright = np.asarray(127.5 * (bar(jnp.zeros((1, 3))) + 1)).astype(np.uint8)
  for slant in (-1.0, 0.8, 1.6):
    leaning = np.asarray(127.5 * (bar(jnp.array([[slant, 0.0, 0]])) + 1)).astype(np.uint8)
    assert attributes.slant(leaning)[0] == pytest.approx(slant / 4, abs=0.03)
    negative = 255 - leaning
    assert attributes.slant(negative)[0] == pytest.approx(slant / 4, abs=0.03)
  moved = np.roll(upright, 3, axis=2)
  assert attributes.sideways(moved)[0] == pytest.approx(2 * 3 / (SIZE - 1), abs=0.01)
  assert attributes.brightness(upright)[0] == pytest.approx(upright.mean() / 255)
  assert attributes.contrast(upright)[0] == pytest.approx(upright.std() / 255)
  red = np.zeros((1, 2, 2, 3), np.uint8)
  red[..., 0] = 255
  assert attributes.warmth(red)[0] == 1
  with refused('warmth', 'colours'):
    attributes.warmth(upright)


def test_exemplars_are_those_with_the_most_and_the_least_of_it():
  sampler = drawing(bar)
  draws = arithmetic._drawn(sampler, KEY, 64)
  assert isinstance(draws, Draws)
  most = arithmetic._exemplars('slant', draws.images, 3, None)
  least = arithmetic._exemplars('-slant', draws.images, 3, None)
  assert draws.z[most, 0].min() > 1 > -1 > draws.z[least, 0].max()


def test_arithmetic_has_the_image_of_a_less_b_and_c_in_its_middle():
  sampler = drawing(bar)
  rows = dict(a=[0, 1], b=[2], c=[3, 4, 5])
  found = arithmetic.arithmetic(sampler, source, KEY, n=8, width=16, noise=0.25, **rows)
  z = np.asarray(sampler.prior(KEY, 8))
  total = z[:2].mean(0) - z[2] + z[3:6].mean(0)
  wanted = sampler.display(sampler.generate(total[None]))[0]
  picture = found['arithmetic'][..., :1]
  windows = np.lib.stride_tricks.sliding_window_view(picture[..., 0], (SIZE, SIZE))
  gap = np.abs(windows.astype(int) - wanted[..., 0]).max(axis=(2, 3))
  assert (gap <= 1).any()


def test_arithmetic_without_noise_shows_one_image_nine_times():
  sampler = drawing(bar)
  found = arithmetic.arithmetic(
    sampler, source, KEY, a=[0], b=[0], c=[1], n=8, noise=0.0, width=16
  )['arithmetic'][..., 0]
  wanted = sampler.display(sampler.generate(np.asarray(sampler.prior(KEY, 8))[1:2]))[0, ..., 0]
  windows = np.lib.stride_tricks.sliding_window_view(found, (SIZE, SIZE))
  same = (np.abs(windows.astype(int) - wanted).max(axis=(2, 3)) <= 1).sum()
  assert same >= 10  # nine of the result, and c itself


def test_turn_goes_along_the_direction_of_an_attribute():
  found = turn(drawing(bar), source, KEY, by='slant', rows=3, columns=5, exemplars=8)
  assert found['change'] > 1
  back = turn(drawing(bar), source, KEY, by='slant', rows=3, columns=5, exemplars=8, reach=-1.0)
  assert back['change'] < -1


def test_draws_shows_every_draw_with_its_number():
  found = arithmetic.draws(drawing(bar), source, KEY, n=8, columns=4)['draws']
  assert found.shape == (2 * 50 + 2, 4 * 50 + 2, 3)


@pytest.mark.parametrize(
  ('concept', 'facts'),
  [([99], ('99', '0 to 7')), ([], ('[]', '0 to 7')), ('slent', ('slent', 'slant')),
   (12, ('12', '0 to 1'))],
)  # fmt: skip
def test_exemplars_refuses_what_is_no_concept(concept, facts):
  labels = source_of(np.zeros((4, SIZE, SIZE, 1), np.uint8), np.array([0, 1, 0, 1]))
  judge = lambda: np.zeros((8, 2), np.float32)
  with refused(*facts):
    arithmetic._exemplars(concept, np.zeros((8, SIZE, SIZE, 1), np.uint8), 3, judge)
  assert labels().arrays['label'].shape == (4,)


def test_exemplars_of_a_class_are_the_surest_of_it():
  logits = np.array([[0, 1.0], [0, 9.0], [5.0, 0], [0, 3.0]])
  rows = arithmetic._exemplars(1, np.zeros((4, 2, 2, 1), np.uint8), 2, lambda: logits)
  assert rows.tolist() == [1, 3]
  with refused('class 1', 'features'):
    arithmetic._exemplars(1, np.zeros((4, 2, 2, 1), np.uint8), 2, lambda: None)
