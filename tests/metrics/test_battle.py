"""Battles of generators: what the formulas say of scores that are given."""

import numpy as np
import pytest

from gan_jax.metrics.battle import fooled, found_out, gam, nrds, win_rates
from tests.messages import refused

RNG = np.random.default_rng(0)


def logits(share, n=100):
  """n logits of which that share is above 0."""
  return RNG.permutation(np.where(np.arange(n) < share * n, 1.5, -0.5))


def test_gam_is_the_ratio_of_errors():
  found = gam(logits(0.8), logits(0.8), logits(0.1), logits(0.4))
  assert found == (1, pytest.approx(0.25), 1)
  # D1 is twice as often wrong about real images: its verdict on samples does not count.
  assert gam(logits(0.6), logits(0.8), logits(0.1), logits(0.4)) == (pytest.approx(2), 0.25, 0)
  assert gam(logits(0.8), logits(0.8), logits(0.4), logits(0.1)).winner == 2


def test_gam_of_a_model_with_itself_is_a_tie():
  real, fake = logits(0.9), logits(0.2)
  assert gam(real, real, fake, fake) == (1, 1, 0)
  assert gam(logits(1), logits(1), logits(0), logits(0)) == (1, 1, 0)
  assert gam(logits(1), logits(1), logits(0.5), logits(0)).samples == np.inf


def test_win_rates_are_means_over_the_others():
  rates = np.array([[0.1, 0.5, 0.9], [0.2, 0.4, 0.6], [0.3, 0.3, 0.0]])
  scores = [[logits(r) for r in row] for row in rates]
  np.testing.assert_allclose(fooled(scores), rates)
  np.testing.assert_allclose(win_rates(rates), [0.25, 0.4, 0.75])
  np.testing.assert_allclose(win_rates(rates, others=False), [0.2, 0.4, 0.5])
  np.testing.assert_allclose(win_rates(rates[:1, :1]), [0.1])


def test_nrds_are_shares_of_the_areas():
  epochs = np.arange(5)
  curves = np.stack([0.5 - 0.1 * epochs, np.full(5, 0.5), np.full(5, 0.1)])
  areas = np.array([(0.5 + 0.1) / 2 * 4, 0.5 * 4, 0.1 * 4])
  np.testing.assert_allclose(nrds(curves), areas / areas.sum())
  np.testing.assert_allclose(nrds(np.ones((4, 3))), 1 / 4)
  np.testing.assert_allclose(nrds(np.zeros((2, 3))), 1 / 2)


def test_nrds_is_highest_of_the_model_that_is_found_out_last():
  normal = lambda shift: RNG.normal(shift, 1, (200, 6))
  scores = nrds(found_out(normal(0), [normal(s) for s in (0.0, 1.0, 3.0)], epochs=10))
  assert scores[0] > scores[1] > scores[2]
  assert scores.sum() == pytest.approx(1)
  equal = nrds(found_out(normal(0), [normal(1.0) for _ in range(3)], epochs=10))
  np.testing.assert_allclose(equal, 1 / 3, atol=0.04)


def test_gam_and_nrds_refuse_what_is_no_battle():
  with refused('logits', (3,)):
    gam(logits(1), np.full(3, np.nan), logits(1), logits(1))
  with refused('[0, 1]'):
    nrds(np.array([[3.0, -1.0]]))
  with refused('epochs > 1', (3, 1)):
    nrds(np.ones((3, 1)))
  with refused((4, 2), (3, 2)):
    found_out(np.ones((4, 2)), [np.ones((3, 2)), np.ones((4, 2))])
