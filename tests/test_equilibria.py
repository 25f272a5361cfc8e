"""Where pairs come to rest, against what their papers say, and by hand."""

import numpy as np
import pytest

from gan_jax import pairs
from gan_jax.equilibria import is_probability, rest, share

LOG2 = np.log(2)
INF = np.inf
V = np.linspace(-5, 5, 21)


@pytest.mark.parametrize(
  ('pair', 'verdict', 'd', 'g'),
  [
    (pairs.minimax(), 0, 2 * LOG2, -LOG2),
    (pairs.nonsaturating(), 0, 2 * LOG2, LOG2),
    (pairs.log_ratio(), 0, 2 * LOG2, 0),
    (pairs.nonsaturating(smooth=0.9), np.log(0.45 / 0.55), None, -np.log(0.45)),
    (pairs.softened(), np.log(0.375 / 0.625), None, None),  # where G aims, too
    (pairs.least_squares(), 0.5, 0.25, 0.125),
    (pairs.least_squares(-1, 1, 0), 0, 1, 0),
    (pairs.least_squares(0.2, 0.8, 0.9), 0.5, 0.09, 0.08),
    (pairs.fgan('pearson'), 0, 0, 0),
    (pairs.fgan('kl'), 1, 0, -1),
    (pairs.fgan('gan'), 0, 2 * LOG2, -LOG2),
    (pairs.bregman('kl'), 0, 0, 0),
  ],
)
def test_rest_is_one_verdict_where_a_pair_has_a_best(pair, verdict, d, g):
  found = rest(pair)
  np.testing.assert_allclose(found.verdict, (verdict, verdict), atol=2e-6)
  if d is not None:
    np.testing.assert_allclose(found.d, d, atol=1e-6)
  if g is not None:
    np.testing.assert_allclose(found.g, (g, g), atol=1e-6)


@pytest.mark.parametrize(
  ('pair', 'verdict', 'd', 'g'),
  [
    (pairs.wasserstein(), (-INF, INF), 0, (-INF, INF)),
    (pairs.hinge(), (-1, 1), 2, (-1, 1)),
    (pairs.relativistic(), (-INF, INF), LOG2, (LOG2, LOG2)),
    (pairs.relativistic_hinge(), (-INF, INF), 1, (1, 1)),
    (pairs.relativistic_least_squares(), (-INF, INF), 1, (1, 1)),
  ],
)
def test_rest_is_an_interval_of_what_a_pair_leaves_open(pair, verdict, d, g):
  found = rest(pair)
  np.testing.assert_allclose(found.verdict, verdict, atol=1e-6)
  np.testing.assert_allclose(found.d, d, atol=1e-6)
  np.testing.assert_allclose(found.g, g, atol=1e-6)


def test_is_probability_knows_which_verdicts_are_logits():
  logistic = [pairs.minimax(), pairs.nonsaturating(0.9), pairs.bregman('gan'),
              pairs.fgan('jensen_shannon')]  # fmt: skip
  others = [pairs.least_squares(), pairs.wasserstein(), pairs.hinge(), pairs.relativistic(),
            pairs.fgan('kl'), pairs.bregman('pearson')]  # fmt: skip
  assert all(map(is_probability, logistic))
  assert not any(map(is_probability, others))


def test_share_of_a_verdict_is_that_for_which_it_is_best():
  sigma = 1 / (1 + np.exp(-V))
  np.testing.assert_allclose(share(pairs.minimax(), V), sigma, atol=1e-6)
  np.testing.assert_allclose(share(pairs.nonsaturating(0.9), V), sigma / 0.9, atol=1e-6)
  np.testing.assert_allclose(share(pairs.least_squares(), V), V, atol=1e-6)
  shifted = 1 / (1 + np.exp(1 - V))  # V = 1 + log p/q
  np.testing.assert_allclose(share(pairs.fgan('kl'), V), shifted, atol=1e-6)
  np.testing.assert_allclose(share(pairs.wasserstein(), V), 0.5)
