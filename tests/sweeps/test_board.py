"""What is on the screen while a sweep is played."""

import io
import json
import re
import sys

import pytest

from gan_jax.sweeps import board, book
from gan_jax.sweeps.board import Row, rows
from tests.messages import says

SWEEP = book.Sweep('x.py', {n: {} for n in 'abc'}, 'fid', 'less', (), (), 1, ())


@pytest.fixture
def workdir(tmp_path, monkeypatch):
  """Of three trials one is done, one has been half way for ten seconds, one has not begun."""
  for name, state in zip('abc', ('done', 'playing', 'waiting'), strict=True):
    book.write(tmp_path, name, dict(overrides={}, state=state, attempts=[]))
  for name, logged in (('a', (100, 200)), ('b', (50, 100))):
    folder = tmp_path / book.FOLDER / name
    (folder / 'config.json').write_text(json.dumps(dict(rounds=200)))
    entries = [{'step': i, 'fid': 1000 / i} for i in logged]
    (folder / 'log.jsonl').write_text(''.join(json.dumps(e) + '\n' for e in entries))
  attempts = [dict(began=1e9, where='')]
  monkeypatch.setattr('time.time', lambda: 1e9 + 10)
  book.write(tmp_path, 'b', dict(overrides={}, state='playing', attempts=attempts))
  return tmp_path


def test_rows_tell_how_far_trials_are_and_how_long_the_playing_take(workdir):
  done, playing, waiting = rows(workdir, SWEEP)
  assert done == Row('a', 'done', 200, 200, 5.0, None)
  assert playing[:5] == ('b', 'playing', 100, 200, 10.0)
  assert playing.seconds == pytest.approx(10 / 50 * 100)
  assert waiting == Row('c', 'waiting', 0, 0, None, None)


def test_board_is_lines_where_there_is_no_terminal(workdir, capsys):
  with board.board(workdir, SWEEP) as shown:
    shown.say('began    b')
    shown.refresh()
  assert capsys.readouterr().out == 'began    b\n'


def test_board_is_a_table_on_a_terminal_with_the_playing_first(workdir, monkeypatch):
  terminal = io.StringIO()
  terminal.isatty = lambda: True
  monkeypatch.setattr(sys, 'stderr', terminal)
  monkeypatch.setenv('COLUMNS', '100')
  monkeypatch.setenv('TERM', 'xterm')
  with board.board(workdir, SWEEP) as shown:
    shown.say('began    b')
    shown.refresh()
  told = re.sub(r'\x1b\[[?\d;]*[A-Za-z]', ' ', terminal.getvalue())  # colours and moves
  says(told, 'began    b', 'fid', '100 of 200', '200 of 200', '1 of 3')
  assert told.index('playing') < told.index('done') < told.index('waiting')
