"""The loop: calls, and between them what is due. Everything in a run that has a side effect.

A program plays one run or the members of a population; the loop is the same. A member that diverges
is reported, and from then on neither logged, looked at nor saved; the others go on.
"""

import contextlib
import pathlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax import assemble, checkpoint, hosts
from gan_jax import log as logs
from gan_jax.best import FOLDER, Best
from gan_jax.best import keep as keep_best
from gan_jax.data.loader import Feed, Plan
from gan_jax.errors import Collapsed, Diverged, Interrupted
from gan_jax.progress import Progress, progress, spread
from gan_jax.sampling import Sampler
from gan_jax.step import TrainState
from gan_jax.watch import Watch, symptoms

Call = Callable[[TrainState, Any, Any], tuple[TrainState, dict[str, jax.Array]]]


class Eval(NamedTuple):
  """A periodic thing: numbers or pictures from the sampler of the moment."""

  name: str
  every: int
  function: Callable[..., Mapping[str, Any]]  # (sampler, open_split, key, **options)
  options: Mapping[str, Any]


class Played(NamedTuple):
  """A run that the program plays, and where it is written down."""

  label: str  # '' for a run alone
  workdir: pathlib.Path
  seed: int
  bind: Callable[[TrainState], Sampler] | None
  log: logs.Log
  manager: Any


class Run(NamedTuple):
  """What the loop works with."""

  config: Mapping[str, Any]  # of which the members differ only in what is learnt
  plan: Plan
  call: Call
  feed: Feed
  evals: list[Eval]
  members: Sequence[Played]
  parts: Callable[[Any], list[Any]]  # what the call returns -> what each member would have, alone
  fallen: dict[str, str]  # label -> how it diverged; the loop adds to it
  mark: Callable[[], None]  # keeps what is in `fallen`
  heard: Callable[[Sequence[int]], Callable[[], int]]  # of signals, by whatever process: hosts.py
  watch: Watch | None = None
  best: Best | None = None

  def living(self) -> list[int]:
    """The places of the members that have not diverged."""
    return [i for i, m in enumerate(self.members) if m.label not in self.fallen]


def play(run: Run, round_: int, state: TrainState, own: Any, fresh: bool = True) -> TrainState:
  """Plays from round `round_` to the last, and saves; returns the final state.

  `own` is what the call is handed besides, the same every time. A call's scalars are awaited while
  the next one is under way. Raises Diverged when of no member all numbers are finite any longer,
  Collapsed if the watch is to act, Interrupted after SIGTERM or Ctrl-C, InputError when the disk is
  full.
  """
  config, rounds = run.config, run.config['rounds']
  with _signals() as asked, progress(rounds, round_) as shown:
    settle, heed = _ledger(run, shown, round_), _watchman(run, shown)
    if fresh:
      _look(run, run.evals, 0, run.parts(state) if run.evals else [], shown)
    pending, heard = None, run.heard(asked)
    while round_ < rounds and not heard():
      heard = run.heard(asked)
      state, scalars = run.call(state, run.feed.inputs(round_), own)
      if pending:
        settle(*pending)
      round_ += run.plan.rounds
      pending = (round_, scalars)
      shown.advance(round_)
      saves = round_ % config['checkpoint']['every'] == 0
      due = [e for e in run.evals if round_ % e.every == 0 or round_ >= rounds]
      if saves or due or heard():
        settle(*pending)  # first: what is not finite is neither saved nor shown
        pending = None
      states = run.parts(state) if saves or due else []
      try:  # looking comes first: a kill then loses neither, since both are done again
        _look(run, due, round_, states, shown)
      finally:
        if saves:
          _save(run, round_, states)
      heed(round_)
    if pending:
      settle(*pending)
    _save(run, round_, run.parts(state))
  if stop := heard():
    name, status = signal.Signals(stop).name, 128 + stop
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
    values = [
      {name: np.asarray(v) for name, v in sorted(each.items())}
      for each in run.parts(jax.device_get(scalars))
    ]
    _mourn(run, values, round_, healthy, shown)
    healthy = round_
    if round_ % config['log_every'] == 0 or round_ >= config['rounds']:
      living = run.living()
      means = {i: {name: float(np.mean(v)) for name, v in values[i].items()} for i in living}
      together = {name: [means[i][name] for i in living] for name in means[living[0]]}
      rate = shown.report(round_, together, images * len(living)) / len(living)
      for i in living:
        run.members[i].log.write(round_, {**means[i], 'images_per_second': rate})

  return settle


def _watchman(run: Run, shown: Progress) -> Callable[[int], None]:
  """heed(round): says what is wrong when a look is due, if it was not said the last time."""
  said: dict[str, list[str]] = {}

  def heed(round_: int) -> None:
    if run.watch is None or round_ % run.watch.every:
      return
    watch = run.watch
    for member in [run.members[i] for i in run.living()]:
      found = hosts.told(partial(_symptoms, member, watch))
      signs = [sentence.split(':')[0] for sentence in found]
      if found and signs != said.get(member.label):
        who = f'{member.label} ' if member.label else ''
        shown.say(f'round {round_:,}: {who}{"; ".join(found)}')
      said[member.label] = signs
      if found and run.watch.act != 'warn':
        raise Collapsed(f'round {round_:,}: {"; ".join(found)}', round_)

  return heed


def _symptoms(member: Played, watch: Watch) -> list[str]:
  return symptoms(member.log.read(), watch)


def _mourn(
  run: Run, values: Sequence[dict[str, np.ndarray]], round_: int, healthy: int, shown: Progress
) -> None:
  """Counts those that diverged among the fallen, each in a line; Diverged if none is left."""
  diverged: dict[str, str] = {}
  for i in run.living():
    member = run.members[i]
    try:
      _check_finite(values[i], round_, healthy, member.manager)
    except Diverged as error:
      if len(run.members) == 1 and not member.label:
        raise
      diverged[member.label] = str(error)
      shown.say(f'{member.label} diverged: {error}')
  if not diverged:
    return
  run.fallen.update(diverged)
  run.mark()
  if not run.living():
    *_, (label, how) = diverged.items()
    raise Diverged(f'all {len(run.members)} members diverged; the last was {label}: {how}')


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


def _save(run: Run, round_: int, states: Sequence[TrainState]) -> None:
  """A checkpoint of each member that has not diverged."""
  for i in run.living():
    checkpoint.save(run.members[i].manager, round_, states[i])


def _look(
  run: Run, due: list[Eval], round_: int, states: Sequence[TrainState], shown: Progress
) -> None:
  """Runs the evals that are due: numbers go to the logs, pictures to samples/."""
  if not due or not hosts.first():
    return
  with shown.pause():
    open_split = lru_cache(partial(assemble.open_source, run.config))  # the members share the data
    found: dict[str, list[float]] = {}
    for i in run.living():
      member = run.members[i]
      assert member.bind is not None
      sampler = member.bind(hosts.here(states[i]))
      log = _seen(member.log, shown) if i == run.living()[0] else member.log
      numbers = measured(due, sampler, open_split, member.seed, log, round_)
      if run.best and round_ and keep_best(member.workdir, run.best, numbers, round_, states[i]):
        shown.say(f'round {round_:,}: the best {run.best.value} so far, kept in {FOLDER}/')
      for name, value in numbers.items():
        found.setdefault(name, []).append(value)
    if found:
      said = (f'{name} {spread(values, ".4g")}' for name, values in found.items())
      shown.say('  '.join([f'round {round_:,}:', *said]))


def _seen(log: logs.Log, shown: Progress) -> logs.Log:
  """The log; what pictures it is given are also on the screen."""

  def image(round_: int, name: str, pixels: np.ndarray) -> pathlib.Path:
    path = log.image(round_, name, pixels)
    shown.picture(path)
    return path

  return log._replace(image=image)


def measured(
  evals: Sequence[Eval],
  sampler: Sampler,
  open_split: Callable,
  seed: int,
  log: logs.Log,
  round_: int,
) -> dict[str, float]:
  """The numbers of the evals of a sampler, which are in the log by then, as are the pictures.

  How a number came to be, its 'protocol', is written beside the log.
  """
  numbers: dict[str, float] = {}
  for each in evals:
    key = jax.random.fold_in(jax.random.key(seed), 2)  # the same z every time
    for name, value in each.function(sampler, open_split, key, **each.options).items():
      if name == 'protocol':
        log.protocol(each.name, value)
        continue
      label = each.name if name == each.name else f'{each.name}/{name}'
      if np.ndim(value) > 2:
        log.image(round_, label.replace('/', '_'), np.asarray(value))
      else:
        numbers[label] = float(value)
  if numbers:
    log.write(round_, numbers)
  return numbers


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
