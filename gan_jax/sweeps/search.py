"""Trials that are chosen by what the others came to, by a sampler of Optuna.

  trials=searched(50, {'players.D.tx.learning_rate': log_uniform(1e-5, 1e-2)}, at_once=2)

in place of a list of trials. Needs `pip install 'gan_jax[optuna]'`. The study lies in the sweep's
folder, in optuna.log (or where `storage`, an URL of Optuna, says), and goes on with the sweep; the
book remains what counts: a trial that was asked for and never written down is forgotten.
"""

import math
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gan_jax import log
from gan_jax.errors import InputError
from gan_jax.sweeps import book, trials
from gan_jax.sweeps.trials import Distribution

FILE = 'optuna.log'
NAME = 'name'  # of our trial, kept with Optuna's
REPEATS = 100  # suggestions in a row of what was tried already, after which there is nothing new


class Search(NamedTuple):
  """What is searched, how, and for how long."""

  n: int  # trials in all
  space: Mapping[str, Distribution]
  sampler: str  # a class of optuna.samplers
  options: Mapping[str, Any]  # of the sampler
  at_once: int
  seed: int
  storage: str

  def told(self) -> dict[str, Any]:
    """For sweep.json."""
    return {**self._asdict(), 'space': list(self.space)}


class Study(NamedTuple):
  """Asks for the name of one more trial, which is in the book then; is told of one that is over."""

  ask: Callable[[], str | None]
  tell: Callable[[str], None]


NOTHING = Study(lambda: None, lambda name: None)


def searched(
  n: int,
  space: Mapping[str, Distribution],
  *,
  sampler: str = 'TPESampler',
  at_once: int = 1,
  seed: int = 0,
  storage: str = '',
  **options: Any,
) -> Search:
  """n trials, `at_once` at a time (no fewer than the executor has room for), by that sampler.

  A value per key of the config, as in `sampled`. Raises InputError for what cannot be searched.
  """
  if n < 1 or at_once < 1 or not space:
    raise InputError(f'searched({n}, {list(space)}, at_once={at_once}) tries nothing.')
  if strange := [key for key, each in space.items() if not isinstance(each, Distribution)]:
    raise InputError(f'{strange[0]} is to be uniform, log_uniform, integers or choice of values.')
  return Search(n, dict(space), sampler, options, at_once, seed, storage)


def study(workdir: pathlib.Path, sweep: book.Sweep) -> Study:
  """Optuna's, made or gone on with; of a sweep that is a list, one that asks for nothing."""
  search = sweep.search
  if search is None:
    return NOTHING
  optuna = library()
  numbers: dict[str, int] = {}  # our name -> Optuna's number
  found = _opened(optuna, workdir, sweep, search)

  def ask() -> str | None:
    if len(sweep.trials) >= search.n:
      return None
    for _ in range(REPEATS):
      trial = found.ask()
      overrides = {key: each.suggest(trial, key) for key, each in search.space.items()}
      name = trials.name(overrides)
      if name not in sweep.trials:
        trial.set_user_attr(NAME, name)
        book.add(workdir, sweep, name, overrides)
        numbers[name] = trial.number
        return name
      _tell(optuna, found, trial.number, _value(workdir, sweep, name))  # it learns that, again
    return None

  def tell(name: str) -> None:
    if name in numbers:
      _tell(optuna, found, numbers[name], _value(workdir, sweep, name))

  for trial in found.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
    name = trial.user_attrs.get(NAME)
    if name not in sweep.trials:
      _tell(optuna, found, trial.number, None)
      continue
    numbers[name] = trial.number
    if book.standing(workdir, name)['state'] in ('done', 'failed'):
      tell(name)
  return Study(ask, tell)


def library() -> Any:
  """Optuna; InputError if it is not installed."""
  try:
    import optuna
  except ImportError as error:
    raise InputError("Optuna is not installed: pip install 'gan_jax[optuna]'.") from error
  optuna.logging.set_verbosity(optuna.logging.WARNING)
  return optuna


def sampler(search: Search, tried: int = 0) -> Any:
  """The sampler that is named; InputError if there is none, or it does not take its options.

  What it draws depends on how many trials there are: begun again, it does not repeat itself.
  """
  optuna = library()
  known = [name for name in dir(optuna.samplers) if name.endswith('Sampler')]
  if search.sampler not in known:
    raise InputError(f'Optuna has no sampler {search.sampler!r}; it has {", ".join(known)}.')
  try:
    return getattr(optuna.samplers, search.sampler)(seed=search.seed + tried, **search.options)
  except TypeError as error:
    raise InputError(f'{search.sampler}: {error}.') from error


def _opened(optuna: Any, workdir: pathlib.Path, sweep: book.Sweep, search: Search) -> Any:
  from optuna.storages import JournalStorage
  from optuna.storages.journal import JournalFileBackend

  storage = search.storage or JournalStorage(JournalFileBackend(str(workdir / FILE)))
  found = optuna.create_study(
    study_name='sweep',
    storage=storage,
    direction='minimize' if sweep.better == 'less' else 'maximize',
    load_if_exists=True,
  )
  found.sampler = sampler(search, len(found.get_trials(deepcopy=False)))
  return found


def _value(workdir: pathlib.Path, sweep: book.Sweep, name: str) -> float | None:
  """The last of the metric in the log of a trial that is done; None if there is none."""
  if book.standing(workdir, name)['state'] != 'done':
    return None
  entries = log.read(workdir / book.FOLDER / name)
  found = [float(entry[sweep.metric]) for entry in entries if sweep.metric in entry]
  return found[-1] if found and math.isfinite(found[-1]) else None


def _tell(optuna: Any, found: Any, number: int, value: float | None) -> None:
  state = optuna.trial.TrialState.FAIL if value is None else None
  found.tell(number, value, state=state, skip_if_finished=True)
