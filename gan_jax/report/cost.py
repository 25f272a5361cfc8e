"""What a run cost: images, seconds, and how much of them was training."""

from collections.abc import Mapping
from typing import NamedTuple

from gan_jax import assemble
from gan_jax import step as steps
from gan_jax.progress import duration, quantity
from gan_jax.report.told import Told


class Cost(NamedTuple):
  """What a run took, as far as it is known; None where it is not."""

  images: int | None  # real ones that D's player was shown
  rate: float | None  # of them a second of training, over the whole run
  training: float | None  # seconds of training alone, by the rates in the log
  whole: float | None  # seconds from compiling to the end, of all sessions
  unended: bool = False  # a session's end was not written; it is counted to the last log entry

  @property
  def share(self) -> float | None:
    """Of the whole, what was not training: starting, compiling, evals, saving."""
    if self.whole is None or self.training is None or self.whole <= 0:
      return None
    return max(0.0, 1 - self.training / self.whole)


def cost(told: Told) -> Cost:
  """From the rates in the log and the sessions."""
  try:
    moves, options = assemble.play(told.config)
    a_round = steps.minibatches(moves, **options) * told.config['batch']
  except Exception:  # as above
    return Cost(None, None, None, *_whole(told))
  before, seconds = 0, 0.0
  for entry in told.entries:
    if rate := entry.get('images_per_second'):
      seconds += max(entry['step'] - before, 0) * a_round / rate
      before = entry['step']
  images = before * a_round
  return Cost(images or None, images / seconds if seconds else None, seconds or None, *_whole(told))


def _whole(told: Told) -> tuple[float | None, bool]:
  log = told.workdir / 'log.jsonl'
  last = log.stat().st_mtime if log.exists() else 0.0
  if not told.sessions:
    return None, False
  ends = [one.get('ended') for one in told.sessions]
  spans = [max(0.0, (end or last) - one['began'])
           for one, end in zip(told.sessions, ends, strict=True)]  # fmt: skip
  return sum(spans), None in ends


def tiles(told: Told, weights: Mapping[str, int], spent: Cost) -> list[tuple[str, str]]:
  """The few numbers that one looks for first: (what it is, how much)."""
  out = [('rounds', f'{told.round:,}')]
  if weights:
    out.append(('parameters', ', '.join(f'{n} {quantity(c)}' for n, c in weights.items())))
  if spent.whole is not None:
    out.append(('time', duration(spent.whole)))
  elif spent.training is not None:
    out.append(('time in training', duration(spent.training)))
  if spent.rate is not None:
    out.append(('real images a second', f'{spent.rate:,.0f}'))
  return out


def costs(spent: Cost) -> list[tuple[str, str]]:
  """The cost, line by line."""
  out = []
  if spent.images is not None:
    out.append(('Real images shown to D', f'{spent.images:,}'))
  if spent.rate is not None:
    out.append(('Images a second of training', f'{spent.rate:,.0f}'))
  if spent.training is not None:
    out.append(('Training alone', f'{duration(spent.training)}, by the rates in the log'))
  if spent.whole is not None:
    ended = '; to the last log entry where no end was written' if spent.unended else ''
    out.append(('From compiling to the end', f'{duration(spent.whole)}{ended}'))
  if spent.share is not None:
    out.append(('Of that not training', f'{spent.share:.0%}: compiling, evals, saving'))
  return out
