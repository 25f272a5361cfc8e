"""What is on the screen while a sweep is played: a live table on a terminal, lines elsewhere."""

import pathlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from gan_jax import log, progress
from gan_jax.sweeps import book

EVERY = 2.0  # seconds between two looks at the logs


class Board(NamedTuple):
  """Where the sweep says how far it is."""

  say: Callable[[str], None]  # a line
  refresh: Callable[[], None]


class Row(NamedTuple):
  """How a trial stands."""

  name: str
  state: str
  round: int
  rounds: int
  value: float | None  # of the sweep's metric, the last in the log
  seconds: float | None  # to the end, of one that is being played


@contextmanager
def board(workdir: pathlib.Path, sweep: book.Sweep) -> Iterator[Board]:
  """A table of all trials, drawn anew every `EVERY` seconds, if stderr is a terminal."""
  if not sys.stderr.isatty():
    yield Board(lambda line: print(line, flush=True), lambda: None)
    return
  from rich.console import Console
  from rich.live import Live

  console = Console(stderr=True)
  clock = {'at': 0.0}
  with Live(console=console, auto_refresh=False) as live:

    def refresh() -> None:
      if time.monotonic() - clock['at'] > EVERY:
        live.update(_table(rows(workdir, sweep), sweep.metric, console.height), refresh=True)
        clock['at'] = time.monotonic()

    yield Board(lambda line: live.console.print(line, highlight=False), refresh)
    clock['at'] = 0.0
    refresh()


def rows(workdir: pathlib.Path, sweep: book.Sweep) -> list[Row]:
  """How all trials stand, as trial.json and the runs' logs tell."""
  return [_row(workdir, name, sweep.metric) for name in sweep.trials]


def _row(workdir: pathlib.Path, name: str, metric: str) -> Row:
  told = book.standing(workdir, name)
  entries = log.read(workdir / book.FOLDER / name)
  rounds = _rounds(workdir / book.FOLDER / name)
  at = max((int(e['step']) for e in entries), default=0)
  value = next((float(e[metric]) for e in reversed(entries) if metric in e), None)
  left = None
  if told['state'] == 'playing' and told['attempts']:
    began = float(told['attempts'][-1]['began'])
    first = min((int(e['step']) for e in entries), default=0)
    left = (time.time() - began) / max(at - first, 1) * (rounds - at) if at > first else None
  return Row(name, str(told['state']), at, rounds, value, left)


def _rounds(folder: pathlib.Path) -> int:
  from gan_jax import runs

  path = folder / 'config.json'
  return int(runs.read_json(path)['rounds']) if path.exists() else 0


def _table(told: list[Row], metric: str, height: int) -> Any:
  """Those that are being played first, then what is waiting, as many as fit on the screen."""
  from rich.table import Table

  order = ('playing', 'failed', 'again', 'done', 'waiting')
  shown = sorted(told, key=lambda row: order.index(row.state) if row.state in order else 9)
  table = Table(box=None, padding=(0, 1))
  for title in ('trial', 'state', 'round', metric or '', 'to go'):
    table.add_column(title, justify='left' if title in ('trial', 'state') else 'right')
  room = max(1, height - 6)
  for row in shown[:room]:
    value = '' if row.value is None else f'{row.value:.4g}'
    left = '' if row.seconds is None else progress.duration(row.seconds)
    way = f'{row.round:,} of {row.rounds:,}' if row.rounds else ''
    table.add_row(row.name, row.state, way, value, left)
  done = sum(row.state == 'done' for row in told)
  more = f', {len(shown) - room} not shown' if len(shown) > room else ''
  table.caption = f'{done} of {len(told)} done{more}'
  return table
