"""What is on the screen while a run goes on: a bar where there is a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

import numpy as np

Numbers = float | Sequence[float]  # of one run, or of each member of a population


class Progress(NamedTuple):
  """Where the loop says how far it is."""

  advance: Callable[[int], None]  # the rounds played so far
  report: Callable[[int, Mapping[str, Numbers], int], float]  # round, scalars, images/round -> rate
  say: Callable[[str], None]  # a line that does not disturb the bar
  pause: Callable[[], AbstractContextManager]  # around what is not training, for an honest rate


@contextmanager
def progress(total: int, start: int) -> Iterator[Progress]:
  """Shows the way from round `start` to round `total`, and at the end what the looks on it took."""
  from tqdm import tqdm

  tty = sys.stderr.isatty()
  bar = tqdm(total=total, initial=start, unit=' rounds', disable=not tty, dynamic_ncols=True)
  began = time.perf_counter()
  clock = {'paused': 0.0, 'looked': 0.0, 'at': began, 'round': float(start)}

  @contextmanager
  def pause() -> Iterator[None]:
    left_off = time.perf_counter()
    try:
      yield
    finally:
      clock['paused'] += time.perf_counter() - left_off
      clock['looked'] += time.perf_counter() - left_off

  def report(round_: int, scalars: Mapping[str, Numbers], images: int) -> float:
    now = time.perf_counter()
    spent = max(now - clock['at'] - clock['paused'], 1e-9)
    per_second = (round_ - clock['round']) / spent
    clock.update(paused=0.0, at=now, round=float(round_))
    losses = '  '.join(f'{n} {spread(v, ".3f")}' for n, v in scalars.items() if n.endswith('/loss'))
    rate = f'{per_second * images:,.0f} images/s'
    if tty:
      bar.set_postfix_str(f'{losses}  {rate}')
    else:
      left = duration((total - round_) / per_second)
      print(f'round {round_:,} of {total:,}  {losses}  {rate}  {left} to go', flush=True)
    return per_second * images

  def say(line: str) -> None:
    tqdm.write(line, file=sys.stderr) if tty else print(line, flush=True)

  try:
    yield Progress(lambda round_: bar.update(round_ - bar.n) and None, report, say, pause)
  finally:
    bar.close()
  if clock['looked']:
    whole = time.perf_counter() - began
    share = f'{clock["looked"] / whole:.0%}' if whole else 'all'
    print(f'evals    took {duration(clock["looked"])} of {duration(whole)}, {share}', flush=True)


def spread(numbers: Numbers, form: str) -> str:
  """A number, or mean ± standard deviation of several, each formatted so: 0.500 ± 0.031."""
  mean, sd = moments(np.atleast_1d(numbers))
  return f'{mean:{form}}' if sd is None else f'{mean:{form}} ± {sd:{form}}'


def moments(values: Sequence[float] | np.ndarray) -> tuple[float, float | None]:
  """Mean and standard deviation of a sample; the latter is None of one value, or infinite ones."""
  several = len(values) > 1 and bool(np.all(np.isfinite(values)))
  return float(np.mean(values)), float(np.std(values, ddof=1)) if several else None


def duration(seconds: float) -> str:
  """Seconds as people say them: 42 s, 3 min, 2 h 10 min, 3 d 4 h."""
  minutes, hours = round(seconds / 60), round(seconds / 3600)
  if seconds < 100:
    return f'{seconds:.0f} s'
  if minutes < 100:
    return f'{minutes} min'
  if hours < 48:
    return f'{minutes // 60} h {minutes % 60} min'
  return f'{hours // 24} d {hours % 24} h'


def quantity(count: float) -> str:
  """A count in the usual units: 18.9 M."""
  for unit, size in (('T', 1e12), ('G', 1e9), ('M', 1e6), ('k', 1e3)):
    if count >= 0.9995 * size:
      return f'{float(f"{count / size:.3g}"):g} {unit}'
  return f'{count:.3g}'
