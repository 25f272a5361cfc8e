"""How far a run is, how fast it is, and what its looks take: numbers for the screen."""

import pathlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

import numpy as np

from gan_jax import screen as screens

Numbers = float | Sequence[float]  # of one run, or of each member of a population


class Progress(NamedTuple):
  """Where the loop says how far it is."""

  advance: Callable[[int], None]  # the rounds played so far
  report: Callable[[int, Mapping[str, Numbers], int], float]  # round, scalars, images/round -> rate
  say: Callable[[str], None]  # a line that does not disturb the bar
  pause: Callable[[], AbstractContextManager]  # around what is not training, for an honest rate
  picture: Callable[[pathlib.Path], None]  # one that was written: seen where pictures can be


@contextmanager
def progress(total: int, start: int) -> Iterator[Progress]:
  """Shows the way from round `start` to round `total`, and at the end what the looks on it took."""
  screen = screens.screen(total, start)
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
    left = duration((total - round_) / per_second)
    screen.tell(round_, f'{losses}  {per_second * images:,.0f} images/s', left)
    return per_second * images

  try:
    yield Progress(screen.advance, report, screen.say, pause, screen.picture)
  finally:
    screen.close()
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
