"""Glicko-2: its author's worked example, and the order of skills that are known."""

import numpy as np
import pytest

from gan_jax.metrics.glicko import Rating, rated, skills
from tests.messages import refused


def test_rated_is_the_worked_example():
  opponents = [Rating(1400, 30), Rating(1550, 100), Rating(1700, 300)]
  found = rated(Rating(1500, 200, 0.06), opponents, [1, 0, 0])
  assert found.rating == pytest.approx(1464.06, abs=0.01)
  assert found.deviation == pytest.approx(151.52, abs=0.01)
  assert found.volatility == pytest.approx(0.05999, abs=1e-5)


def test_rated_is_less_sure_of_who_plays_nobody():
  found = rated(Rating(1500, 200, 0.06), [], [])
  assert found.rating == 1500
  assert found.deviation == pytest.approx(np.hypot(200, 0.06 * 173.7178))


def test_rated_has_more_volatility_after_a_great_surprise():
  many = [Rating(2200, 30)] * 8
  assert rated(Rating(1300, 60), many, [1] * 8).volatility > 0.0605
  assert rated(Rating(2200, 60), many, [0.5] * 8).volatility < 0.06


def test_skills_come_out_in_their_order_and_mirror_each_other():
  makers, judges = np.array([-1.0, 0.0, 0.5, 2.0]), np.array([-1.0, 0.3, 1.0])
  rates = 1 / (1 + np.exp(judges[:, None] - makers[None, :]))
  d, g = skills(rates)
  assert [r.rating for r in g] == sorted(r.rating for r in g)
  assert [r.rating for r in d] == sorted(r.rating for r in d)
  other_g, other_d = skills(1 - rates.T)
  np.testing.assert_allclose([r.rating for r in other_g], [r.rating for r in g])
  np.testing.assert_allclose([r.rating for r in other_d], [r.rating for r in d])
  # 400 points are 10 to 1, once there were games enough.
  told = [r.rating for r in skills(rates, periods=200)[1]]
  np.testing.assert_allclose(np.diff(told), np.diff(makers) * 173.7178, rtol=0.1)


def test_skills_of_equal_players_stay_equal():
  d, g = skills(np.full((3, 2), 0.5))
  assert {round(r.rating, 6) for r in (*d, *g)} == {1500}


def test_rated_takes_one_score_of_each_opponent():
  with refused('1 opponents', [0.5, 1]):
    rated(Rating(), [Rating()], [0.5, 1])
  with refused('[0, 1]', [2]):
    rated(Rating(), [Rating()], [2])
