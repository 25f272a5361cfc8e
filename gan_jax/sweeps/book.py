"""The book of a sweep: what is tried, how each trial stands. In files: a kill loses nothing.

sweep.json             what is asked for: the config and the trials, name -> overrides
trials/NAME/           an ordinary run's folder, and
trials/NAME/trial.json how the trial stands: 'waiting', 'playing', 'done' or 'failed', its attempts
"""

import pathlib
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from gan_jax import runs, sessions
from gan_jax.errors import InputError
from gan_jax.executors.job import Job, words
from gan_jax.sweeps import trials

FILE = 'sweep.json'
FOLDER = 'trials'
TRIAL = 'trial.json'


class Sweep(NamedTuple):
  """What is tried, and what its table shows."""

  config: str  # a file of `experiments/`, maybe with an argument
  trials: dict[str, trials.Overrides]  # name -> overrides
  metric: str  # a name in the runs' logs
  better: str  # 'less' or 'more' of it
  rows: tuple[str, ...]  # the keys that the table's plot puts along its axis
  columns: tuple[str, ...]  # and those that it draws one line or bar for each of
  retries: int  # how often a trial that came to a bad end is tried again
  evals: tuple[str, ...]  # what the runs measure
  search: Any = None  # of sweeps/search.py; the trials are then those that it came upon so far


def read(found: Mapping[str, Any]) -> Sweep:
  """What `get_sweep` of a sweep's file returned, checked: every trial's config is made.

  dict(config='experiments/x.py', trials=[...], metric='fid', better='less', rows='objective.pair',
  columns='seed', retries=1); only the first two must be there. The trials may be `searched(...)`.
  Raises InputError.
  """
  known = dict(metric='', better='less', rows=(), columns=(), retries=1)
  for key in found:
    if key not in {'config', 'trials', *known}:
      raise InputError(
        f'a sweep says config and trials, and maybe {", ".join(known)}; this one says {key!r}.'
      )
  if missing := {'config', 'trials'} - found.keys():
    raise InputError(f'this sweep does not say its {" and ".join(sorted(missing))}.')
  told = {**known, **found}
  if told['better'] not in ('less', 'more'):
    raise InputError(f"better={told['better']!r}: of a metric 'less' or 'more' is better.")
  search = told['trials'] if hasattr(told['trials'], 'space') else None
  if search and not told['metric']:
    raise InputError('a search must say the metric that it goes by.')
  named = {} if search else trials.named(told['trials'])
  tried = [_drawn(search)] if search else list(named.values())
  keys = {key for overrides in tried for key in overrides}
  for axis in ('rows', 'columns'):
    told[axis] = (told[axis],) if isinstance(told[axis], str) else tuple(told[axis])
    if strange := set(told[axis]) - keys:
      raise InputError(f'{axis} names {", ".join(sorted(strange))}, which no trial sets.')
  configs = [trials.resolved(told['config'], overrides) for overrides in tried]
  evals = tuple(dict.fromkeys(name for config in configs for name in config.get('evals', ())))
  return Sweep(**{**told, 'trials': named, 'evals': evals, 'search': search})


def claim(workdir: pathlib.Path, sweep: Sweep) -> None:
  """Writes the sweep into its folder, or adds its trials to those of the same sweep there.

  Raises InputError if another config is swept there, or a trial of that name is another one.
  """
  path = workdir / FILE
  known: dict[str, Any] = runs.read_json(path) if path.exists() else {}
  if known and known['config'] != sweep.config:
    raise InputError(
      f'{workdir} holds a sweep of {known["config"]}; this one is of {sweep.config}. Give another '
      '--workdir.'
    )
  before = known.get('trials', {})
  if sweep.search:
    sweep.trials.update(before)
  runs.write_json(path, _told(sweep, {**before, **sweep.trials}))
  for name, overrides in sweep.trials.items():
    _open(workdir, name, overrides)


def add(workdir: pathlib.Path, sweep: Sweep, name: str, overrides: trials.Overrides) -> None:
  """One more trial of a search, which comes into `sweep.trials` and into the files."""
  sweep.trials[name] = overrides
  runs.write_json(workdir / FILE, _told(sweep, sweep.trials))
  _open(workdir, name, overrides)


def _open(workdir: pathlib.Path, name: str, overrides: trials.Overrides) -> None:
  if not (workdir / FOLDER / name / TRIAL).exists():
    write(workdir, name, dict(overrides=overrides, state='waiting', attempts=[]))


def _told(sweep: Sweep, all_: Mapping[str, trials.Overrides]) -> dict[str, Any]:
  search = sweep.search.told() if sweep.search else None
  return {**sweep._asdict(), 'trials': dict(all_), 'search': search}


def _drawn(search: Any) -> trials.Overrides:
  """Any trial of a search, for a look at its config."""
  (one,) = trials.sampled(1, search.space)
  return one


def job(workdir: pathlib.Path, sweep: Sweep, name: str, program: tuple[str, ...]) -> Job:
  """What an executor plays for a trial; `program` is how gan_jax.main is called there."""
  folder = workdir / FOLDER / name
  flags = trials.arguments(sweep.config, sweep.trials[name])
  config = trials.resolved(sweep.config, sweep.trials[name])
  return Job(name, (*program, *flags, f'--workdir={folder}'), folder, config)


def standing(workdir: pathlib.Path, name: str) -> dict[str, Any]:
  """What trial.json says."""
  return dict(runs.read_json(workdir / FOLDER / name / TRIAL))


def write(workdir: pathlib.Path, name: str, told: Mapping[str, Any]) -> None:
  """Keeps how a trial stands."""
  runs.write_json(workdir / FOLDER / name / TRIAL, dict(told))


def begun(workdir: pathlib.Path, name: str, where: str) -> None:
  """A trial is being played."""
  told = standing(workdir, name)
  attempts = [*told['attempts'], dict(began=time.time(), where=where)]
  write(workdir, name, {**told, 'state': 'playing', 'attempts': attempts})


def ended(workdir: pathlib.Path, name: str, status: int, state: str, said: str) -> None:
  """A trial's process is over, and it stands so."""
  told = standing(workdir, name)
  *before, last = told['attempts'] or [{}]
  last = {**last, 'ended': time.time(), 'status': status, 'said': said}
  write(workdir, name, {**told, 'state': state, 'attempts': [*before, last]})


def look(workdir: pathlib.Path, sweep: Sweep) -> None:
  """Takes down what became of trials that came to an end unseen: played elsewhere, or by a sweep
  that was killed. Their runs' own folders tell.
  """
  for name, overrides in sweep.trials.items():
    told = standing(workdir, name)
    if told['state'] in ('done', 'failed'):
      continue
    folder = workdir / FOLDER / name
    *_, last = [{}, *sessions.read(folder)]
    how = str(last.get('how', ''))
    if how == 'finished':
      asked = trials.resolved(sweep.config, overrides)['rounds']
      state, said = 'done' if runs.read_json(folder / 'config.json')['rounds'] == asked else '', how
    elif how.startswith('Diverged: '):
      state, said = 'failed', how.removeprefix('Diverged: ')
    else:
      continue
    if state:
      seen = dict(began=last['began'], where=last['device'], ended=last['ended'], said=said)
      write(workdir, name, {**told, 'state': state, 'attempts': [*told['attempts'], seen]})


def last_words(workdir: pathlib.Path, name: str) -> str:
  """The last line that the trial's process printed."""
  return words(workdir / FOLDER / name)
