"""A process that is held on a node, without an engine about it."""

import os
import sys

import pytest

from gan_jax.executors.hand import Begun, Hand
from gan_jax.executors.job import OUTPUT, Job
from tests.messages import says


@pytest.fixture
def begin(tmp_path):
  """(code, home) -> a hand, what it says of its begin, and where its process prints."""

  def begun(code, home=tmp_path, output=tmp_path / OUTPUT):
    (tmp_path / OUTPUT).touch()
    hand = Hand(lambda: ('id', 'node 7'))
    job = Job('a', ('python of the sweep', '-c', code), tmp_path)
    return hand, hand.begin(job, str(home), 'python of the sweep', str(output)), tmp_path / OUTPUT

  return begun


def test_hand_plays_by_its_own_python_at_home_and_tells_the_status(begin, tmp_path):
  hand, told, output = begin('import os, sys; print(os.getcwd(), sys.executable); sys.exit(3)')
  assert told == Begun('id', 'node 7')
  assert hand.listen(120) == 3
  assert output.read_text() == f'{os.path.realpath(tmp_path)} {sys.executable}\n'


def test_hand_listens_as_long_as_it_is_told_and_stops_what_it_holds(begin):
  hand, _, _ = begin('import time; time.sleep(600)')
  assert hand.listen(0.01) is None
  hand.stop()
  assert hand.listen(120) == -15


@pytest.mark.parametrize('missing', ['home', 'output'])
def test_hand_says_which_folder_its_node_does_not_see(missing, begin, tmp_path, monkeypatch):
  monkeypatch.setattr('gan_jax.executors.hand.VISIBLE', 0.0)
  away = tmp_path / 'away'
  hand, told, _ = begin('', **{missing: away if missing == 'home' else away / OUTPUT})
  says(told.wrong, 'node 7', away)
  assert hand.process is None
