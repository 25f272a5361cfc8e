"""Charts are pictures that show what they are given."""

import numpy as np
import pytest

from gan_jax.metrics.charts import Line, chart

X = np.linspace(0.01, 1, 20)


@pytest.fixture(scope='module')
def plain():
  return chart([Line('real', X, X)], 'x', 'y')


def test_chart_shows_its_lines(plain):
  assert plain.dtype == np.uint8
  assert plain.shape == (320, 420, 3)
  other = chart([Line('real', X, X), Line('samples', X, X**2, X**3, X)], 'x', 'y')
  red = (other[..., 0] > 200) & (other[..., 1] < 80)
  assert red.sum() > 100  # the second line is red, and so is its band, paler
  assert not ((plain[..., 0] > 200) & (plain[..., 1] < 80)).any()


def test_chart_has_axes_as_asked(plain):
  of = lambda **how: chart([Line('real', X, X)], 'x', 'y', **how)
  assert (plain != of(logarithmic=True)).any()
  assert (plain != of(limits=(0, 2))).any()
