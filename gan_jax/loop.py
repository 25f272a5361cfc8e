"""The loop: calls, and between them what is due. Everything in a run that has a side effect."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax import assemble, checkpoint
from gan_jax import log as logs
from gan_jax.data.loader import Feed, Plan
from gan_jax.errors import Diverged, Interrupted
from gan_jax.progress import Progress, progress
from gan_jax.sampling import Sampler
from gan_jax.step import TrainState

Call = Callable[[TrainState, Any, jax.Array], tuple[TrainState, dict[str, jax.Array]]]


class Eval(NamedTuple):
  """A periodic thing: numbers or pictures from the sampler of the moment."""

  name: str
  every: int
  function: Callable[..., Mapping[str, Any]]  # (sampler, open_split, key, **options)
  options: Mapping[str, Any]


class Run(NamedTuple):
  """What the loop works with."""

  config: Mapping[str, Any]
  plan: Plan
  call: Call
  feed: Feed
  evals: list[Eval]
  bind: Callable[[TrainState], Sampler] | None
  log: logs.Log
  manager: Any


def play(
  run: Run, round_: int, state: TrainState, key: jax.Array, fresh: bool = True
) -> TrainState:
  """Plays from round `round_` to the last, and saves; returns the final state.

  A call's scalars are awaited while the next one is under way. Raises Diverged when a number is no
  longer finite, Interrupted after SIGTERM or Ctrl-C, InputError when the disk is full.
  """
  config, rounds = run.config, run.config['rounds']
  with _signals() as asked, progress(rounds, round_) as shown:
    settle = _ledger(run, shown, round_)
    if fresh:
      _look(run, run.evals, 0, state, shown)
    pending = None
    while round_ < rounds and not asked:
      state, scalars = run.call(state, run.feed.inputs(round_), key)
      if pending:
        settle(*pending)
      round_ += run.plan.rounds
      pending = (round_, scalars)
      shown.advance(round_)
      saves = round_ % config['checkpoint']['every'] == 0
      due = [e for e in run.evals if round_ % e.every == 0 or round_ >= rounds]
      if saves or due or asked:
        settle(*pending)  # first: what is not finite is neither saved nor shown
        pending = None
      try:  # looking comes first: a kill then loses neither, since both are done again
        _look(run, due, round_, state, shown)
      finally:
        if saves:
          checkpoint.save(run.manager, round_, state)
    if pending:
      settle(*pending)
    checkpoint.save(run.manager, round_, state)
  if asked:
    name, status = signal.Signals(asked[0]).name, 128 + asked[0]
    raise Interrupted(
      f'stopped by {name} after round {round_:,}, which is saved; the same command goes on.', status
    )
  return state


def _ledger(run: Run, shown: Progress, healthy: int) -> Callable[[int, Any], None]:
  """settle(round, scalars of the call that ended there): awaits, checks, logs, reports.

  What is logged are means over the rounds of that one call: a run that was stopped in between then
  logs the same numbers as one that never was.
  """
  config = run.config
  images = run.plan.k * run.plan.batch

  def settle(round_: int, scalars: Any) -> None:
    nonlocal healthy
    values = {name: np.asarray(v) for name, v in sorted(jax.device_get(scalars).items())}
    _check_finite(values, round_, healthy, run.manager)
    healthy = round_
    if round_ % config['log_every'] == 0 or round_ >= config['rounds']:
      means = {name: float(np.mean(v)) for name, v in values.items()}
      rate = shown.report(round_, means, images)
      run.log.write(round_, {**means, 'images_per_second': rate})

  return settle


def _check_finite(values: dict[str, np.ndarray], round_: int, healthy: int, manager: Any) -> None:
  """Raises Diverged if any scalar of any round of the call is NaN or infinite."""
  bad = {n: v[~np.isfinite(v)] for n, v in values.items() if not np.all(np.isfinite(v))}
  if not bad:
    return
  first = {n: int(np.argmin(np.isfinite(values[n]))) for n in bad}
  at = min(first.values())
  rounds = len(next(iter(values.values())))
  wrong = [n for n in bad if first[n] == at]
  terms = ', '.join(f'{n} is {values[n][at]}' for n in wrong)
  players = ' and '.join(sorted({n.split('/')[0] for n in wrong}))
  last = max(healthy, round_ - rounds + at)
  newest = max(manager.all_steps(), default=None)
  kept = 'No checkpoint was written yet' if newest is None else f'The newest checkpoint is {newest}'
  raise Diverged(
    f'round {round_ - rounds + at + 1}: {terms}, in the move of {players}. Round {last} was the '
    f'last healthy one. {kept}. The same command would come to the same '
    'end: try a lower learning rate, another pair or penalty, or another seed, in a new --workdir.'
  )


def _look(run: Run, due: list[Eval], round_: int, state: TrainState, shown: Progress) -> None:
  """Runs the evals that are due: numbers go to the log, pictures to samples/."""
  if not due or run.bind is None:
    return
  with shown.pause():
    sampler = run.bind(state)
    numbers: dict[str, float] = {}
    for each in due:
      key = jax.random.fold_in(jax.random.key(run.config['seed']), 2)  # the same z every time
      open_split = partial(assemble.open_source, run.config)
      for name, value in each.function(sampler, open_split, key, **each.options).items():
        label = each.name if name == each.name else f'{each.name}/{name}'
        if np.ndim(value) == 3:
          run.log.image(round_, label.replace('/', '_'), np.asarray(value))
        else:
          numbers[label] = float(value)
    if numbers:
      run.log.write(round_, numbers)
      shown.say('  '.join([f'round {round_:,}:', *(f'{n} {v:.4g}' for n, v in numbers.items())]))


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
  """A list that SIGTERM and Ctrl-C put their number in; a second one acts as it always does."""
  asked: list[int] = []
  if threading.current_thread() is not threading.main_thread():
    yield asked  # only the main thread may listen (a notebook's worker, say)
    return
  before = {s: signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT)}

  def note(number: int, frame: Any) -> None:
    asked.append(number)
    print(f'{signal.Signals(number).name}: finishing this call, then saving', flush=True)
    signal.signal(number, before[signal.Signals(number)])

  for number in before:
    signal.signal(number, note)
  try:
    yield asked
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)
