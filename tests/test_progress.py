"""What is said of how far a run has come."""

import contextlib

import pytest

from gan_jax.progress import duration, progress, quantity


@pytest.mark.parametrize(
  ('seconds', 'said'),
  [
    (0, '0 s'),
    (42.4, '42 s'),
    (99, '99 s'),
    (101, '2 min'),
    (180, '3 min'),
    (99 * 60, '99 min'),
    (7800, '2 h 10 min'),
    (47 * 3600, '47 h 0 min'),
    (3 * 86400 + 4 * 3600, '3 d 4 h'),
    # Mended: the smaller unit is rounded up to a whole one of the larger.
    (3 * 3600 - 1, '3 h 0 min'),
    (3 * 86400 - 1, '3 d 0 h'),
  ],
)
def test_duration_is_said_as_people_say_it(seconds, said):
  assert duration(seconds) == said


@pytest.mark.parametrize(
  ('count', 'said'),
  [
    (0, '0'),
    (999, '999'),
    (1000, '1 k'),
    (1234, '1.23 k'),
    (18_874_368, '18.9 M'),
    (2.5e9, '2.5 G'),
    # Mended: rounded after the unit was chosen, and then '.3g' falls into powers of ten.
    (999_999, '1 M'),
  ],
)
def test_quantity_has_its_unit(count, said):
  assert quantity(count) == said


@pytest.fixture
def clock(monkeypatch):
  now = [100.0]
  monkeypatch.setattr('time.perf_counter', lambda: now[0])
  return now


def test_report_gives_images_per_second_of_training_since_the_last(clock, capsys):
  with progress(1000, 200) as shown:
    clock[0] += 4
    with shown.pause():
      clock[0] += 50  # an evaluation: not training
    assert shown.report(300, {'D/loss': 0.5, 'D/real': 9.0}, 64) == pytest.approx(100 / 4 * 64)
    clock[0] += 10
    assert shown.report(400, {'D/loss': 0.25}, 64) == pytest.approx(100 / 10 * 64)
  first, second, last = capsys.readouterr().out.splitlines()
  assert first == 'round 300 of 1,000  D/loss 0.500  1,600 images/s  28 s to go'
  assert second == 'round 400 of 1,000  D/loss 0.250  640 images/s  60 s to go'
  assert last == 'evals    took 50 s of 64 s, 78%'


# Mended: what an evaluation took before it failed is not counted as a pause.
def test_pause_that_ends_in_an_error_is_a_pause(clock):
  with progress(1000, 0) as shown:
    with contextlib.suppress(RuntimeError), shown.pause():
      clock[0] += 50
      raise RuntimeError
    clock[0] += 10
    assert shown.report(100, {}, 1) == pytest.approx(10)


def test_report_of_several_members_is_mean_and_deviation(clock, capsys):
  with progress(1000, 0) as shown:
    clock[0] += 10
    shown.report(100, {'D/loss': [0.5, 0.7], 'G/loss': [2.0, float('inf')]}, 8)
  assert capsys.readouterr().out == (
    'round 100 of 1,000  D/loss 0.600 ± 0.141  G/loss inf  80 images/s  90 s to go\n'
  )
